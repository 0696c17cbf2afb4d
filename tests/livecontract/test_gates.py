"""The gates before a node: how often somebody may ask, what waits already, and which web pages may ask at all."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from flask import Blueprint, Flask
from werkzeug.test import TestResponse

from dispatcher.broker import MemoryBroker
from dispatcher.errors import BrokerClosedError
from dispatcher.message import Depth, Message
from eventchain.core import problem
from eventchain.core.errors import LiveContractError
from eventchain.core.http_signatures import sign_request
from eventchain.core.keys import KeyPair
from livecontract import web_server
from livecontract.authentication import Authenticator
from livecontract.cors import Cors
from livecontract.gates import BackPressure, RateLimits, adds_events
from livecontract.nonces import MemoryNonces

URL = "https://node.example"
KEY = KeyPair.from_seed(b"k" * 32)
OTHER = KeyPair.from_seed(b"x" * 32)
START = 1_700_000_000_000


class World:
    """A web application behind its gates, and a clock."""

    def __init__(self) -> None:
        self.now = START
        self.broker = MemoryBroker(self.clock)
        self.depths = 0
        self.verified = 0

    def clock(self) -> int:
        return self.now

    def make(self, **settings: Any) -> "World":
        limits = RateLimits(
            self.clock,
            by_key=settings.get("by_key", 0),
            by_address=settings.get("by_address", 0),
            proxies=settings.get("proxies", 0),
        )
        pressure = BackPressure(
            settings.get("broker", self.broker), ["events", "relay"], settings.get("queue_limit", 0), self.clock
        )
        routes = Blueprint("routes", __name__)
        for path in ("/queue", "/event-chains", "/invitations", "/responses"):
            routes.add_url_rule(path, path, lambda: {"done": True}, methods=["GET", "POST"])
        routes.add_url_rule("/page", "page", lambda: "<p>", methods=["GET"])
        routes.register_error_handler(LiveContractError, lambda error: ({"own": str(error)}, problem.status_of(error)))
        authenticate = Authenticator(URL, self.clock, MemoryNonces(self.clock))

        def counted(request: Any) -> Any:
            self.verified += 1
            return authenticate(request)

        self.app: Flask = web_server.create_app(
            [routes],
            about=web_server.About(name="", url=URL, network="T", system_key=""),
            authenticate=counted,
            before=[limits.by_address],
            after=[limits.by_key, pressure],
            cors=Cors(settings.get("origins", ())),
        )
        return self

    def send(
        self,
        method: str = "GET",
        path: str = "/queue",
        *,
        key: KeyPair | None = KEY,
        address: str = "198.51.100.1",
        headers: dict[str, str] | None = None,
    ) -> TestResponse:
        signed = {}
        if key:
            signed = sign_request(method, URL + path, b"", key, now=self.now // 1000, random=os.urandom)
        return self.app.test_client().open(
            path,
            method=method,
            headers={**signed, **(headers or {})},
            environ_overrides={"REMOTE_ADDR": address, "REQUEST_URI": path},
        )

    def wait_in(self, queue: str, count: int) -> None:
        messages = [Message(queue=queue, id=f"{queue}{number}", group="g", body=b"{}") for number in range(count)]
        self.broker.publish(messages)


@pytest.fixture
def world() -> World:
    return World()


def until_refused(send: Callable[[], TestResponse], most: int = 100) -> tuple[int, TestResponse]:
    """Return how many requests were let in before one was refused, and the refusal."""
    for count in range(most):
        answer = send()
        if answer.status_code >= 400:
            return count, answer
    raise AssertionError(f"none of {most} requests was refused")


def check_refused(answer: TestResponse, status: int, words: str) -> None:
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    document = answer.get_json()
    assert words in document["detail"]
    assert document["hint"] == f"Send it again in {answer.headers['Retry-After']} seconds."


def test_a_key_that_asks_too_often_is_told_when_to_come_back(world: World) -> None:
    world.make(by_key=2)
    count, answer = until_refused(world.send)
    assert count == 20
    check_refused(answer, 429, "signed with this key")
    assert answer.headers["Retry-After"] == "1"
    assert world.send(key=OTHER).status_code == 200
    world.now += 1_000
    assert world.send().status_code == 200


def test_an_address_is_refused_before_its_signatures_cost_anything(world: World) -> None:
    world.make(by_address=2)
    count, answer = until_refused(world.send)
    assert count == 20
    check_refused(answer, 429, "from this address")
    assert world.verified == 20
    assert world.send(key=OTHER).status_code == 429
    assert world.send(address="198.51.100.2").status_code == 200


def test_wrong_signatures_and_unknown_paths_count_too(world: World) -> None:
    world.make(by_address=1)
    for number in range(10):
        assert world.send(key=None, path="/queue" if number % 2 else "/nothing").status_code in (401, 404)
    assert world.send().status_code == 429


def test_a_key_cannot_be_locked_out_by_who_does_not_hold_it(world: World) -> None:
    world.make(by_key=1)
    stolen = {"Signature": "sig=:" + "A" * 86 + "==:"}
    for _ in range(50):
        assert world.send(headers=stolen).status_code == 401
    assert world.send().status_code == 200


def test_a_sender_with_a_whole_ipv6_network_counts_as_one(world: World) -> None:
    world.make(by_address=1)
    addresses = iter(f"2001:db8::{number:x}" for number in range(100))
    count, _ = until_refused(lambda: world.send(address=next(addresses)))
    assert count == 10
    assert world.send(address="2001:db8:0:1::1").status_code == 200


def test_behind_a_trusted_proxy_the_client_counts_and_not_the_proxy(world: World) -> None:
    world.make(by_address=1, proxies=1)
    for number in range(30):
        forwarded = {"X-Forwarded-For": f"9.9.9.9, 198.51.100.{number}"}
        assert world.send(address="10.0.0.1", headers=forwarded).status_code == 200


def test_without_a_trusted_proxy_nobody_escapes_by_a_header(world: World) -> None:
    world.make(by_address=1)
    numbers = iter(range(100))
    count, _ = until_refused(lambda: world.send(headers={"X-Forwarded-For": f"198.51.100.{next(numbers)}"}))
    assert count == 10


def test_this_machine_may_ask_for_health_as_often_as_it_likes(world: World) -> None:
    world.make(by_address=1)
    for _ in range(30):
        assert world.send(path="/healthz", key=None, address="127.0.0.1").status_code == 200
    count, _ = until_refused(lambda: world.send(path="/healthz", key=None))
    assert count == 10


def test_new_events_are_refused_while_a_queue_is_long_and_reading_goes_on(world: World) -> None:
    world.make(queue_limit=3)
    world.wait_in("events", 4)
    for path in ("/queue", "/event-chains", "/invitations", "/queue/"):
        answer = world.send("POST", path)
        check_refused(answer, 503, "wait here already")
        assert int(answer.headers["Retry-After"]) > 0
    assert world.send("POST", "/responses").status_code == 200
    assert world.send("GET", "/event-chains").status_code == 200
    assert world.send("POST", key=None).status_code == 401


def test_new_events_are_taken_again_when_the_queue_is_short(world: World) -> None:
    world.make(queue_limit=3)
    world.wait_in("events", 4)
    assert world.send("POST").status_code == 503
    world.broker.ack(world.broker.receive("events", 2))
    world.now += 999
    assert world.send("POST").status_code == 503
    world.now += 1
    assert world.send("POST").status_code == 200


def test_what_waits_for_other_nodes_stops_nobody(world: World) -> None:
    world.make(queue_limit=3)
    world.wait_in("relay", 100)
    assert world.send("POST").status_code == 200


class CountedBroker:
    """Says how long its queues are, as long as it is there."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_away = False

    def depth(self, _queue: str) -> Depth:
        self.asked += 1
        if self.is_away:
            raise BrokerClosedError("the broker is away")
        return Depth(waiting=0, leased=0, dead=0)


def test_depth_is_asked_at_most_once_a_second(world: World) -> None:
    broker = CountedBroker()
    world.make(broker=broker, queue_limit=3)
    for _ in range(20):
        world.send("POST")
    assert broker.asked == 1
    world.now += 1_000
    world.send("POST")
    assert broker.asked == 2


def test_new_events_are_refused_while_the_broker_is_away(world: World) -> None:
    broker = CountedBroker()
    broker.is_away = True
    world.make(broker=broker, queue_limit=3)
    check_refused(world.send("POST"), 503, "does not answer")
    assert world.send("GET").status_code == 200
    broker.is_away = False
    world.now += 1_000
    assert world.send("POST").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "adds"),
    [
        ("POST", "/queue", True),
        ("GET", "/queue", False),
        ("DELETE", "/queue/dead-letters/1", False),
        ("POST", "/queue/dead-letters/1/requeue", False),
        ("POST", "/hash/verify", False),
    ],
)
def test_what_adds_events_is_known_by_its_path(method: str, path: str, adds: bool) -> None:
    assert adds_events(method, path) is adds


ASK = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}


def test_a_page_of_an_allowed_origin_may_send_signed_requests(world: World) -> None:
    world.make(origins=["https://app.example"])
    asked = ASK | {"Access-Control-Request-Headers": "signature, signature-input, content-digest"}
    answer = world.send("OPTIONS", "/event-chains", key=None, headers=asked)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    allowed = {name.strip().lower() for name in answer.headers["Access-Control-Allow-Headers"].split(",")}
    assert {"signature", "signature-input", "content-digest", "last-event-id", "if-none-match"} <= allowed
    assert {"GET", "POST", "DELETE"} == set(answer.headers["Access-Control-Allow-Methods"].split(", "))
    answer = world.send(headers={"Origin": "https://app.example"})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    assert {"ETag", "Link", "X-Request-Id", "Retry-After"} <= exposed
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://app.example.evil.example", ""])
def test_a_page_of_another_origin_learns_nothing(world: World, origin: str) -> None:
    world.make(origins=["https://app.example"])
    for answer in (
        world.send("OPTIONS", key=None, headers=ASK | {"Origin": origin}),
        world.send(headers={"Origin": origin}),
    ):
        assert [name for name, _ in answer.headers if name.startswith("Access-Control")] == []
        assert "Origin" in answer.headers["Vary"]


def test_an_error_can_be_read_by_an_allowed_page_too(world: World) -> None:
    world.make(origins=["https://app.example"], by_address=1)
    headers = {"Origin": "https://app.example"}
    _, answer = until_refused(lambda: world.send(key=None, path="/", headers=headers))
    assert answer.status_code == 429
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"


def test_without_origins_a_node_says_nothing_to_browsers(world: World) -> None:
    world.make()
    answer = world.send("OPTIONS", key=None, headers=ASK)
    assert [name for name, _ in answer.headers if name.startswith("Access-Control")] == []


def test_every_answer_carries_the_security_headers(world: World) -> None:
    world.make()
    for answer in (world.send(), world.send(key=None), world.send(path="/nothing")):
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; frame-ancestors 'none'")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_page_may_use_what_it_brings_along_and_nothing_else(world: World) -> None:
    world.make()
    policy = world.send(path="/page").headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    for forbidden in ("unsafe", "http", "*"):
        assert forbidden not in policy
    for closed in ("default-src", "frame-ancestors", "base-uri", "form-action"):
        assert f"{closed} 'none'" in policy
