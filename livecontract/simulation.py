"""Many nodes in one process, with time, chance and network of their own: the same seed gives the same run.

Nothing here waits or runs beside something else. A round lets every worker of every node, the network and the public
chain step once, in an order that the seed draws; then the clock goes on. What is simulated is only what lies outside a
node: the nodes themselves are the ones that run in production.
"""

import random
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from anchor.index import COLLECTIONS as ANCHOR_COLLECTIONS
from anchor.parameters import development
from anchor.service import AnchorService
from dispatcher import enqueue
from dispatcher.broker import Broker, MemoryBroker
from dispatcher.enqueue import EnqueueService
from eventchain.core.clock import Clock
from eventchain.core.errors import LiveContractError, UnavailableError
from eventchain.core.keys import KeyPair, PublicKey
from eventchain.store.document_store import Document, DocumentStore
from eventchain.store.memory import MemoryStore
from livecontract.node import COLLECTIONS, QUEUES, Node, Parts
from livecontract.plugs import DoorPlug
from livecontract.simulated_world import (
    Faults,
    Network,
    Receiver,
    SimulatedHttpClient,
    SimulatedMailer,
    SimulatedTransport,
    VirtualClock,
    World,
)

_FIRST_PAUSE, _LONGEST_PAUSE = 100, 60_000
"""Milliseconds the clock goes on when nobody has anything to do: doubled until somebody has."""

_MAX_ROUNDS = 5_000
_GIVEN_UP_MS = 4 * 60 * 60 * 1000
_MANY = 10_000

T = TypeVar("T")
NodeObserver = Callable[[str, str, str], None]
"""Is told (node, step, chain id) after each of the eight steps; raises `NodeKilled` to kill the node there."""


class NodeKilled(BaseException):
    """The process of a node ends here and now; no handler may take it for an error it can deal with."""


class NodeDownError(UnavailableError):
    """The node does not run, or ended before it answered."""


class Storage(Protocol):
    """Opens what a node keeps; again after a kill."""

    def open_store(self, name: str) -> DocumentStore:
        """Open the store of a node, made with `livecontract.node.COLLECTIONS`."""

    def open_broker(self, name: str, clock: Clock) -> Broker:
        """Open the queues of a node."""


class MemoryStorage:
    """Keeps everything in memory, beyond the death of simulated nodes."""

    def __init__(self) -> None:
        self._stores: dict[str, MemoryStore] = {}
        self._brokers: dict[str, MemoryBroker] = {}

    def open_store(self, name: str) -> DocumentStore:
        """See `Storage`."""
        return self._stores.setdefault(name, MemoryStore(COLLECTIONS))

    def open_broker(self, name: str, clock: Clock) -> Broker:
        """See `Storage`."""
        old = self._brokers.get(name)
        self._brokers[name] = old.reopened() if old else MemoryBroker(clock)
        return self._brokers[name]


class Simulation:
    """Nodes, their network, one public chain, and the people who use them.

    Attributes:
        clock: Everybody's.
        network: Between the nodes.
        world: Outside of them.
        anchor: The public chain.
        nodes: Those that run, by name.
        observe: Told after each of the eight steps of every node.
        trace: What was done: (time, node, worker, how much). Equal for equal seeds.
    """

    def __init__(
        self,
        seed: int,
        *,
        names: Sequence[str] = ("buyer", "seller", "inspector"),
        faults: Faults | None = None,
        storage: Storage | None = None,
        observe: NodeObserver | None = None,
    ) -> None:
        """Start a node of each name, reached as `http://<name>`."""
        self._chance = random.Random(seed)  # noqa: S311 (a simulation draws the same each time)
        self._storage = storage or MemoryStorage()
        self.observe: NodeObserver = observe or (lambda _node, _step, _chain: None)
        self.clock = VirtualClock()
        self.network = Network(self._chance, self.clock, faults or Faults())
        self.world = World()
        forger = KeyPair.from_seed_phrase("public chain")
        self.anchor = AnchorService(MemoryStore(ANCHOR_COLLECTIONS), forger, development(), clock=self.clock)
        self.nodes: dict[str, Node] = {}
        self.trace: list[tuple[int, str, str, int]] = []
        self._names = tuple(names)
        for name in names:
            self.network.connect(name, self._receiver(name))
            self.start(name)

    # Nodes

    def start(self, name: str) -> None:
        """Start a node, for the first time or again, on what is stored of it."""
        key = KeyPair.from_seed_phrase(f"{name} node")
        self.nodes[name] = Node(
            Parts(
                key=key,
                uri=f"http://{name}",
                name=name,
                store=self._storage.open_store(name),
                broker=self._storage.open_broker(name, self.clock),
                anchor=self.anchor,
                transport=SimulatedTransport(self.network, name, key.public_key),
                http=SimulatedHttpClient(self.world.handle),
                mailer=SimulatedMailer(self.world.deliver),
                clock=self.clock,
                random=self._chance.randbytes,
                observe=lambda step, chain: self.observe(name, step, chain),
            )
        )

    def kill(self, name: str) -> None:
        """End a node without a last word: only its files and locks are let go."""
        node = self.nodes.pop(name, None)
        if node is not None:
            node.parts.broker.close()
            node.parts.store.close()

    def at(self, name: str, work: Callable[[Node], T]) -> T:
        """Do something at a node.

        Raises:
            NodeDownError: It does not run, or was killed while it did this.
        """
        if name not in self.nodes:
            raise NodeDownError(f"{name} does not answer")
        try:
            return work(self.nodes[name])
        except NodeKilled:
            self.kill(name)
            raise NodeDownError(f"{name} ended before it answered") from None

    def close(self) -> None:
        """End all nodes."""
        for name in self._names:
            self.kill(name)

    def _receiver(self, name: str) -> Receiver:
        def take_in(node: Node, path: str, key: PublicKey, body: bytes) -> None:
            door, queue = DoorPlug(node.chains, frozenset()), EnqueueService(node.parts.broker)
            if path == "queue/asks":
                ask = enqueue.read_ask(body)
                if door.hears(key, ask.content):
                    queue.enqueue_ask(ask, sender=key)
                return
            submission = enqueue.read(body)
            door.admit(key, submission.content)
            queue.enqueue(submission, sender=key)

        return lambda path, key, body: self.at(name, lambda node: take_in(node, path, key, body))

    # Time

    def round(self) -> int:
        """Let everybody step once, in a drawn order; return how much was done."""
        turns = [(name, index) for name in self.nodes for index in range(len(self.nodes[name].workers))]
        self._chance.shuffle(turns)
        done = self.network.step()
        self.anchor.step()
        for name, index in turns:
            done += self._step(name, index)
            self.clock.now += self._chance.randint(0, 3)
        return done

    def run(self, rounds: int) -> None:
        """Go on for so many rounds; killed nodes stay as they are."""
        pause = _FIRST_PAUSE
        for _ in range(rounds):
            if self.round():
                pause = _FIRST_PAUSE
            else:
                self.clock.now += pause
                pause = min(2 * pause, _LONGEST_PAUSE)

    def settle(self, *, receipts: bool = True) -> None:
        """Go on until nothing waits anywhere; killed nodes start again.

        Args:
            receipts: Whether to wait for the anchor receipts too.

        Raises:
            RuntimeError: It does not come to rest.
        """
        pause = _FIRST_PAUSE
        for _ in range(_MAX_ROUNDS):
            for name in self._names:
                if name not in self.nodes:
                    self.start(name)
            done = self.round()
            if not done and self.is_settled(receipts=receipts):
                return
            self.clock.now += 0 if done else pause
            pause = _FIRST_PAUSE if done else min(2 * pause, _LONGEST_PAUSE)
        raise RuntimeError(f"it does not come to rest: {self.waiting()}")

    def wait(self, milliseconds: int) -> None:
        """Let so much time pass at once, and what it brings about settle; killed nodes start again."""
        self.clock.now += milliseconds
        self.settle(receipts=False)

    def is_settled(self, *, receipts: bool = True) -> bool:
        """Whether every node runs and nothing waits."""
        archives = [node.eventchain.archive for node in self.nodes.values()]
        return (
            len(self.nodes) == len(self._names)
            and self.network.is_idle
            and not self.waiting()
            and not any(archive.pending(1) or (receipts and archive.awaiting(1)) for archive in archives)
            and not any(self._may_still_come(item) for archive in archives for item in archive.early(_MANY))
        )

    def _may_still_come(self, early: Document) -> bool:
        """Whether what an early event waits for may be on its way, rather than lost by everybody."""
        received = early["received"]
        return isinstance(received, int) and self.clock.now - received < _GIVEN_UP_MS

    def waiting(self) -> dict[str, int]:
        """Return how many messages wait, by node and queue, where there are any."""
        depths = {
            f"{name} {queue}": node.parts.broker.depth(queue) for name, node in self.nodes.items() for queue in QUEUES
        }
        return {place: depth.waiting + depth.leased for place, depth in depths.items() if depth.waiting + depth.leased}

    def _step(self, name: str, index: int) -> int:
        if name not in self.nodes:
            return 0
        worker = self.nodes[name].workers[index]
        try:
            done = self.at(name, lambda _: worker.step())
        except LiveContractError:
            return 0
        if done:
            self.trace.append((self.clock.now, name, worker.name, done))
        return done
