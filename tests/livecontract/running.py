"""A running node on loopback, and requests to it in every state of repair."""

import contextlib
import http.client
import json
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import structlog

import scenarios
from eventchain.core.clock import system_clock
from eventchain.core.http_signatures import sign_request
from eventchain.core.keys import KeyPair
from livecontract import mailbox
from livecontract.agent import Agent
from livecontract.bootstrap import RunningNode
from livecontract.config import load
from livecontract.node import COLLECTIONS, QUEUES

SECONDS = 20
"""How long a test waits for an answer: none may hang."""

OWNER = KeyPair.from_seed(b"o" * 32)
PARTNER = KeyPair.from_seed(b"p" * 32)
NEIGHBOUR = KeyPair.from_seed(b"n" * 32)
"""Has a chain on the same node, and takes no part in the owner's."""

STRANGER = KeyPair.from_seed(b"s" * 32)
"""Is on no chain."""

SLOW_BLOCKS = 3_600_000
PROCESS = "order-1"


class Answer(NamedTuple):
    """What a node answered."""

    status: int
    headers: http.client.HTTPMessage
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)


@contextlib.contextmanager
def running(directory: Path, log_from: int = logging.CRITICAL, **settings: Any) -> Iterator[RunningNode]:
    """Run a node in this process until the context ends, which logs what has this level or more."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(log_from))
    given = {"data": directory, "port": 0, "block_time_ms": SLOW_BLOCKS, **settings}
    node = RunningNode(load(given, environment={}, default_file=directory / "none.toml"))
    node.start()
    try:
        yield node
    finally:
        node.stop()
        structlog.reset_defaults()


class Caller:
    """Sends requests to a node as somebody, and as whatever else is asked for."""

    def __init__(self, url: str, key: KeyPair | None = None) -> None:
        self.url = url
        self.key = key

    def get(self, target: str) -> Answer:
        return self.send("GET", target)

    def post(self, target: str, document: Any) -> Answer:
        return self.send("POST", target, document if isinstance(document, bytes) else json.dumps(document).encode())

    def send(
        self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None, **how: Any
    ) -> Answer:
        """Send one request, signed unless headers are given; `how` goes to `sign`."""
        if headers is None:
            headers = self.sign(method, target, body, **how) if self.key else {}
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=SECONDS)
        try:
            connection.request(method, target, body or None, {"Content-Type": "application/json", **headers})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def sign(
        self, method: str, target: str, body: bytes, *, base: str = "", shift: int = 0, lifetime: int = 60
    ) -> dict[str, str]:
        """Return the headers that sign a request, `shift` seconds from now, for this node or for another `base`."""
        assert self.key is not None
        now = system_clock() // 1000 + shift
        target = (base or self.url) + target
        return sign_request(method, target, body, self.key, now=now, random=os.urandom, lifetime=lifetime)


def part(text: str) -> str:
    """Escape text to be one part of a path."""
    return quote(text, safe="")


def wait_for(find: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
    """Ask again and again until there is something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := find():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s for {what}")


def settle(node: RunningNode) -> None:
    """Wait until nothing waits in any queue."""
    broker = node.node.parts.broker

    def is_idle() -> bool:
        depths = [broker.depth(queue) for queue in QUEUES]
        return not any(depth.waiting or depth.leased for depth in depths)

    wait_for(is_idle, "the queues to be empty")
    node.node.eventchain.settle()


def stored(node: RunningNode) -> dict[str, list[str]]:
    """Return everything a node keeps of chains, processes, invitations, mails and messages."""
    parts = node.node.parts
    kept = {item.name: [repr(found) for found in parts.store.find(item)] for item in (*COLLECTIONS, mailbox.MAILS)}
    return kept | {queue: [repr(parts.broker.depth(queue))] for queue in QUEUES}


class World:
    """A node with a contract of its owner and, beside it, a chain of a neighbour.

    Attributes:
        node: The running node.
        chain: Id of the owner's chain: the owner as buyer and seller in one person, with the process `order-1`.
        other: Id of the neighbour's chain.
    """

    def __init__(self, node: RunningNode) -> None:
        self.node = node
        self.agent = Agent("owner", OWNER, node.url)
        self.neighbour = Agent("neighbour", NEIGHBOUR, node.url)
        self.chain = self.agent.create_chain({"name": "Owner"})
        self.other = self.neighbour.create_chain({"name": "Neighbour"})
        self.agent.add(self.chain, scenarios.load("quotation"))
        actors = {role: {"identity": "owner", "name": role.title()} for role in ("buyer", "seller")}
        self.agent.start(self.chain, PROCESS, "quotation", actors)
        settle(node)

    def caller(self, key: KeyPair | None = None) -> Caller:
        """Send requests as the holder of a key, or unsigned."""
        return Caller(self.node.url, key)

    @property
    def owner(self) -> Caller:
        return self.caller(OWNER)


@contextlib.contextmanager
def no_other_connections(url: str) -> Iterator[list[Any]]:
    """Notice every connection and look-up of this process that does not go to a node; gives the list of them."""
    host, _, port = url.removeprefix("http://").partition(":")
    allowed = (host, int(port))
    noticed: list[Any] = []
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def watched_connect(self: socket.socket, address: Any) -> None:
        if address != allowed:
            noticed.append(address)
        connect(self, address)

    def watched_resolve(name: Any, number: Any, *rest: Any, **more: Any) -> Any:
        if (name, number) != allowed:
            noticed.append((name, number))
        return resolve(name, number, *rest, **more)

    socket.socket.connect = watched_connect  # type: ignore[method-assign]
    socket.getaddrinfo = watched_resolve
    try:
        yield noticed
    finally:
        socket.socket.connect = connect  # type: ignore[method-assign]
        socket.getaddrinfo = resolve
