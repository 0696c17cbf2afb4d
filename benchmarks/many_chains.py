"""A node that keeps very many chains against one that keeps few: an append and the memory it takes should not differ.

Each node is a process of its own over a `SqliteStore` on disk. It takes in its chains one by one, as a node does over
the years: most of them are contracts at rest. Some, as many on both, are at work; each turn appends one response to
every one of them, in an order of its own, so that nothing is near by chance. Memory is what the process holds after
all that, and it is measured once.
"""

import functools
import gc
import multiprocessing
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks import samples
from benchmarks.ingest import Outside
from benchmarks.measure import Figure, Ratio, compare
from benchmarks.sizes import Sizes
from dispatcher.broker import MemoryBroker
from eventchain.chain import EventChain, Stub
from eventchain.core.clock import system_clock
from eventchain.core.errors import LiveContractError
from eventchain.event import Event
from eventchain.intake import Parcel
from eventchain.store.sqlite import SqliteStore
from livecontract import log
from livecontract.node import COLLECTIONS, Node, Parts

NAME = "many_chains"

_AT_ONCE = 100


class ManyChains:
    """A node with chains at rest and chains at work."""

    def __init__(self, folder: Path, at_rest: int, at_work: int, turns: int) -> None:
        """Take in all chains; those at work are ready for so many turns."""
        outside: Any = Outside()
        self._broker = MemoryBroker(system_clock)
        self._node = Node(
            Parts(
                key=samples.NODE,
                uri=samples.NODE_URI,
                name="user",
                store=SqliteStore(folder / "node.db", COLLECTIONS),
                broker=self._broker,
                anchor=outside,
                transport=outside,
                http=outside,
                mailer=outside,
                clock=system_clock,
                random=os.urandom,
            )
        )
        self._random = random.Random(at_rest)
        resting = [samples.chain_id(f"rest {number}") for number in range(at_rest)]
        alone = samples.introduction(0)[:1]
        for start in range(0, at_rest, _AT_ONCE):
            part = resting[start : start + _AT_ONCE]
            self._add([EventChain(id_, tuple(samples.signed(alone, id_.initial_hash))) for id_ in part])
        self._work = [self._start(number, turns) for number in range(at_work)]

    def _start(self, number: int, turns: int) -> list[EventChain]:
        """Bring a contract to work, and return the responses that will follow, each as a part of the chain."""
        id_ = samples.chain_id(f"work {number}")
        first = tuple(samples.signed(samples.introduction(turns), id_.initial_hash))
        self._add([EventChain(id_, first)])
        bodies = [samples.response(turn) for turn in range(turns)]
        following: list[Event] = list(samples.signed(bodies, first[-1].hash, first[-1].timestamp + 1))
        return [EventChain(id_, (event,), Stub(event.previous, None)) for event in following][::-1]

    def turn(self) -> float:
        """Append a response to each chain at work, one after the other, and return the seconds."""
        parts = [waiting.pop() for waiting in self._work]
        self._random.shuffle(parts)
        parcels = [[_parcel(part)] for part in parts]
        begin = time.perf_counter()
        for parcel in parcels:
            _check(self._node.eventchain.add_all(parcel))
        seconds = time.perf_counter() - begin
        self._drain()
        return seconds

    def memory(self) -> int:
        """Return the bytes of memory the process holds."""
        gc.collect()
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def close(self) -> None:
        """Release the files."""
        self._node.stop()

    def _add(self, chains: Sequence[EventChain]) -> None:
        _check(self._node.eventchain.add_all([_parcel(chain) for chain in chains]))
        self._drain()

    def _drain(self) -> None:
        """Take the messages that follow out of the queues: what waits there is no part of what is measured."""
        for queue in ("anchor", "relay", "triggers"):
            while deliveries := self._broker.receive(queue, 10_000):
                self._broker.ack(deliveries)


def _parcel(chain: EventChain) -> Parcel:
    return Parcel(chain.to_dict(), str(samples.USER.public_key))


def _check(outcomes: Sequence[LiveContractError | None]) -> None:
    for outcome in outcomes:
        if outcome:
            raise outcome


def _serve(connection: Connection, folder: str, at_rest: int, at_work: int, turns: int) -> None:
    """Run a node in this process, and do what is asked of it."""
    log.configure("warning")
    node = ManyChains(Path(folder), at_rest, at_work, turns)
    connection.send(True)
    while (name := connection.recv()) != "close":
        connection.send(getattr(node, name)())
    node.close()


@contextmanager
def _running(folder: Path, at_rest: int, at_work: int, turns: int) -> Iterator[Callable[[str], Any]]:
    """Start a node in a process of its own, and give what asks it for `turn` or `memory`."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    folder.mkdir()
    process = context.Process(target=_serve, args=(theirs, str(folder), at_rest, at_work, turns), daemon=True)
    process.start()
    theirs.close()

    def ask(name: str) -> Any:
        ours.send(name)
        return ours.recv()

    try:
        ours.recv()
        yield ask
        ours.send("close")
        process.join()
    finally:
        process.kill()
        process.join()


def run(sizes: Sizes) -> list[Figure]:
    """Compare a node with many chains with one that has a hundredth of them."""
    many, few = sizes.chains, max(1, sizes.chains // 100)
    at_work = max(1, few // 10)
    turns = sizes.rounds + 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            _running(folder / "few", few, at_work, turns) as small,
            _running(folder / "many", many, at_work, turns) as large,
        ):
            small("turn")  # the first turn reads what lies far back
            large("turn")
            ratio, seconds, limit_seconds = compare(
                functools.partial(large, "turn"),
                functools.partial(small, "turn"),
                rounds=sizes.rounds,
                meaning="time",
            )
            memory, limit_memory = large("memory"), small("memory")
    held = memory / limit_memory
    return [
        Figure(
            benchmark=NAME,
            what=f"append to a chain of a node that keeps {many:,}",
            limit=f"the same on a node that keeps {few:,}",
            ratio=ratio,
            meaning="time",
            aim=1.2,
            count=at_work,
            unit="event",
            seconds=seconds,
            limit_seconds=limit_seconds,
        ),
        Figure(
            benchmark=NAME,
            what=f"memory of a node that has taken in {many:,} chains",
            limit=f"of a node that has taken in {few:,}",
            ratio=Ratio(median=held, lowest=held, highest=held),
            meaning="time",
            aim=1.2,
            count=1,
            unit="process",
            seconds=memory,
            limit_seconds=limit_memory,
            shown=(f"{memory / 2**20:.0f} MiB", f"{limit_memory / 2**20:.0f} MiB"),
        ),
    ]
