"""Live updates: what is told, to whom, after which interruption, and what it costs the others."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Response, request

from eventchain.archive import EVENTS, MEMBERS
from eventchain.core.errors import LiveContractError
from eventchain.store.document_store import Collection
from eventchain.store.memory import MemoryStore
from livecontract import web_server
from livecontract.errors import OverloadedError, TooFastError
from livecontract.serving import WebServer
from livecontract.streams import MAX_WAITING, Feed, Streams
from livecontract.updates import Cursor, Place, Source, Standing, Updates
from tests.livecontract.running import OWNER, PROCESS, SECONDS, STRANGER, Caller, World, running, wait_for

CHAIN = "chain-1"


class Update:
    """One update as it travelled."""

    def __init__(self, text: str) -> None:
        fields = dict(line.split(": ", 1) for line in text.strip().splitlines())
        self.kind, self.id, self.data = fields["event"], fields["id"], json.loads(fields["data"])


class Chains:
    """What is stored of one chain, written by hand."""

    def __init__(self) -> None:
        self.store = CountedStore()
        self.states: dict[str, Standing] = {}
        self.updates = Updates(Source(self.store, lambda _chain: list(self.states.values())))

    def add(self, position: int, name: str = "", state: str | None = None) -> None:
        hash_ = name or f"event{position}"
        document = dict.fromkeys(EVENTS.fields) | {
            "chain": CHAIN,
            "hash": hash_,
            "previous": f"before {hash_}",
            "position": position,
            "height": position + 1,
        }
        self.store.insert(EVENTS, [document])
        if state:
            self.states["p"] = Standing("p", state, hash_)

    def prove(self, position: int, height: int = 7) -> None:
        receipt = json.dumps({"block": {"height": height}}).encode()
        self.store.update(EVENTS, {"chain": CHAIN, "hash": f"event{position}"}, {"receipt": receipt})

    def read(self, feed: Feed[str]) -> list[Update]:
        self.updates.step()
        items = feed.take(0)
        assert items is not None
        return [Update(item) for item in items]

    def follow(self, last_id: str | None = None) -> Feed[str]:
        feed: Feed[str] = Feed()
        self.updates.watch(CHAIN, feed, last_id)
        return feed


class CountedStore(MemoryStore):
    """Counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__([EVENTS])
        self.asked = 0

    def find(self, collection: Collection, *rest: Any, **more: Any) -> Any:
        self.asked += 1
        return super().find(collection, *rest, **more)

    def get(self, collection: Collection, *rest: Any, **more: Any) -> Any:
        self.asked += 1
        return super().get(collection, *rest, **more)


@pytest.fixture
def chains() -> Chains:
    return Chains()


def kinds(updates: list[Update]) -> list[str]:
    return [update.kind for update in updates]


def test_a_reader_is_told_where_the_chain_ends_and_then_what_is_new(chains: Chains) -> None:
    chains.add(0)
    feed = chains.follow()
    (end,) = chains.read(feed)
    assert (end.kind, end.data) == ("end", {"chain": CHAIN, "event": "event0", "position": 0})
    assert chains.read(feed) == []
    chains.add(1)
    chains.add(2, state="offered")
    event, second, process = chains.read(feed)
    assert (event.kind, event.data) == ("event", {"chain": CHAIN, "event": "event1", "position": 1})
    assert second.data["position"] == 2
    assert process.kind == "process"
    assert process.data == {"chain": CHAIN, "process": "p", "state": "offered", "event": "event2"}
    chains.prove(1, 9)
    chains.prove(0, 8)
    found = chains.read(feed)
    assert kinds(found) == ["receipt", "receipt"]
    assert {(item.data["event"], item.data["height"]) for item in found} == {("event0", 8), ("event1", 9)}
    assert chains.read(feed) == []


def test_an_empty_chain_can_be_followed(chains: Chains) -> None:
    feed = chains.follow()
    (end,) = chains.read(feed)
    assert end.data == {"chain": CHAIN, "event": None, "position": -1}
    chains.add(0)
    assert kinds(chains.read(feed)) == ["event"]


def test_a_receipt_that_came_before_an_older_one_is_told_in_the_end(chains: Chains) -> None:
    for position in range(3):
        chains.add(position)
    feed = chains.follow()
    chains.prove(2)
    found: list[Update] = []
    for _ in range(30):
        found += chains.read(feed)
    assert [item.data["event"] for item in found if item.kind == "receipt"] == ["event2"]


@pytest.mark.parametrize("lost_after", range(7))
def test_who_comes_back_is_told_everything_that_was_missed(chains: Chains, lost_after: int) -> None:
    chains.add(0, state="initial")
    feed = chains.follow()
    steps = [
        lambda: chains.add(1),
        lambda: chains.add(2, state="offered"),
        lambda: chains.prove(0),
        lambda: chains.add(3, state="accepted"),
        lambda: chains.prove(1),
        lambda: chains.prove(2),
    ]
    seen: list[Update] = chains.read(feed)
    for number, step in enumerate(steps):
        if number == lost_after:
            chains.updates.forget(CHAIN, feed)
        step()
        if number < lost_after:
            seen += chains.read(feed)
    again = Chains()
    again.store, again.states = chains.store, chains.states
    again.updates = Updates(Source(chains.store, lambda _chain: list(chains.states.values())))  # another process
    seen += again.read(again.follow(seen[-1].id))
    assert {item.data["position"] for item in seen if item.kind == "event"} == {1, 2, 3}
    assert {item.data["event"] for item in seen if item.kind == "receipt"} == {"event0", "event1", "event2"}
    assert [item.data["state"] for item in seen if item.kind == "process"][-1] == "accepted"
    assert "reset" not in kinds(seen)


@pytest.mark.parametrize("last_id", ["nonsense", "1.0.another", "99.0.event99", "0", "-5.-5.x", "9" * 30 + ".1.x"])
def test_who_comes_back_with_what_no_longer_holds_reads_again(chains: Chains, last_id: str) -> None:
    chains.add(0)
    chains.add(1)
    (reset,) = chains.read(chains.follow(last_id))
    assert (reset.kind, reset.data["event"]) == ("reset", "event1")


def test_readers_read_again_when_another_branch_wins(chains: Chains) -> None:
    chains.add(0)
    chains.add(1)
    feed = chains.follow()
    chains.read(feed)
    chains.store.update(EVENTS, {"chain": CHAIN, "hash": "event1"}, {"position": None})
    chains.add(1, "other1")
    chains.add(2, "other2")
    (reset,) = chains.read(feed)
    assert (reset.kind, reset.data["event"], reset.data["position"]) == ("reset", "other2", 2)
    chains.add(3)
    assert kinds(chains.read(feed)) == ["event"]


def test_an_id_survives_the_way_there_and_back() -> None:
    cursor = Cursor(place=Place(12, "hash"), awaiting=3)
    assert Cursor.parse(str(cursor)) == cursor


def test_nothing_is_asked_while_nobody_listens_and_little_while_nothing_happens(chains: Chains) -> None:
    chains.add(0)
    chains.prove(0)
    chains.updates.step()
    assert chains.store.asked == 0
    feeds = [chains.follow() for _ in range(10)]
    chains.store.asked = 0
    chains.updates.step()
    assert chains.store.asked == 1
    for feed in feeds:
        chains.updates.forget(CHAIN, feed)
        chains.updates.forget(CHAIN, feed)
    assert chains.updates.count == 0


def test_the_loop_looks_by_itself_and_outlives_a_store_that_is_away(chains: Chains) -> None:
    chains.add(0)
    feed = chains.follow()
    real, failed = chains.store.find, threading.Event()

    def away(*_: Any, **__: Any) -> Any:
        failed.set()
        raise LiveContractError("away")

    chains.store.find = away  # type: ignore[method-assign]
    stop = threading.Event()
    thread = threading.Thread(target=chains.updates.run, args=(stop,))
    thread.start()
    try:
        assert failed.wait(SECONDS)
        chains.store.find = real  # type: ignore[method-assign]
        assert kinds([Update(item) for item in feed.take(SECONDS) or []]) == ["end"]
        chains.add(1)
        assert kinds([Update(item) for item in feed.take(SECONDS) or []]) == ["event"]
    finally:
        stop.set()
        thread.join(SECONDS)
    assert not thread.is_alive()


# --- Places -----------------------------------------------------------------------------------------------------------


def test_there_are_so_many_places_and_half_of_them_for_one_key() -> None:
    sizes: list[int] = []
    streams = Streams(4)
    streams.attach(sizes.append)
    feeds: list[Feed[str]] = [Feed() for _ in range(6)]
    streams.enter(feeds[0], "a")
    streams.enter(feeds[1], "a")
    with pytest.raises(TooFastError):
        streams.enter(feeds[2], "a")
    streams.enter(feeds[2], "b")
    streams.enter(feeds[3], "b")
    with pytest.raises(OverloadedError):
        streams.enter(feeds[4], "c")
    streams.leave(feeds[0])
    streams.leave(feeds[0])
    streams.enter(feeds[4], "c")
    assert sizes == [1, 2, 3, 4, 3, 4]
    streams.stop()
    assert feeds[4].take(0) is None
    with pytest.raises(OverloadedError):
        streams.enter(feeds[5], "d")


def test_a_reader_that_is_too_slow_is_sent_away() -> None:
    feed: Feed[int] = Feed()
    feed.put(range(MAX_WAITING))
    assert feed.take(0) == list(range(MAX_WAITING))
    feed.put(range(MAX_WAITING + 1))
    assert feed.take(0) is None


class Served:
    """A web server with two threads, a route that answers at once, and streams that say nothing."""

    def __init__(self, places: int) -> None:
        self.streams = Streams(places)
        self.threads: set[int | None] = set()
        routes = Blueprint("routes", __name__)
        routes.get("/stream/<key>", endpoint="stream")(web_server.public(lambda key: self.stream(key)))
        routes.get("/quick", endpoint="quick")(web_server.public(lambda: {"done": True}))
        about = web_server.About(name="", url="", network="T", system_key="")
        app = web_server.create_app([routes], about=about, authenticate=lambda _: None)  # type: ignore[arg-type, return-value]
        self.server = WebServer(app, host="127.0.0.1", port=0, threads=2, max_request_bytes=1000, streams=self.streams)
        self.server.start()
        self.readers: list[http.client.HTTPConnection] = []

    def stream(self, key: str) -> Response:
        feed: Feed[str] = Feed()
        self.streams.enter(feed, key)
        gone = request.environ["waitress.client_disconnected"]

        def written() -> Iterator[str]:
            yield "begun\n"
            while (items := feed.take(0.05)) is not None and not gone():
                yield from items

        response = Response(written(), mimetype="text/event-stream")
        response.call_on_close(lambda: self.streams.leave(feed))
        return response

    def open(self, key: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=SECONDS)
        connection.request("GET", f"/stream/{key}")
        self.readers.append(connection)
        return connection.getresponse()

    def ask(self) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=SECONDS)
        try:
            connection.request("GET", "/quick")
            return connection.getresponse().status
        finally:
            connection.close()

    def close(self) -> None:
        self.server.stop()
        for connection in self.readers:
            connection.close()


@pytest.fixture
def served() -> Iterator[Served]:
    found = Served(64)
    yield found
    found.close()


def test_sixty_four_idle_streams_hold_up_no_other_request(served: Served) -> None:
    answers = [served.open("ab"[number % 2]) for number in range(64)]
    assert {answer.status for answer in answers} == {200}
    assert {answer.readline() for answer in answers} == {b"begun\n"}
    assert [served.ask() for _ in range(20)] == [200] * 20
    refused = served.open("c")
    assert refused.status == 503
    assert json.loads(refused.read())["status"] == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert served.streams.count == 64


def test_streams_add_threads_of_their_own_and_take_them_away_again(served: Served) -> None:
    def workers() -> int:
        return sum(thread.name.startswith("waitress") for thread in threading.enumerate())

    before = workers()
    for number in range(10):
        served.open("ab"[number % 2]).readline()
    assert workers() == before + 10
    for connection in served.readers:
        connection.close()
    wait_for(lambda: workers() == before, "the threads to end")
    assert served.ask() == 200


def test_a_reader_that_vanishes_frees_its_place(served: Served) -> None:
    answer = served.open("a")
    assert answer.readline() == b"begun\n"
    answer.close()
    served.readers.pop().close()
    wait_for(lambda: served.streams.count == 0, "the place to be free")


def test_a_reader_that_goes_on_talking_is_cut_off(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.server.port), timeout=SECONDS) as connection:
        connection.sendall(b"GET /stream/a HTTP/1.1\r\nHost: x\r\n\r\n")
        text = b""
        while b"begun" not in text:
            text += connection.recv(4096)
        connection.sendall(b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
        rest = b"".join(iter(lambda: _receive(connection), b""))
    assert b"done" not in rest
    wait_for(lambda: served.streams.count == 0, "the place to be free")


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(4096)
    except ConnectionResetError:
        return b""


def test_a_stream_asked_for_by_head_keeps_no_place(served: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.server.port, timeout=SECONDS)
    connection.request("HEAD", "/stream/a")
    assert connection.getresponse().status == 200
    connection.close()
    wait_for(lambda: served.streams.count == 0, "the place to be free")


def test_stopping_ends_streams_at_once(served: Served) -> None:
    answers = [served.open("ab"[number % 2]) for number in range(8)]
    assert [answer.readline() for answer in answers] == [b"begun\n"] * 8
    served.server.stop()
    assert [answer.read() for answer in answers] == [b""] * 8


def test_a_connection_is_of_use_again_after_its_stream(served: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.server.port, timeout=SECONDS)
    connection.request("GET", "/stream/a")
    answer = connection.getresponse()
    assert answer.readline() == b"begun\n"
    for feed in list(served.streams._feeds):
        feed.close()
    assert answer.read() == b""
    connection.request("GET", "/quick")
    assert connection.getresponse().status == 200
    connection.close()


# --- A running node ---------------------------------------------------------------------------------------------------


class Reader:
    """Reads the stream of a chain from a running node."""

    def __init__(self, caller: Caller, chain: str, last_id: str | None = None) -> None:
        target = f"/event-chains/{chain}/updates"
        self.connection = http.client.HTTPConnection(caller.url.removeprefix("http://"), timeout=SECONDS)
        headers = caller.sign("GET", target, b"") if caller.key else {}
        self.connection.request("GET", target, headers=headers | ({"Last-Event-ID": last_id} if last_id else {}))
        self.response = self.connection.getresponse()
        self.seen: list[Update] = []

    def until(self, kind: str) -> Update:
        """Read until an update of a kind comes."""
        lines: list[str] = []
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            line = self.response.readline().decode()
            assert line, "the stream ended"
            if line.strip():
                lines.append(line)
                continue
            text, lines = "".join(lines), []
            if text.startswith("event"):
                self.seen.append(Update(text))
                if self.seen[-1].kind == kind:
                    return self.seen[-1]
        raise AssertionError(f"no {kind} among {kinds(self.seen)}")

    def close(self) -> None:
        self.response.close()
        self.connection.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("node"), block_time_ms=200, streams=4) as node:
        yield World(node)


@pytest.mark.slow
def test_a_member_sees_events_states_and_receipts_of_a_running_node(world: World) -> None:
    reader = Reader(world.owner, world.chain)
    assert reader.response.status == 200
    assert reader.response.headers["Content-Type"].startswith("text/event-stream")
    assert reader.response.headers["Cache-Control"] == "no-store"
    reader.until("end")
    world.agent.respond(world.chain, PROCESS, "request", {"item": "Beam", "quantity": 4})
    assert reader.until("event").data["chain"] == world.chain
    state = reader.until("process")
    assert state.data["process"] == PROCESS
    assert state.data["state"] == world.owner.get(f"/processes/{PROCESS}").json["current"]["key"]
    reader.until("receipt")
    reader.close()
    world.agent.add(world.chain, {"$schema": "urn:example:note", "text": "while nobody listened"})
    again = Reader(world.owner, world.chain, reader.seen[-1].id)
    missed = again.until("event")
    chain = world.owner.get(f"/event-chains/{world.chain}").json
    assert missed.data["event"] == chain["events"][-1]["hash"]
    again.close()
    wait_for(lambda: world.node.streams.count == 0, "the places to be free")


@pytest.mark.slow
def test_strangers_and_unsigned_requests_see_nothing(world: World) -> None:
    for key, status in ((STRANGER, 404), (None, 401)):
        reader = Reader(world.caller(key), world.chain)
        assert reader.response.status == status
        reader.close()
    assert world.node.streams.count == 0


@pytest.mark.slow
def test_a_stream_is_signed_for_once(world: World) -> None:
    target = f"/event-chains/{world.chain}/updates"
    headers = world.owner.sign("GET", target, b"")
    for status in (200, 401):
        connection = http.client.HTTPConnection(world.node.url.removeprefix("http://"), timeout=SECONDS)
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        assert response.status == status
        response.close()
        connection.close()


@pytest.mark.slow
def test_who_leaves_the_chain_is_told_no_more(world: World) -> None:
    reader = Reader(world.owner, world.chain)
    reader.until("end")
    store = world.node.node.parts.store
    key = {"chain": world.chain, "key": str(OWNER.public_key)}
    kept = store.get(MEMBERS, key)
    assert kept is not None
    store.delete(MEMBERS, key)
    try:
        world.node.node.eventchain.submit(world.chain, {"$schema": "urn:example:note", "text": "not for everybody"})
        assert b"event: event" not in reader.response.read()
    finally:
        store.put(MEMBERS, kept)
        reader.close()


@pytest.mark.slow
def test_stopping_a_node_ends_its_streams(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        world = World(node)
        reader = Reader(world.owner, world.chain)
        reader.until("end")
        node.server.stop()
        assert reader.response.read() == b""
        reader.close()
