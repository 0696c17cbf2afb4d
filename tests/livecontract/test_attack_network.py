"""A node in a process of its own, attacked below HTTP: slow, half, oversized and very many requests."""

import concurrent.futures
import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eventchain import event as events
from eventchain.chain import EventChain, Stub
from eventchain.core import base58, canonical_json
from eventchain.core.clock import system_clock
from eventchain.core.ids import ChainId
from eventchain.core.keys import KeyPair
from eventchain.event import Event
from livecontract.agent import Agent
from livecontract.config import environment_of
from livecontract.free_ports import free_port
from tests.livecontract.running import OWNER, SECONDS, Answer, Caller, wait_for

pytestmark = pytest.mark.slow

HOST = "127.0.0.1"
LIMIT = 1_000_000
MAX_GROWTH = 150 * 1024 * 1024
"""Bytes of memory that an attack may cost a node: far more than it does, far less than it would without limits."""


class NodeOfItsOwn:
    """`livecontract run` as a process."""

    def __init__(self, directory: Path, port: int = 0) -> None:
        self.port = port or free_port(HOST)
        self.url = f"http://{HOST}:{self.port}"
        settings = {
            "data": str(directory),
            "port": str(self.port),
            "block_time_ms": "1000",
            "max_request_bytes": str(LIMIT),
            "log_level": "error",
        }
        self.log = directory / "node.log"
        directory.mkdir(exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "livecontract", "run", "--config", os.devnull],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment_of(settings),
            )
        wait_for(self.is_healthy, "the node")

    def is_healthy(self) -> bool:
        """Whether it answers somebody new."""
        with contextlib.suppress(OSError):
            return Caller(self.url).get("/readyz").status == 200
        return False

    def memory(self) -> int:
        """Return the bytes of memory it uses; 0 where the system does not tell."""
        path = Path(f"/proc/{self._process.pid}/statm")
        return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if path.exists() else 0

    def connect(self) -> socket.socket:
        return socket.create_connection((HOST, self.port), timeout=SECONDS)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> int:
        self._process.terminate()
        return self._process.wait(60)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeOfItsOwn]:
    node = NodeOfItsOwn(tmp_path_factory.mktemp("node") / "data")
    yield node
    assert node.close() == 0
    assert "Traceback" not in node.log.read_text()


@pytest.fixture(autouse=True)
def healthy_afterwards(node: NodeOfItsOwn) -> Iterator[None]:
    before = node.memory()
    yield
    assert node.is_healthy()
    assert node.memory() - before < MAX_GROWTH


HALVES = [
    b"",
    b"GET",
    b"GET / HTTP/1.1\r\nHost: x\r\n",
    b"POST /event-chains HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
    b"POST /event-chains HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
    b"POST /event-chains HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n",
]


def test_half_requests_hold_nobody_up(node: NodeOfItsOwn) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(300):
            connection = stack.enter_context(node.connect())
            connection.sendall(HALVES[number % len(HALVES)])
        for _ in range(20):
            assert node.is_healthy()


def test_more_half_requests_than_connections_keep_nobody_out(node: NodeOfItsOwn) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(900):
            connection = stack.enter_context(node.connect())
            with contextlib.suppress(ConnectionError):
                connection.sendall(HALVES[number % len(HALVES)])
            if number % 100 == 0:
                assert node.is_healthy()
        assert node.is_healthy()


def test_a_request_that_comes_drop_by_drop_is_answered(node: NodeOfItsOwn) -> None:
    with node.connect() as slow:
        for byte in b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":
            slow.sendall(bytes([byte]))
            if byte == ord(" "):
                assert node.is_healthy()
        assert slow.recv(100).startswith(b"HTTP/1.1 200")


def ask(node: NodeOfItsOwn, *pieces: bytes) -> bytes:
    """Send bytes and return what comes until the connection ends; empty where it is ended without an answer."""
    answer = b""
    with node.connect() as connection, contextlib.suppress(OSError):
        for piece in pieces:
            connection.sendall(piece)
        connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(65_536):
            answer += piece
    return answer


POST = b"POST /event-chains HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
GONE = b""
"""In place of a status: the connection was ended while the rest still came."""

OVERSIZED: dict[str, tuple[list[bytes], set[bytes]]] = {
    "a header": ([b"GET / HTTP/1.1\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\n"], {b"431", GONE}),
    "headers": ([b"GET / HTTP/1.1\r\n" + b"X: x\r\n" * 200_000 + b"\r\n"], {b"431", GONE}),
    "a request line": ([b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"], {b"431", GONE}),
    "a promised body": ([POST + b"Content-Length: 100000000000\r\n\r\n{"], {b"413"}),
    "a body": ([POST + b"Content-Length: 3000000\r\n\r\n", *[b"x" * 100_000] * 30], {b"413", GONE}),
    "chunks": ([CHUNKED, *[b"186a0\r\n" + b"x" * 100_000 + b"\r\n"] * 30, b"0\r\n\r\n"], {b"413", GONE}),
    "tiny chunks": ([CHUNKED, *[b"1\r\nx\r\n" * 10_000] * 20, b"0\r\n\r\n"], {b"401", b"413", GONE}),
    "a chunk extension": ([CHUNKED + b"1;" + b"x" * 2_000_000 + b"\r\nx\r\n0\r\n\r\n"], {b"400", b"413", GONE}),
    "a chunk without end": ([CHUNKED + b"f" * 16 + b"\r\n" + b"x" * 1_000_000], {b"400", b"413", GONE}),
    "two lengths": ([POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}"], {b"400"}),
    "length and chunks": ([CHUNKED.replace(b"T", b"Content-Length: 5\r\nT", 1) + b"0\r\n\r\n"], {b"400", b"401"}),
    "another coding": ([POST + b"Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n"], {b"400", b"501"}),
    "no HTTP": ([random.Random(1).randbytes(100_000)], {b"400", b"431", GONE}),
}


@pytest.mark.parametrize("name", OVERSIZED)
def test_what_is_too_large_or_no_request_ends(node: NodeOfItsOwn, name: str) -> None:
    pieces, statuses = OVERSIZED[name]
    answer = ask(node, *pieces)
    assert (answer.split()[1] if answer else GONE) in statuses, answer[:500]


def test_many_connections_at_once_are_served(node: NodeOfItsOwn) -> None:
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda _: Caller(node.url).get("/healthz").status, range(1_000)))
    assert answers == [200] * 1_000


def test_connections_that_leave_without_reading_do_no_harm(node: NodeOfItsOwn) -> None:
    for _ in range(200):
        with node.connect() as connection:
            connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 5)
    assert node.is_healthy()


def in_parallel(work: list[Any]) -> list[Any]:
    """Do everything in its own thread, all released at once."""
    barrier = threading.Barrier(len(work))

    def run(item: Any) -> Any:
        barrier.wait(SECONDS)
        return item()

    with concurrent.futures.ThreadPoolExecutor(len(work)) as pool:
        return [future.result(3 * SECONDS) for future in [pool.submit(run, item) for item in work]]


def test_posts_to_different_chains_at_once_are_all_taken(node: NodeOfItsOwn) -> None:
    agents = [Agent("me", KeyPair.from_seed(bytes([number]) * 32), node.url) for number in range(200)]
    chains = in_parallel([lambda agent=agent: agent.create_chain({}) for agent in agents])
    note = {"$schema": "urn:example:note"}
    added = in_parallel(
        [lambda agent=agent, chain=chain: agent.add(chain, note) for agent, chain in zip(agents, chains, strict=True)]
    )
    for agent, chain, event in zip(agents, chains, added, strict=True):
        (summary,) = agent.client.get("/event-chains")
        assert (summary["id"], summary["length"]) == (chain, 2)
        assert summary["latest_hash"] == base58.encode(event.hash)


class Chain:
    """A chain of the owner, of which the test signs the events."""

    def __init__(self, node: NodeOfItsOwn) -> None:
        self.node = node
        self.caller = Caller(node.url, OWNER)
        self.agent = Agent("owner", OWNER, node.url)
        self.id = self.agent.create_chain({})
        self.tip = self.agent.tip(self.id)

    def sign(self, previous: bytes, number: int) -> Event:
        body = canonical_json.encode({"$schema": "urn:example:note", "number": number})
        return events.sign(previous=previous, key=OWNER, timestamp=system_clock(), data=body)

    def post(self, previous: bytes, event: Event) -> Answer:
        stub = Stub(previous, self.tip.state if previous == self.tip.hash else None)
        return self.caller.post("/event-chains", EventChain(ChainId.parse(self.id), (event,), stub).to_dict())


def test_posts_to_one_place_of_a_chain_at_once_are_all_answered_and_one_wins(node: NodeOfItsOwn) -> None:
    chain = Chain(node)
    signed = [chain.sign(chain.tip.hash, number) for number in range(200)]
    answers = in_parallel([lambda event=event: chain.post(chain.tip.hash, event) for event in signed])
    assert {answer.status for answer in answers} == {200, 409}
    (winner,) = [event for event, answer in zip(signed, answers, strict=True) if answer.status == 200]
    stored = chain.agent.chain(chain.id)["events"]
    assert [item["hash"] for item in stored[1:]] == [base58.encode(winner.hash)]
    forks = chain.caller.get(f"/event-chains/{chain.id}/conflicts").json
    kept = [answer for answer in answers if answer.status == 409 and "Fork" in answer.json["type"]]
    assert len(forks) == len(kept) > 0


def test_posts_of_one_chain_in_any_order_are_all_taken_in_the_end(node: NodeOfItsOwn) -> None:
    chain = Chain(node)
    places = [chain.tip.hash]
    waiting = []
    for number in range(60):
        event = chain.sign(places[-1], number)
        waiting.append((places[-1], event))
        places.append(event.hash)
    random.Random(7).shuffle(waiting)
    rounds = 0
    while waiting and (rounds := rounds + 1) <= 60:
        answers = in_parallel([lambda item=item: chain.post(*item) for item in waiting])
        assert {answer.status for answer in answers} <= {200, 503}
        waiting = [item for item, answer in zip(waiting, answers, strict=True) if answer.status != 200]
    stored = [item["hash"] for item in chain.agent.chain(chain.id)["events"]]
    assert stored[1:] == [base58.encode(hash_) for hash_ in places[1:]]
    assert json.loads(chain.caller.get(f"/event-chains/{chain.id}/conflicts").data) == []


class Writer:
    """Adds events to a chain of its own until it is told to stop, and remembers which the node said it took."""

    def __init__(self, url: str, number: int) -> None:
        self.agent = Agent("me", KeyPair.from_seed(bytes([number]) * 32), url, patience=SECONDS)
        self.chain = self.agent.create_chain({})
        self.taken: list[str] = []

    def run(self, stop: threading.Event) -> None:
        number = 0
        while not stop.is_set():
            event = self.agent.add(self.chain, {"$schema": "urn:example:note", "number": (number := number + 1)})
            self.taken.append(base58.encode(event.hash))


def test_what_a_node_said_it_took_survives_that_it_is_killed(tmp_path: Path) -> None:
    node = NodeOfItsOwn(tmp_path / "data")
    stop = threading.Event()
    try:
        writers = [Writer(node.url, number) for number in range(1, 5)]
        moments = random.Random(4)
        with concurrent.futures.ThreadPoolExecutor(len(writers)) as pool:
            running = [pool.submit(writer.run, stop) for writer in writers]
            for _ in range(3):
                wanted = sum(len(writer.taken) for writer in writers) + moments.randint(20, 60)
                wait_for(lambda wanted=wanted: sum(len(writer.taken) for writer in writers) >= wanted, "more events")
                node.kill()
                node = NodeOfItsOwn(tmp_path / "data", node.port)
            stop.set()
            for future in running:
                future.result(3 * SECONDS)
        for writer in writers:
            events_there = writer.agent.chain(writer.chain)["events"]
            assert [item["hash"] for item in events_there[1:]] == writer.taken
        assert "Traceback" not in node.log.read_text()
    finally:
        stop.set()
        node.kill()
