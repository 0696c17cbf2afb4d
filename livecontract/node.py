"""A node: its services, plugged together from parts that come in.

Everything that touches the world (clock, randomness, stores, broker, transport, anchor, mail) is an argument, so that
many nodes can run in one process under a scheduler of its own. `livecontract.bootstrap` makes the parts of a running
one.
"""

from dataclasses import dataclass

from dispatcher.broker import Broker
from dispatcher.dispatch import EVENTS_POLICY, RELAY_POLICY, Dispatcher, Handler, RetryPolicy
from dispatcher.ports import Transport
from dispatcher.relay import RelayHandler
from eventchain.archive import COLLECTIONS as EVENTCHAIN_COLLECTIONS
from eventchain.core.clock import Clock
from eventchain.core.keys import KeyPair, Random
from eventchain.ports import Anchor, Observer
from eventchain.receipts import Receipts
from eventchain.service import EventChainService
from eventchain.store.document_store import Collection, DocumentStore
from livecontract import invitations
from livecontract.handlers import AnchorHandler, EventsHandler, TriggerHandler, each
from livecontract.invitations import INVITATIONS, Invitations
from livecontract.mail import Mailer
from livecontract.plugs import EnginePlug, QueuePlug, SubmitterPlug, make_triggers
from livecontract.workers import Crew, PeriodicWorker, QueueWorker, Worker
from workflow_engine.ports import HttpClient
from workflow_engine.service import COLLECTIONS as WORKFLOW_COLLECTIONS
from workflow_engine.service import WorkflowService

COLLECTIONS: tuple[Collection, ...] = (*EVENTCHAIN_COLLECTIONS, *WORKFLOW_COLLECTIONS, INVITATIONS)
"""What the store of a node holds, besides what its web server and an embedded anchor service need."""

QUEUES = ("events", "relay", "triggers", "anchor", invitations.QUEUE)
"""The queues of a node; `livecontract.handlers` says what their messages are."""

RECEIPTS_SECONDS = 0.5
RESUME_SECONDS = 5.0
REMIND_SECONDS = 10.0
EVENT_WORKERS = 2
RELAY_WORKERS = 4
AT_ONCE = 100
RELAY_AT_ONCE = 8
"""Messages a worker takes at once; fewer to relay, since a slow node holds up the others in its hand."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a node is made of.

    Attributes:
        key: The node's system key.
        uri: How other nodes reach it, without a slash at the end.
        name: Of the organisation.
        users: Public keys (base58) of the people it serves; empty for anyone.
        store: Made with `COLLECTIONS`.
        broker: Its queues.
        anchor: The anchor service, or its client.
        transport: Carries messages to other nodes.
        http: Requests of system actions.
        mailer: Sends invitations.
        clock: Milliseconds since 1970.
        random: Unpredictable bytes.
        threads: How many verify signatures at once.
        observe: Told after each of the eight steps.
    """

    key: KeyPair
    uri: str
    name: str
    users: frozenset[str] = frozenset()
    store: DocumentStore
    broker: Broker
    anchor: Anchor
    transport: Transport
    http: HttpClient
    mailer: Mailer
    clock: Clock
    random: Random
    threads: int = 1
    observe: Observer | None = None


class Node:
    """The services of one node.

    Attributes:
        parts: What it is made of.
        eventchain: The event chain service.
        workflow: The workflow engine.
        receipts: Collects anchor receipts.
        invitations: Invites parties.
        workers: What it does by itself.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.workflow = WorkflowService(
            parts.store, parts.clock, make_triggers(parts.http, SubmitterPlug(lambda: self.eventchain))
        )
        engine = EnginePlug(self.workflow, parts.clock)
        self.eventchain = EventChainService(
            store=parts.store,
            engine=engine,
            queue=QueuePlug(parts.broker),
            key=parts.key,
            clock=parts.clock,
            node_uri=parts.uri,
            users=parts.users,
            threads=parts.threads,
            observe=parts.observe,
        )
        self.receipts = Receipts(self.eventchain.archive, parts.anchor, parts.clock)
        self.invitations = Invitations(
            store=parts.store,
            chains=self.eventchain,
            publish=lambda message: parts.broker.publish([message]),
            mailer=parts.mailer,
            key=parts.key,
            name=parts.name,
            node_uri=parts.uri,
            clock=parts.clock,
            random=parts.random,
        )
        self.workers: tuple[Worker, ...] = tuple(self._make_workers(engine))
        self._crew = Crew(self.workers)

    def _make_workers(self, engine: EnginePlug) -> list[Worker]:
        triggers = TriggerHandler(engine, self.eventchain)
        relay = RelayHandler(self.parts.transport)
        return [
            *(self._queue_worker("events", EventsHandler(self.eventchain)) for _ in range(EVENT_WORKERS)),
            *(self._queue_worker("relay", relay, RELAY_POLICY, RELAY_AT_ONCE) for _ in range(RELAY_WORKERS)),
            self._queue_worker("triggers", each(triggers), RELAY_POLICY),
            self._queue_worker("anchor", AnchorHandler(self.parts.anchor), RELAY_POLICY),
            self._queue_worker(invitations.QUEUE, each(self.invitations.handle)),
            PeriodicWorker("receipts", self.receipts.collect, RECEIPTS_SECONDS),
            PeriodicWorker("resume", self._resume, RESUME_SECONDS),
            PeriodicWorker("remind", self.eventchain.remind, REMIND_SECONDS),
        ]

    def _queue_worker(
        self, queue: str, handler: Handler, policy: RetryPolicy = EVENTS_POLICY, limit: int = AT_ONCE
    ) -> QueueWorker:
        parts = self.parts
        return QueueWorker(queue, Dispatcher(parts.broker, queue, handler, parts.clock, parts.random, policy), limit)

    def _resume(self) -> int:
        """Take up what a killed node, or a queue that was away, left open."""
        self.invitations.resume()
        return self.eventchain.resume()

    def step(self) -> int:
        """Do what waits now, once around; return how much it was. For simulations."""
        return sum(worker.step() for worker in self.workers)

    def start(self) -> None:
        """Let the workers run."""
        self._crew.start()

    def stop(self) -> None:
        """End the workers, write down what is done, and close queue and store."""
        self._crew.tell_to_stop()
        self._crew.join()
        self.eventchain.settle()
        self.parts.broker.close()
        self.parts.store.close()
