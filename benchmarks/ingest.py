"""Single events, waiting in the queue, through all eight steps, against one durable SQLite insert for each.

The node is a real one on files: a `SqliteStore` and a `SqliteBroker` of its own, a contract with one peer, and each
event a message of its own, as web server and peers put it into the queue. What counts is one worker of the queue
`events`: taking messages, the eight steps, and acknowledging them. Where the steps end, the events are stored, and the
messages to anchor them and to forward them to the peer are in their queues, durably.

The split by step adds up what passes between two notes of `Parts.observe`: `receive` is taking messages from the
queue, `commit` the durable write of steps 4 and 5, and the durable write of the messages counts as `forward`.
"""

import functools
import json
import os
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from benchmarks import samples
from benchmarks.measure import Figure, compare, microseconds
from benchmarks.sizes import Sizes
from dispatcher.dispatch import EVENTS_POLICY, Dispatcher, Outcome
from dispatcher.enqueue import SENDER
from dispatcher.message import EVENTS, Message
from dispatcher.sqlite_broker import SqliteBroker
from eventchain.chain import EventChain, Stub
from eventchain.core import base58
from eventchain.core.clock import system_clock
from eventchain.core.hashing import sha256
from eventchain.core.ids import ChainId
from eventchain.event import Event
from eventchain.store.sqlite import SqliteStore
from livecontract.handlers import EventsHandler
from livecontract.node import AT_ONCE, COLLECTIONS, Node, Parts

NAME = "ingest"

_ROW_BYTES = 800
"""What one event takes in the store."""


class Stopwatch:
    """Adds up the time between marks under the name of the mark that ends it."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._last = time.perf_counter()
        self._is_running = False

    def start(self) -> None:
        """Begin here; what went before belongs to nobody."""
        self._last = time.perf_counter()
        self._is_running = True

    def stop(self) -> None:
        """Take no notice of marks until the next start."""
        self._is_running = False

    def mark(self, step: str, _chain: str = "") -> None:
        """End a step."""
        now = time.perf_counter()
        if not self._is_running:
            return
        self.seconds[step] += now - self._last  # type: ignore[assignment]  # a counter of seconds
        self._last = now


class WatchedStore(SqliteStore):
    """The store of a node, whose commits are marked."""

    def __init__(self, path: Path, watch: Stopwatch) -> None:
        super().__init__(path, COLLECTIONS)
        self._watch = watch
        self._depth = 0

    @contextmanager
    def batch(self) -> Iterator[None]:
        """See `DocumentStore.batch`."""
        self._depth += 1
        try:
            with super().batch():
                yield
        finally:
            self._depth -= 1
        if not self._depth:
            self._watch.mark("commit")


class Outside:
    """Stands for everything a node reaches that the measured work does not need."""

    def __getattr__(self, name: str) -> NoReturn:
        raise RuntimeError(f"the benchmark does not use {name}")


class Ingest:
    """A node that takes part in contracts, and its queue of events."""

    def __init__(self, folder: Path) -> None:
        self.watch = Stopwatch()
        self.broker = SqliteBroker(folder / "queue.db", system_clock)
        outside: Any = Outside()
        parts = Parts(
            key=samples.NODE,
            uri=samples.NODE_URI,
            name="user",
            store=WatchedStore(folder / "node.db", self.watch),
            broker=self.broker,
            anchor=outside,
            transport=outside,
            http=outside,
            mailer=outside,
            clock=system_clock,
            random=os.urandom,
            observe=self.watch.mark,
        )
        self.node = Node(parts)
        self._handler = EventsHandler(self.node.chains)
        self._worker = Dispatcher(self.broker, EVENTS, self._handle, system_clock, os.urandom, EVENTS_POLICY)
        self._turns = 0

    def turn(self, count: int, at_once: int = AT_ONCE) -> float:
        """Queue that many responses on a new chain, and return the seconds it takes to take them in.

        Args:
            count: Of responses.
            at_once: How many messages are taken from the queue together.
        """
        self._turns += 1
        chain = samples.chain_id(f"ingest {self._turns}")
        first = tuple(samples.signed(samples.introduction(count), chain.initial_hash))
        self.node.eventchain.add(EventChain(chain, first).to_dict(), str(samples.USER.public_key))
        bodies = [samples.response(number) for number in range(count)]
        events = samples.signed(bodies, first[-1].hash, first[-1].timestamp + 1)
        self.broker.publish([_message(chain, event) for event in events])
        self.watch.start()
        begin = time.perf_counter()
        while self._worker.step(at_once):
            pass
        seconds = time.perf_counter() - begin
        self.watch.stop()
        height = self.node.eventchain.tip(str(chain)).height
        if height != count + len(first):
            raise RuntimeError(f"{count} responses were queued after {len(first)} events; the chain has {height}")
        return seconds

    def close(self) -> None:
        """Release the files."""
        self.node.stop()

    def _handle(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        self.watch.mark("receive")
        outcomes = self._handler(messages)
        self.watch.start()
        return outcomes


def _message(chain: ChainId, event: Event) -> Message:
    document = EventChain(chain, (event,), Stub(event.previous, None)).to_dict()
    body = json.dumps(document, separators=(",", ":")).encode("ascii")
    sender = {SENDER: str(samples.USER.public_key)}
    return Message(queue=EVENTS, id=base58.encode(sha256(body)), group=str(chain), body=body, headers=sender)


class Commits:
    """The limit: a table in a file of its own, one row and one flushed commit after the other."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / "limit.db", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("CREATE TABLE event (hash TEXT PRIMARY KEY, signed BLOB)")

    def turn(self, count: int) -> float:
        """Insert that many rows, and return the seconds."""
        rows = [(base58.encode(os.urandom(32)), os.urandom(_ROW_BYTES)) for _ in range(count)]
        begin = time.perf_counter()
        for row in rows:
            self._connection.execute("INSERT INTO event VALUES (?, ?)", row)
        return time.perf_counter() - begin

    def close(self) -> None:
        """Release the file."""
        self._connection.close()


def run(sizes: Sizes) -> list[Figure]:
    """Measure with as many events together as a node takes, and one by one."""
    count = sizes.ingest
    figures = []
    for at_once, aim, how in ((AT_ONCE, 0.5, f"up to {AT_ONCE} at once"), (1, None, "one at a time")):
        with tempfile.TemporaryDirectory() as folder:
            ingest, commits = Ingest(Path(folder)), Commits(Path(folder))
            ingest.turn(count)  # the first turn compiles statements and patterns
            ingest.watch.seconds.clear()
            ratio, seconds, limit_seconds = compare(
                functools.partial(ingest.turn, count, at_once),
                functools.partial(commits.turn, count),
                rounds=sizes.rounds,
            )
            details = _split(ingest.watch.seconds, count * sizes.rounds)
            ingest.close()
            commits.close()
        figures.append(
            Figure(
                benchmark=NAME,
                what=f"single events from the queue through all eight steps, durably, {how}",
                limit="one SQLite commit each (WAL, synchronous FULL), same disk",
                ratio=ratio,
                meaning="speed",
                aim=aim,
                count=count,
                unit="event",
                seconds=seconds,
                limit_seconds=limit_seconds,
                details=details,
            )
        )
    return figures


def _split(seconds: Mapping[str, float], count: int) -> dict[str, str]:
    return {step: microseconds(part, count) for step, part in seconds.items()}
