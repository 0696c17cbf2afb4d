"""Events from node to node through a shovel, against the bare shovel: many in a row, and one at a time.

One RabbitMQ server with a virtual host for each of two organisations. Moving: messages, each an event, wait in the
queue of the destination; what counts is from the moment the shovel is made until the last of them is verified and
stored at the other node. The limit moves the same bytes through a shovel of the same definition, to a consumer that
acknowledges and does nothing else. One at a time, on nodes that are idle: from handing an event to one node until the
other one has saved it. There the limit is from publishing to a bare queue until a bare consumer has the message.
"""

import itertools
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pika

from benchmarks import samples
from benchmarks.ingest import Outside
from benchmarks.measure import Figure, compare, microseconds
from benchmarks.sizes import Sizes
from dispatcher.address import Login, Logins
from dispatcher.amqp_transport import AmqpTransport
from dispatcher.dispatch import EVENTS_POLICY, Dispatcher
from dispatcher.envelope import CHAIN
from dispatcher.outward import Outward
from dispatcher.rabbitmq import RabbitBroker
from dispatcher.rabbitmq_settings import RabbitSettings
from dispatcher.shovels import INBOUND, definition
from eventchain.chain import EventChain, Stub
from eventchain.core import base58
from eventchain.core.clock import system_clock
from eventchain.core.hashing import sha256
from eventchain.core.ids import ChainId
from eventchain.core.keys import KeyPair
from eventchain.event import Event
from eventchain.store.sqlite import SqliteStore
from livecontract.demo.rabbitmq_server import RabbitServer
from livecontract.handlers import EventsHandler
from livecontract.inbound import InboundHandler
from livecontract.node import AT_ONCE, COLLECTIONS, Node, Parts
from livecontract.peering import Peering

NAME = "shovel"

_PREFETCH = 500
_AIM_MS = 50
_PATIENCE = 60.0
_BARE = "bare"


def run(sizes: Sizes) -> list[Figure]:
    """Measure on a RabbitMQ server of our own.

    Raises:
        UnavailableError: RabbitMQ is not installed.
    """
    with tempfile.TemporaryDirectory() as folder, _two_organisations(Path(folder)) as (one, other, bare):
        return [_moving(sizes, one, other, bare), _one_at_a_time(sizes, one, other, bare)]


class Organisation:
    """A virtual host, and a node that has its queues there."""

    def __init__(self, server: RabbitServer, name: str, key: KeyPair, folder: Path, to: Login | None) -> None:
        self.server = server
        self.name = name
        self.uri = server.url(name).replace("administrator@", "")
        settings = RabbitSettings(url=server.url(name), password=server.password)
        self.broker = RabbitBroker(settings, system_clock, os.urandom)
        self.stored = threading.Event()
        self.shovel = definition(to, name) if to else {}
        logins = Logins([to] if to else [])
        outside: Any = Outside()
        self.outward = Outward(key, system_clock, logins)
        transport = AmqpTransport(key, logins, system_clock, os.urandom)
        self.node = Node(
            Parts(
                key=key,
                uri=self.uri,
                name=name,
                store=SqliteStore(folder / f"{name}.db", COLLECTIONS),
                broker=self.broker,
                anchor=outside,
                transport=outside,
                http=outside,
                mailer=outside,
                clock=system_clock,
                random=os.urandom,
                observe=self._observe,
                peering=Peering(outward=self.outward, publisher=transport, shovels=None, inbound=self.uri),
            )
        )
        handler = InboundHandler(self.uri, EventsHandler(self.node.chains), outside, system_clock)
        self.inbound = Dispatcher(self.broker, INBOUND, handler, system_clock, os.urandom, EVENTS_POLICY)

    def _observe(self, step: str, _chain: str) -> None:
        if step == "anchor":  # the first after the events are on the disk
            self.stored.set()

    def height(self, chain: ChainId) -> int:
        """How many events of a chain its node keeps."""
        return self.node.eventchain.tip(str(chain)).height


class Bare:
    """A queue, a shovel and a consumer, and no node."""

    def __init__(self, one: Organisation, other: Organisation, to: Login) -> None:
        self.shovel = definition(to, one.name) | {"src-queue": _BARE, "dest-exchange": _BARE}
        self._source, self._target = (_connection(item) for item in (one, other))
        self.source, self._channel = self._source.channel(), self._target.channel()
        quorum = {"x-queue-type": "quorum"}
        for channel in (self.source, self._channel):
            channel.queue_declare(_BARE, durable=True, arguments=quorum)
        self._channel.exchange_declare(_BARE, "fanout", durable=True)
        self._channel.queue_bind(_BARE, _BARE)
        self._channel.basic_qos(prefetch_count=_PREFETCH)
        self.source.confirm_delivery()

    def fill(self, bodies: Sequence[bytes]) -> None:
        """Put messages into the source queue."""
        for body in bodies:
            self.source.basic_publish("", _BARE, body, _persistent(), mandatory=True)

    def consume(self, count: int) -> None:
        """Take that many messages out at the other end."""
        for number, (method, _, _) in enumerate(self._channel.consume(_BARE), start=1):
            if number % AT_ONCE == 0 or number == count:
                self._channel.basic_ack(method.delivery_tag, multiple=True)
            if number == count:
                return

    def close(self) -> None:
        """End the connections."""
        self._channel.cancel()
        self._source.close()
        self._target.close()


def _connection(organisation: Organisation) -> pika.BlockingConnection:
    server = organisation.server
    url = server.url(organisation.name).replace("@", f":{server.password}@")
    return pika.BlockingConnection(pika.URLParameters(url))


@contextmanager
def _two_organisations(folder: Path) -> Iterator[tuple[Organisation, Organisation, Bare]]:
    server = RabbitServer(folder / "server")
    with ExitStack() as stack:
        stack.callback(server.stop)
        stack.callback(server.kill)
        server.start()
        for name in ("one", "other"):
            server.add_vhost(name)
            server.permit(name, "administrator")
        server.add_user("peer", "secret")
        server.permit("other", "peer", configure="^$", write=f"^({INBOUND}|{_BARE})$", read="^$")
        to = Login.parse(server.url("other", "peer").replace("@", ":secret@"))
        one = Organisation(server, "one", samples.NODE, folder, to)
        stack.callback(one.node.stop)
        other = Organisation(server, "other", samples.PEER, folder, None)
        stack.callback(other.node.stop)
        other.broker.depth(INBOUND)  # makes the queue
        server.api("PUT", f"exchanges/other/{INBOUND}", {"type": "fanout", "durable": True})
        server.api("POST", f"bindings/other/e/{INBOUND}/q/{INBOUND}", {})
        bare = Bare(one, other, to)
        stack.callback(bare.close)
        yield one, other, bare


def _introduction(one: Organisation, other: Organisation, name: str, count: int) -> tuple[ChainId, Event]:
    """Make a chain that both nodes have, with processes for that many responses; return its last event."""
    chain = samples.chain_id(name)
    bodies = samples.introduction(count)
    bodies[0]["node"], bodies[1]["node"] = one.uri, other.uri
    events = tuple(samples.signed(bodies, chain.initial_hash))
    document = EventChain(chain, events).to_dict()
    other.node.eventchain.add(document, str(samples.USER.public_key))
    one.node.eventchain.add(document, str(samples.USER.public_key))
    return chain, events[-1]


def _documents(chain: ChainId, last: Event, count: int) -> list[dict[str, Any]]:
    """Return that many responses, each in a document of its own."""
    events = samples.signed([samples.response(number) for number in range(count)], last.hash, last.timestamp + 1)
    return [EventChain(chain, (event,), Stub(event.previous, None)).to_dict() for event in events]


def _moving(sizes: Sizes, one: Organisation, other: Organisation, bare: Bare) -> Figure:
    count = max(sizes.messages // 4, 1)
    shovel = one.shovel
    turns = itertools.count()
    bodies: list[bytes] = []
    busy: list[float] = []

    def move() -> float:
        chain, last = _introduction(one, other, f"moving {next(turns)}", count)
        one.server.api("DELETE", f"queues/one/{shovel['src-queue']}/contents")  # the introduction is there already
        height = other.height(chain) + count
        documents = _documents(chain, last, count)
        bodies[:] = [json.dumps(item, separators=(",", ":")).encode("ascii") for item in documents]
        one.broker.publish([one.outward.message(other.uri, _id(body), CHAIN, body) for body in bodies])
        start, processor = time.perf_counter(), time.process_time()
        with _running(one.server, shovel):
            while other.height(chain) < height:
                if not other.inbound.step(AT_ONCE):
                    other.broker.wait(INBOUND, 1000)
            busy.append(time.process_time() - processor)
            return time.perf_counter() - start

    def move_bare() -> float:
        bare.fill(bodies)
        start = time.perf_counter()
        with _running(one.server, bare.shovel):
            bare.consume(count)
            return time.perf_counter() - start

    move()  # compiles statements and patterns, and makes the bodies for the limit
    ratio, seconds, limit_seconds = compare(move, move_bare, rounds=sizes.rounds)
    return Figure(
        benchmark=NAME,
        what="single events from node to node through a shovel, verified and stored at the far end",
        limit="the same bytes through a bare shovel to a bare consumer",
        ratio=ratio,
        meaning="speed",
        aim=0.5,
        count=count,
        unit="event",
        seconds=seconds,
        limit_seconds=limit_seconds,
        details={"processor time of the node": microseconds(statistics.median(busy), count)},
    )


def _one_at_a_time(sizes: Sizes, one: Organisation, other: Organisation, bare: Bare) -> Figure:
    count = max(sizes.ingest // 5, 1)
    turns = itertools.count()
    took: list[float] = []

    def one_by_one() -> float:
        chain, last = _introduction(one, other, f"one at a time {next(turns)}", count + 1)
        first, *documents = _documents(chain, last, count + 1)
        _visible(one, other, first)  # after whatever was on its way
        seconds = [_visible(one, other, document) for document in documents]
        took.extend(seconds)
        return sum(seconds)

    def bare_one_by_one() -> float:
        start = time.perf_counter()
        for _ in range(count):
            bare.source.basic_publish("", _BARE, os.urandom(1000), _persistent(), mandatory=True)
            bare.consume(1)
        return time.perf_counter() - start

    with _running(one.server, one.shovel), _running(one.server, bare.shovel), _working(other):
        one_by_one()
        took.clear()
        ratio, seconds, limit_seconds = compare(one_by_one, bare_one_by_one, rounds=sizes.rounds, meaning="time")
    return Figure(
        benchmark=NAME,
        what="one event, from handing it to an idle node until the other node has it on its disk",
        limit="one message through a bare shovel, from publishing until it is delivered",
        ratio=ratio,
        meaning="time",
        aim=None,
        count=count,
        unit="event",
        seconds=seconds,
        limit_seconds=limit_seconds,
        details={
            "p50": f"{statistics.median(took) * 1000:.1f} ms",
            "p99": f"{sorted(took)[int(len(took) * 0.99)] * 1000:.1f} ms (aim: below {_AIM_MS} ms)",
        },
    )


def _visible(one: Organisation, other: Organisation, document: dict[str, Any]) -> float:
    """Return the seconds from handing an event to one node until it is stored at the other."""
    other.stored.clear()
    start = time.perf_counter()
    one.node.eventchain.add(document, str(samples.USER.public_key))
    if not other.stored.wait(_PATIENCE):
        raise RuntimeError("an event did not arrive")
    return time.perf_counter() - start


@contextmanager
def _working(organisation: Organisation) -> Iterator[None]:
    """Let a node take in what arrives."""
    stop = threading.Event()
    thread = threading.Thread(target=organisation.inbound.run, args=(stop, AT_ONCE))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def _running(server: RabbitServer, shovel: dict[str, Any]) -> Iterator[None]:
    path = f"parameters/shovel/one/{shovel['src-queue']}"
    server.api("PUT", path, {"value": shovel})
    try:
        yield
    finally:
        server.api("DELETE", path)


def _persistent() -> pika.BasicProperties:
    return pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)


def _id(body: bytes) -> str:
    return base58.encode(sha256(body))
