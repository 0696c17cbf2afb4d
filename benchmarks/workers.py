"""Events from a shared queue through all eight steps by two worker processes, against one.

A worker process is a whole node, as `livecontract run` starts it, that shares store and queue with its copies:
RabbitMQ, and MongoDB where it is installed, or else one SQLite file. Every event is a message of its own; what counts
is from the first message until the last event is stored. Two workloads: one event on each of many chains, which is what
more workers are for; and many events on few chains, the worst case, since the events of a chain are added one after the
other and each worker gets some of them. Broker and store run on the same machine, so with few cores two workers compete
with them and with each other; the figure says how many there are.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from benchmarks import samples
from benchmarks.measure import Figure, compare
from benchmarks.sizes import Sizes
from dispatcher.enqueue import SENDER
from dispatcher.message import EVENTS, Message
from dispatcher.rabbitmq import RabbitBroker
from dispatcher.rabbitmq_settings import RabbitSettings
from eventchain.archive import EVENTS as STORED
from eventchain.archive import Archive
from eventchain.chain import EventChain, Stub
from eventchain.core import base58
from eventchain.core.clock import system_clock
from eventchain.core.hashing import sha256
from eventchain.core.ids import ChainId
from eventchain.store.document_store import DocumentStore
from eventchain.store.mongo import MongoStore
from eventchain.store.sqlite import SqliteStore
from livecontract import key_store
from livecontract.config import environment_of
from livecontract.demo.mongodb_server import MongodbServer, find_program
from livecontract.demo.rabbitmq_server import RabbitServer
from livecontract.free_ports import free_port

NAME = "workers"

_FEW = 2
_PATIENCE = 300.0
_HOST = "127.0.0.1"
_POLL_SECONDS = 0.02


class Workers:
    """Copies of a node over one store and one queue."""

    def __init__(self, folder: Path, count: int, store: str, rabbit: RabbitSettings, chains: int) -> None:
        """Start them, and let them take in the beginnings of the chains."""
        folder.mkdir(parents=True)
        self._turns = 0
        self._chains = [samples.chain_id(f"workers {count} {number}") for number in range(chains)]
        self._settings = _settings(folder, store, rabbit)
        self._processes = [_start(folder / str(number), self._settings) for number in range(count)]
        self._broker = RabbitBroker(rabbit, system_clock, os.urandom)
        for process, url in self._processes:
            _wait(lambda process=process, url=url: _is_ready(process, url), "the workers")
        self._store = _open(store)
        self._archive = Archive(self._store)
        self._ends = {chain: self._begin(chain) for chain in self._chains}
        self._wait_for_ends(self._chains)

    def turn(self, count: int, chains: int) -> float:
        """Queue that many responses over so many of the chains, and return the seconds until they are stored."""
        self._turns += 1
        messages: list[list[Message]] = []
        for chain in self._chains[:chains]:
            hash_, height = self._ends[chain]
            bodies = [{**samples.response(0), "data": {"n": number, "text": "x"}} for number in range(count // chains)]
            events = list(samples.signed(bodies, hash_, samples.START + 1000 * self._turns))
            messages.append([_message(EventChain(chain, (event,), Stub(event.previous, None))) for event in events])
            self._ends[chain] = events[-1].hash, height + len(events)
        begin = time.perf_counter()
        self._broker.publish([message for row in zip(*messages, strict=True) for message in row])
        self._wait_for_ends(self._chains[:chains])
        return time.perf_counter() - begin

    def close(self) -> None:
        """End the processes."""
        for process, _ in self._processes:
            process.terminate()
        for process, _ in self._processes:
            process.wait()
        self._broker.close()
        self._store.close()

    def _begin(self, chain: ChainId) -> tuple[bytes, int]:
        process = {**samples.process(0), "actors": {"user": {"identity": "user"}}}
        bodies = [samples.identity("user", samples.NODE_URI, samples.USER, samples.NODE), samples.SCENARIO, process]
        events = tuple(samples.signed(bodies, chain.initial_hash))
        self._broker.publish([_message(EventChain(chain, events))])
        return events[-1].hash, len(events)

    def _wait_for_ends(self, chains: Iterable[ChainId]) -> None:
        waiting = {chain: self._ends[chain] for chain in chains}

        def is_done() -> bool:
            for chain, (hash_, _) in list(waiting.items()):
                if self._archive.find(chain, hash_) is None:
                    return False
                del waiting[chain]
            return True

        _wait(is_done, "the events")


def run(sizes: Sizes) -> list[Figure]:
    """Measure on a RabbitMQ server of our own.

    Raises:
        UnavailableError: RabbitMQ is not installed, or the workers do not get on.
    """
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        count = sizes.ingest - sizes.ingest % _FEW
        rabbit = stack.enter_context(_rabbitmq(folder))
        mongo = stack.enter_context(_mongodb(folder))
        made = []
        for copies in (1, 2):
            vhost = f"workers-{copies}"
            rabbit.add_vhost(vhost)
            rabbit.add_user(vhost, vhost)
            rabbit.permit(vhost, vhost)
            settings = RabbitSettings(url=rabbit.url(vhost, vhost), password=vhost)
            store = mongo.url(f"workers{copies}") if mongo else f"sqlite:{folder / f'{vhost}.db'}"
            workers = Workers(folder / vhost, copies, store, settings, count)
            stack.callback(workers.close)
            made.append(workers)
        one, two = made
        kind = "MongoDB" if mongo else "SQLite"
        return [
            _compare(one, two, count, count, f"one event on each of many chains, store {kind}", 1.6, sizes.rounds),
            _compare(one, two, count, _FEW, f"many events on few chains, store {kind}", None, sizes.rounds),
        ]


def _compare(one: Workers, two: Workers, count: int, chains: int, what: str, aim: float | None, rounds: int) -> Figure:
    ratio, seconds, limit_seconds = compare(
        lambda: two.turn(count, chains), lambda: one.turn(count, chains), rounds=rounds
    )
    return Figure(
        benchmark=NAME,
        what=f"two worker processes: {what}",
        limit="one worker process",
        ratio=ratio,
        meaning="speed",
        aim=aim,
        count=count,
        unit="event",
        seconds=seconds,
        limit_seconds=limit_seconds,
        details={"cores": str(os.cpu_count()), "chains": str(chains)},
    )


def _settings(folder: Path, store: str, rabbit: RabbitSettings) -> dict[str, str]:
    key_file = folder / "keys" / "system.json"
    key_store.save(key_file, samples.NODE, None, os.urandom)
    return {
        "key_file": str(key_file),
        "store": store,
        "broker": rabbit.url,
        "broker_password": rabbit.password or "",
        "block_time_ms": "3600000",
        "mail": "none",
        "log_level": "error",
        "host": _HOST,
    }


def _start(data: Path, settings: dict[str, str]) -> tuple["subprocess.Popen[bytes]", str]:
    port = free_port(_HOST)
    process = subprocess.Popen(
        [sys.executable, "-m", "livecontract", "run", "--config", os.devnull],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment_of({**settings, "data": str(data), "port": str(port)}),
    )
    return process, f"http://{_HOST}:{port}/readyz"


def _is_ready(process: "subprocess.Popen[bytes]", url: str) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"a worker ended with {process.returncode}")
    try:
        with urlopen(url, timeout=5):
            return True
    except (URLError, OSError):
        return False


def _wait(holds: Any, what: str) -> None:
    end = time.monotonic() + _PATIENCE
    while not holds():
        if time.monotonic() > end:
            raise RuntimeError(f"waited {_PATIENCE:.0f} s for {what}")
        time.sleep(_POLL_SECONDS)


def _message(chain: EventChain) -> Message:
    body = json.dumps(chain.to_dict(), separators=(",", ":")).encode("ascii")
    sender = {SENDER: str(samples.USER.public_key)}
    return Message(queue=EVENTS, id=base58.encode(sha256(body)), group=str(chain.id), body=body, headers=sender)


def _open(store: str) -> DocumentStore:
    if store.startswith("mongodb"):
        return MongoStore(store, None, [STORED])
    return SqliteStore(Path(store.removeprefix("sqlite:")), [STORED])


@contextmanager
def _rabbitmq(folder: Path) -> Iterator[RabbitServer]:
    (folder / "rabbitmq").mkdir()
    server = RabbitServer(folder / "rabbitmq")
    server.start()
    try:
        yield server
    finally:
        server.kill()
        server.stop()


@contextmanager
def _mongodb(folder: Path) -> Iterator[MongodbServer | None]:
    program = find_program()
    if program is None:
        yield None
        return
    (folder / "mongodb").mkdir()
    server = MongodbServer(folder / "mongodb", program)
    server.start()
    try:
        yield server
    finally:
        server.kill()
