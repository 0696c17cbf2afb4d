"""A serving process and the signals it gets: a request that runs is answered, a nonce is not forgotten."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from eventchain.core.clock import system_clock
from eventchain.core.http_signatures import sign_request
from eventchain.core.keys import KeyPair
from livecontract.serving import WebServer
from livecontract.streams import Streams

KEY = KeyPair.from_seed(b"k" * 32)
URL = "http://node.example"
SCRIPT = """
import sys
from pathlib import Path
from flask import Blueprint, Response
from eventchain.core.clock import system_clock
from eventchain.store.sqlite import SqliteStore
from livecontract import log, web_server
from livecontract.authentication import Authenticator
from livecontract.nonces import NONCES, StoredNonces
from livecontract.serving import WebServer, wait_for_signal

log.configure()
store = SqliteStore(Path(sys.argv[1]), [NONCES])
routes = Blueprint("routes", __name__)

@routes.get("/held")
@web_server.public
def held():
    print("entered", flush=True)
    sys.stdin.readline()
    return {"done": True}

@routes.get("/signed")
def signed():
    return {"done": True}

about = web_server.About(name="", url="", network="T", system_key="")
authenticate = Authenticator("http://node.example", system_clock, StoredNonces(store, system_clock))
app = web_server.create_app([routes], about=about, authenticate=authenticate)
server = WebServer(app, host="127.0.0.1", port=0, threads=2, max_request_bytes=10_000)
server.start()
print(server.port, flush=True)
received = wait_for_signal()
print(received.name, flush=True)
server.stop()
store.close()
print("stopped", flush=True)
"""


class Process:
    """The script in a process of its own."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.port = int(self.line())

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def type_in(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def get(self, path: str, headers: dict[str, str] | None = None) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path, headers=headers or {})
            return connection.getresponse().status
        finally:
            connection.close()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    started: list[Process] = []
    yield started
    for process in started:
        process.end()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_node_told_to_stop_answers_what_runs_and_ends(
    tmp_path: Path, processes: list[Process], number: signal.Signals
) -> None:
    process = Process(tmp_path / "node.db")
    processes.append(process)
    statuses: list[int] = []
    asking = threading.Thread(target=lambda: statuses.append(process.get("/held")))
    asking.start()
    assert process.line() == "entered"
    process.process.send_signal(number)
    assert process.line() == number.name
    process.type_in("go on\n")
    asking.join(20)
    assert statuses == [200]
    assert process.line() == "stopped"
    assert process.process.wait(20) == 0


@pytest.mark.slow
def test_a_killed_node_remembers_what_was_sent_to_it(tmp_path: Path, processes: list[Process]) -> None:
    now = system_clock() // 1000
    headers = sign_request("GET", f"{URL}/signed", b"", KEY, now=now, random=os.urandom, lifetime=300)
    first = Process(tmp_path / "node.db")
    processes.append(first)
    assert first.get("/signed", headers) == 200
    first.process.kill()
    first.process.wait()
    second = Process(tmp_path / "node.db")
    processes.append(second)
    assert second.get("/signed", headers) == 401


class HeldListener:
    """A listening socket that closes when it may."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.closing = threading.Event()
        self.may_close = threading.Event()

    def close(self) -> None:
        self.closing.set()
        assert self.may_close.wait(20)
        self._listener.close()


def test_server_that_closes_already_is_not_woken_by_a_descriptor_that_may_be_another_file() -> None:
    streams = Streams(0)
    server = WebServer(Flask("empty"), host="127.0.0.1", port=0, threads=1, max_request_bytes=1, streams=streams)
    held = HeldListener(server._listener)
    server._listener = held  # type: ignore[assignment]  # it is closed, and no more
    streams.stop = lambda: held.closing.wait(20)  # type: ignore[method-assign,assignment]
    server.start()

    class Stopped(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            held.may_close.set()
            return super().wait(timeout)

    server._stopped = Stopped()
    try:
        server.stop()
    finally:
        held.may_close.set()
    assert server._stopped.is_set()
