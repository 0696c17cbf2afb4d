"""Routes and client are two ends of one contract: tested together, over real HTTP on loopback."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from os import urandom
from typing import Any

import pytest
import urllib3
from flask import Flask, Response, g, request
from werkzeug.serving import make_server

from dispatcher.broker import MemoryBroker
from dispatcher.client import MAX_ANSWER, HttpTransport, QueueClient, SignedHttp
from dispatcher.enqueue import MAX_ASK
from dispatcher.errors import (
    DeadLetterNotFoundError,
    InvalidDestinationError,
    PeerNotReadyError,
    PeerUnreachableError,
)
from dispatcher.message import ASKS, EVENTS, RELAY, Depth
from dispatcher.routes import create_blueprint
from dispatcher.service import QueueService
from eventchain.core import errors, problem
from eventchain.core.clock import system_clock
from eventchain.core.http_signatures import verify_request
from eventchain.core.keys import KeyPair, PublicKey
from eventchain.core.strict_json import MAX_BYTES
from tests.dispatcher.test_enqueue import CHAIN, document

OPERATOR = KeyPair.from_seed(b"\1" * 32)
MEMBER = KeyPair.from_seed(b"\2" * 32)
STRANGER = KeyPair.from_seed(b"\3" * 32)


class Door:
    """Admits the operator and the member; remembers what it was asked about."""

    def __init__(self) -> None:
        self.documents: list[Mapping[str, Any]] = []

    def admit(self, caller: PublicKey, document: Mapping[str, Any]) -> None:
        self.documents.append(document)
        if caller not in (OPERATOR.public_key, MEMBER.public_key):
            raise errors.ForbiddenError("not a member of this chain")

    def hears(self, caller: PublicKey, document: Mapping[str, Any]) -> bool:
        if "known" not in document:
            raise errors.InvalidError("no ask")
        return caller == MEMBER.public_key

    def check_operator(self, caller: PublicKey) -> None:
        if caller != OPERATOR.public_key:
            raise errors.ForbiddenError("operators only")


class Nonces:
    def __init__(self) -> None:
        self.seen: set[tuple[str, str]] = set()

    def remember(self, key: str, nonce: str, expires: int) -> bool:
        is_new = (key, nonce) not in self.seen
        self.seen.add((key, nonce))
        return is_new


def create_app(broker: MemoryBroker, door: Door) -> Flask:
    app = Flask(__name__)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    nonces = Nonces()

    @app.before_request
    def authenticate() -> None:
        if "Signature" in request.headers:
            now = system_clock() // 1000
            body = request.get_data()
            target = request.host_url.rstrip("/") + request.environ["REQUEST_URI"]  # as it was sent, not decoded
            g.caller = verify_request(request.method, target, dict(request.headers), body, now=now, nonces=nonces)

    @app.errorhandler(errors.LiveContractError)
    def answer(error: errors.LiveContractError) -> Response:
        body = json.dumps(problem.to_dict(error))
        return Response(body, problem.status_of(error), content_type=problem.CONTENT_TYPE)

    app.register_blueprint(create_blueprint(QueueService(broker), door))
    return app


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker(system_clock)


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def node(broker: MemoryBroker, door: Door) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, create_app(broker, door), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def pool() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager() as pool:
        yield pool


@pytest.fixture
def http(pool: urllib3.PoolManager) -> Any:
    return lambda key: SignedHttp(key, system_clock, urandom, allow_plain_http=True, pool=pool)


def die(broker: MemoryBroker, reason: str = "wrong hash") -> None:
    for queue in (EVENTS, RELAY):
        for delivery in broker.receive(queue, 10):
            broker.reject(delivery, reason)


# routes and client together


def test_member_hands_in_a_chain(node: str, http: Any, broker: MemoryBroker, door: Door) -> None:
    body = document(events=[1])
    QueueClient(node + "/", http(MEMBER)).enqueue(body)
    (delivery,) = broker.receive(EVENTS, 10)
    assert (delivery.message.body, delivery.message.group) == (body, str(CHAIN))
    assert delivery.message.headers == {"sender": str(MEMBER.public_key)}
    assert door.documents == [json.loads(body)]


def test_relay_of_one_node_is_taken_by_the_queue_of_another(node: str, http: Any, broker: MemoryBroker) -> None:
    HttpTransport(http(MEMBER)).post(f"{node}/queue", document())
    assert broker.depth(EVENTS).waiting == 1


def test_stranger_is_refused_and_nothing_is_queued(node: str, http: Any, broker: MemoryBroker) -> None:
    with pytest.raises(errors.ForbiddenError, match="not a member"):
        QueueClient(node, http(STRANGER)).enqueue(document())
    assert broker.depth(EVENTS).waiting == 0


def test_ask_is_queued_once_and_one_of_a_stranger_is_answered_alike_and_forgotten(
    node: str, http: Any, broker: MemoryBroker
) -> None:
    ask, again = b'{"chain": null, "known": []}', b'{"chain": null, "known": [1]}'
    QueueClient(node, http(STRANGER)).enqueue_ask(ask)
    assert broker.depth(ASKS).waiting == 0
    for body in (ask, again):
        QueueClient(node, http(MEMBER)).enqueue_ask(body)
    (delivery,) = broker.receive(ASKS, 10)
    assert (delivery.message.body, delivery.message.group) == (ask, str(MEMBER.public_key))
    assert delivery.message.headers == {"sender": str(MEMBER.public_key)}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b" " * (MAX_ASK + 1)])
def test_what_is_no_ask_is_refused(node: str, http: Any, broker: MemoryBroker, body: bytes) -> None:
    with pytest.raises(errors.InvalidError):
        QueueClient(node, http(MEMBER)).enqueue_ask(body)
    assert broker.depth(ASKS).waiting == 0


def test_bad_document_is_refused_with_its_place(node: str, http: Any) -> None:
    with pytest.raises(errors.InvalidError) as caught:
        QueueClient(node, http(MEMBER)).enqueue(b'{"id": "x", "events": []}')
    assert caught.value.path == "$.id"


def test_operator_sends_to_other_nodes(node: str, http: Any, broker: MemoryBroker) -> None:
    QueueClient(node, http(OPERATOR)).enqueue(document(), ["https://a.example", "https://b.example/x?".rstrip("?")])
    assert [delivery.message.group for delivery in broker.receive(RELAY, 10)] == [
        "https://a.example",
        "https://b.example/x",
    ]


def test_only_operators_send_to_other_nodes(node: str, http: Any, broker: MemoryBroker) -> None:
    with pytest.raises(errors.ForbiddenError, match="operators only"):
        QueueClient(node, http(MEMBER)).enqueue(document(), ["https://a.example"])
    assert broker.depth(RELAY).waiting == broker.depth(EVENTS).waiting == 0


def test_operator_sees_depths_and_deals_with_dead_letters(node: str, http: Any, broker: MemoryBroker) -> None:
    client = QueueClient(node, http(OPERATOR))
    client.enqueue(document())
    client.enqueue(document(events=[1]), ["https://a.example"])
    assert client.depths() == {
        "events": Depth(waiting=1, leased=0, dead=0),
        "relay": Depth(waiting=1, leased=0, dead=0),
    }
    die(broker)
    first, second = client.dead_letters()
    assert list(client.dead_letters("relay")) == [second]
    assert (first["queue"], first["group"], first["attempts"]) == ("events", str(CHAIN), 1)
    assert (first["reason"], first["size"]) == ("wrong hash", len(document()))
    assert set(first) == {"id", "queue", "message_id", "group", "size", "attempts", "reason", "died_at"}
    client.requeue(first["id"])
    client.discard(second["id"])
    assert client.depths() == {
        "events": Depth(waiting=1, leased=0, dead=0),
        "relay": Depth(waiting=0, leased=0, dead=0),
    }
    with pytest.raises(errors.NotFoundError):
        client.requeue(first["id"])
    with pytest.raises(errors.NotFoundError):
        client.discard("a/b?c")


def test_members_may_not_look_into_the_queue(node: str, http: Any, broker: MemoryBroker) -> None:
    client = QueueClient(node, http(MEMBER))
    client.enqueue(document())
    die(broker)
    (letter,) = broker.dead_letters()
    for call in (
        client.depths,
        client.dead_letters,
        lambda: client.requeue(letter.id),
        lambda: client.discard(letter.id),
    ):
        with pytest.raises(errors.ForbiddenError, match="operators only"):
            call()
    assert broker.dead_letters() == [letter]


# routes alone


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/queue"),
        ("GET", "/queue"),
        ("GET", "/queue/dead-letters"),
        ("POST", "/queue/dead-letters/x/requeue"),
        ("DELETE", "/queue/dead-letters/x"),
    ],
)
def test_unsigned_request_is_refused(broker: MemoryBroker, door: Door, method: str, path: str) -> None:
    response = create_app(broker, door).test_client().open(path, method=method, data=document())
    assert response.status_code == 401
    assert response.content_type == problem.CONTENT_TYPE
    assert broker.depth(EVENTS).waiting == 0


class SignedIn(Door):
    """An application in which the operator has proven who it is."""

    def client(self, broker: MemoryBroker) -> Any:
        app = create_app(broker, self)

        @app.before_request
        def operator() -> None:
            g.caller = OPERATOR.public_key

        return app.test_client()


@pytest.mark.parametrize("query", ["to=", "to[]=", "to[0]=", "to%5B%5D=", "to[12]="])
def test_destinations_are_read_as_clients_write_lists(broker: MemoryBroker, query: str) -> None:
    response = SignedIn().client(broker).post(f"/queue?{query}https://a.example", data=document())
    assert (response.status_code, response.data) == (204, b"")
    assert broker.depth(RELAY).waiting == 1
    assert broker.depth(EVENTS).waiting == 0


def test_bad_destination_is_a_bad_request(broker: MemoryBroker) -> None:
    response = SignedIn().client(broker).post("/queue?to[]=file:///etc/passwd", data=document())
    assert response.status_code == 400
    assert broker.depth(RELAY).waiting == 0


def test_body_over_the_limit_is_refused_unread(broker: MemoryBroker) -> None:
    length = {"CONTENT_LENGTH": str(MAX_BYTES + 1)}
    response = SignedIn().client(broker).post("/queue", data=b"x", environ_overrides=length)
    assert response.status_code == 413


def test_unknown_dead_letter_is_not_found(broker: MemoryBroker) -> None:
    assert SignedIn().client(broker).delete("/queue/dead-letters/events.x").status_code == 404
    assert issubclass(DeadLetterNotFoundError, errors.NotFoundError)


# client alone, against a hostile peer


@contextmanager
def peer(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> Iterator[tuple[str, list[str]]]:
    """Run a server that gives one answer to everything, and remembers the paths."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            paths.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", paths
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (300, PeerUnreachableError),
        (400, errors.InvalidError),
        (401, errors.UnauthenticatedError),
        (403, errors.ForbiddenError),
        (404, errors.NotFoundError),
        (408, PeerNotReadyError),
        (409, errors.ConflictError),
        (413, errors.TooLargeError),
        (418, errors.InvalidError),
        (425, PeerNotReadyError),
        (429, errors.TooManyRequestsError),
        (500, errors.UnavailableError),
        (503, errors.UnavailableError),
    ],
)
def test_answers_become_errors_of_our_families(http: Any, status: int, expected: type[Exception]) -> None:
    reason = json.dumps({"detail": "because", "hint": "do this"}).encode()
    for body in (reason, b"", b"<html>", b"\xff", b"[" * 1000, b'{"detail": 7}'):
        with peer(status, body) as (url, _), pytest.raises(expected) as caught:
            HttpTransport(http(MEMBER)).post(url, b"{}")
        assert type(caught.value) is expected
        if body == reason and status >= 400:
            assert "because" in str(caught.value)


@pytest.mark.parametrize("status", [200, 201, 204])
def test_success_is_silent(http: Any, status: int) -> None:
    with peer(status) as (url, paths):
        HttpTransport(http(MEMBER)).post(f"{url}/queue", b"{}")
    assert paths == ["/queue"]


def test_redirect_is_not_followed(http: Any) -> None:
    with peer(204) as (other, paths), peer(307, headers={"Location": other}) as (url, _):
        with pytest.raises(PeerUnreachableError, match="leads elsewhere"):
            HttpTransport(http(MEMBER)).post(url, b"{}")
        assert paths == []


def test_huge_answer_is_cut_off(http: Any) -> None:
    with peer(400, b"x" * (MAX_ANSWER + 1)) as (url, _), pytest.raises(PeerUnreachableError, match="more than"):
        HttpTransport(http(MEMBER)).post(url, b"{}")


def test_packed_answer_is_not_unpacked(http: Any) -> None:
    packed = peer(400, b"\x1f\x8b" + b"x" * 100, {"Content-Encoding": "gzip"})
    with packed as (url, _), pytest.raises(errors.InvalidError, match="answered 400"):
        HttpTransport(http(MEMBER)).post(url, b"{}")


def test_answer_that_takes_too_long_is_given_up(pool: urllib3.PoolManager) -> None:
    times = iter([0, 26_000])
    http = SignedHttp(MEMBER, lambda: next(times), urandom, allow_plain_http=True, pool=pool)
    with peer(200, b"slow") as (url, _), pytest.raises(PeerUnreachableError, match="too slowly"):
        HttpTransport(http).post(url, b"{}")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/queue", "http://[::1/queue", "http://256.256.256.256/queue"])
def test_peer_that_is_not_there_is_unreachable(http: Any, url: str) -> None:
    with pytest.raises((PeerUnreachableError, InvalidDestinationError)):
        HttpTransport(http(MEMBER)).post(url, b"{}")


def test_plain_http_is_refused_unless_allowed() -> None:
    with peer(204) as (url, paths), pytest.raises(InvalidDestinationError, match="https"):
        HttpTransport(SignedHttp(MEMBER, system_clock, urandom)).post(url, b"{}")
    assert paths == []
