"""Reading from a node over HTTP, against the bare web server under it.

Node and limit are processes of their own, each with as many threads, asked by the same client over as many connections
that stay open. The limit is waitress with a function that answers as many bytes, always the same, whatever it is asked.
Requests are signed before the clock starts; that the node checks them, and writes down each nonce, is part of the work.
"""

import functools
import multiprocessing
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import waitress

from benchmarks import samples
from benchmarks.measure import Figure, compare
from benchmarks.sizes import Sizes
from eventchain.core.clock import system_clock
from eventchain.core.http_signatures import sign_request
from livecontract import log
from livecontract.agent import Agent
from livecontract.bootstrap import RunningNode
from livecontract.config import load

NAME = "reads"

THREADS = 8
"""Of either server: the default of a node."""

CONNECTIONS = 4
EVENTS = 10
"""Of the chain that is read: as many as a short contract has."""


def run(sizes: Sizes) -> list[Figure]:
    """Measure an answer that everybody gets, and a chain that only its members get."""
    with tempfile.TemporaryDirectory() as folder, _process(_serve_node, folder) as node, _process(_serve_bare) as bare:
        chain = _make_chain(node)
        targets = (
            ("what a node is, unsigned", "/", False),
            (f"a chain of {EVENTS} events, signed by a member", f"/event-chains/{chain}", True),
        )
        return [_figure(node, bare, sizes, *target) for target in targets]


def _figure(node: int, bare: int, sizes: Sizes, what: str, target: str, signed: bool) -> Figure:
    size = len(_ask(node, _requests(node, target, 1, signed=signed)[0]))
    ratio, seconds, limit_seconds = compare(
        functools.partial(_read, node, sizes.requests, target, signed),
        functools.partial(_read, bare, sizes.requests, f"/{size}", False),
        rounds=sizes.rounds,
    )
    return Figure(
        benchmark=NAME,
        what=f"reads over HTTP: {what}",
        limit=f"waitress with a constant answer of {size:,} bytes",
        ratio=ratio,
        meaning="speed",
        aim=None,
        count=sizes.requests,
        unit="request",
        seconds=seconds,
        limit_seconds=limit_seconds,
    )


def _read(port: int, count: int, target: str, signed: bool) -> float:
    """Send requests over several connections at once; return the seconds from the first to the last answer."""
    requests = _requests(port, target, count, signed=signed)
    shares = [requests[number::CONNECTIONS] for number in range(CONNECTIONS)]
    failed: list[BaseException] = []
    threads = [threading.Thread(target=_send, args=(port, share, failed)) for share in shares if share]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    if failed:
        raise failed[0]
    return seconds


def _requests(port: int, target: str, count: int, *, signed: bool) -> list[bytes]:
    """Return requests as they travel, each signed with a nonce of its own."""
    url, found = f"http://127.0.0.1:{port}", []
    for _ in range(count):
        headers = {"Host": f"127.0.0.1:{port}"}
        if signed:
            now = system_clock() // 1000
            headers |= sign_request("GET", url + target, b"", samples.USER, now=now, random=os.urandom, lifetime=300)
        lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        found.append("\r\n".join(lines).encode("ascii"))
    return found


def _send(port: int, requests: Iterable[bytes], failed: list[BaseException]) -> None:
    try:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for request in requests:
                _exchange(connection, request)
    except BaseException as error:  # told by the thread that waits  # noqa: BLE001
        failed.append(error)


def _ask(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        return _exchange(connection, request)


def _exchange(connection: socket.socket, request: bytes) -> bytes:
    """Send a request and return the body of its answer.

    Raises:
        RuntimeError: It was refused, or the answer broke off.
    """
    connection.sendall(request)
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.decode("ascii", "replace"))
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    while len(body) < length:
        body += _more(connection)
    return body


def _more(connection: socket.socket) -> bytes:
    if piece := connection.recv(1 << 16):
        return piece
    raise RuntimeError("the answer broke off")


def _make_chain(port: int) -> str:
    agent = Agent("user", samples.USER, f"http://127.0.0.1:{port}")
    chain = agent.create_chain({"name": "User"})
    for number in range(EVENTS - 1):
        agent.add(chain, {"$schema": "urn:example:note", "number": number, "text": "x" * 120})
    return chain


@contextmanager
def _process(serve: Callable[..., None], *arguments: str) -> Iterator[int]:
    """Run a server in a process of its own; give its port."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there, *arguments), daemon=True)
    process.start()
    there.close()
    try:
        yield here.recv()
    finally:
        here.close()
        process.join()


def _serve_node(end: Connection, folder: str) -> None:
    """Run a node without limits of rate until the other end is closed."""
    log.configure()
    settings: dict[str, Any] = {"data": Path(folder), "port": 0, "threads": THREADS, "block_time_ms": 3_600_000}
    settings |= {"rate_by_key": 0, "rate_by_address": 0}
    node = RunningNode(load(settings, environment={}, default_file=Path(folder) / "none.toml"))
    node.start()
    end.send(node.config.port)
    _wait(end)
    node.stop()


def _serve_bare(end: Connection) -> None:
    """Run waitress with a constant answer until the other end is closed."""
    answers: dict[str, list[bytes]] = {}

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Sequence[bytes]:
        path = environ["PATH_INFO"]
        body = answers.get(path) or answers.setdefault(path, [b"x" * int(path[1:])])
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body[0])))])
        return body

    server = waitress.create_server(answer, host="127.0.0.1", port=0, threads=THREADS)
    threading.Thread(target=server.run, daemon=True).start()
    end.send(server.effective_port)
    _wait(end)


def _wait(end: Connection) -> None:
    try:
        end.recv()
    except EOFError:
        return
