"""The web server over a real socket: who gets in, who does not, and what every refusal looks like."""

import http.client
import json
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Blueprint, g, request

from eventchain.core.clock import system_clock
from eventchain.core.errors import ConflictError, NotFoundError, TooManyRequestsError
from eventchain.core.http_signatures import sign_request
from eventchain.core.keys import KeyPair
from livecontract import web_server
from livecontract.authentication import Authenticator
from livecontract.nonces import MemoryNonces
from livecontract.serving import WebServer

KEY = KeyPair.from_seed(b"k" * 32)
PUBLIC_URL = "https://node.example/base"
LIMIT = 10_000


class Probe:
    """Routes that misbehave when asked, and a door that tests open."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.door = threading.Event()
        self.is_ready = True
        self.blueprint = blueprint = Blueprint("probe", __name__)

        @blueprint.post("/echo")
        def echo() -> dict[str, Any]:
            return {"z": web_server.read_json(), "a": str(web_server.caller()), "id": g.request_id}

        @blueprint.post("/stream")
        def stream() -> dict[str, Any]:
            return {"read": request.stream.read().decode(), "again": request.get_data().decode()}

        @blueprint.get("/who/<path:name>")
        def who(name: str) -> dict[str, Any]:
            return {"name": name}

        @blueprint.get("/conflict")
        def conflict() -> dict[str, Any]:
            raise ConflictError("it contradicts", path="$.a", hint="Look again.")

        @blueprint.get("/busy")
        @web_server.public
        def busy() -> dict[str, Any]:
            raise TooManyRequestsError("slow down")

        @blueprint.get("/mistake")
        @web_server.public
        def mistake() -> dict[str, Any]:
            raise RuntimeError("secret internals")

        @blueprint.get("/nobody")
        @web_server.public
        def nobody() -> dict[str, Any]:
            return {"caller": str(web_server.caller())}

        @blueprint.get("/slow")
        @web_server.public
        def slow() -> dict[str, Any]:
            self.entered.set()
            self.door.wait()
            return {"done": True}

    def check(self) -> None:
        if not self.is_ready:
            raise NotFoundError("secret internals")


@pytest.fixture
def probe() -> Probe:
    return Probe()


@pytest.fixture
def server(probe: Probe) -> Iterator[WebServer]:
    app = web_server.create_app(
        [probe.blueprint],
        about=web_server.About(name="Acme", url=PUBLIC_URL, network="T", system_key=str(KEY.public_key)),
        authenticate=Authenticator(PUBLIC_URL, system_clock, MemoryNonces(system_clock)),
        max_request_bytes=LIMIT,
        checks={"probe": probe.check},
    )
    server = WebServer(app, host="127.0.0.1", port=0, threads=2, max_request_bytes=LIMIT)
    server.start()
    yield server
    probe.door.set()
    server.stop()


class Answer:
    """Status, headers and JSON of an answer."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.data = response.read()
        self.json = json.loads(self.data) if self.data else None


def signed(
    method: str, target: str, body: bytes = b"", *, base: str = PUBLIC_URL, shift: int = 0, lifetime: int = 60
) -> dict[str, str]:
    now = system_clock() // 1000 + shift
    return sign_request(method, base + target, body, KEY, now=now, random=os.urandom, lifetime=lifetime)


def send(
    server: WebServer, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None, **how: Any
) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, target, body or None, headers or {}, **how)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def ask(server: WebServer, raw: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        parts = iter(lambda: connection.recv(65536), b"")
        return b"".join(parts)


def check_problem(answer: Answer, status: int, match: str = "") -> dict[str, Any]:
    assert answer.status == status, answer.data
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["status"] == status
    assert match in answer.json["detail"]
    document: dict[str, Any] = answer.json
    return document


def test_the_node_says_what_it_is_to_anyone(server: WebServer) -> None:
    answer = send(server, "GET", "/")
    assert list(answer.json) == ["name", "version", "description", "env", "url", "signkey", "node"]
    assert answer.json["signkey"] == str(KEY.public_key)
    assert (answer.json["env"], answer.json["url"]) == ("T", PUBLIC_URL)


def test_health_and_readiness(server: WebServer, probe: Probe) -> None:
    assert send(server, "GET", "/healthz").json == {"status": "alive"}
    assert send(server, "GET", "/readyz").json == {"status": "ready", "checks": {"probe": "ok"}}
    probe.is_ready = False
    answer = send(server, "GET", "/readyz")
    assert (answer.status, answer.json) == (503, {"status": "not ready", "checks": {"probe": "failed"}})
    assert send(server, "GET", "/healthz").status == 200


def test_a_signed_request_gets_in_and_the_order_of_members_is_kept(server: WebServer) -> None:
    body = b'{"z": 1, "a": 2}'
    answer = send(server, "POST", "/echo", body, signed("POST", "/echo", body))
    assert answer.status == 200
    assert list(answer.json) == ["z", "a", "id"]
    assert list(answer.json["z"]) == ["z", "a"]
    assert answer.json["a"] == str(KEY.public_key)
    assert answer.json["id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("target", ["/who/a%2Fb?x=1&y=%20", "/who/a/b", "/who/%C3%A9?", "/who/a//b", "/who/a+b;c"])
def test_path_and_query_are_signed_as_they_travel(server: WebServer, target: str) -> None:
    assert send(server, "GET", target, headers=signed("GET", target)).status == 200
    check_problem(send(server, "GET", target + "&more", headers=signed("GET", target)), 401)


def test_a_host_header_changes_nothing(server: WebServer) -> None:
    headers = signed("GET", "/who/x") | {"Host": "evil.example"}
    assert send(server, "GET", "/who/x", headers=headers).status == 200
    forwarded = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    there = signed("GET", "/who/x", base="http://evil.example") | forwarded
    check_problem(send(server, "GET", "/who/x", headers=there), 401, "does not fit")


def test_an_absolute_request_line_changes_nothing(server: WebServer) -> None:
    for base, status in ((PUBLIC_URL, b"200"), ("http://evil.example", b"401")):
        lines = [f"{name}: {value}" for name, value in signed("GET", "/who/x", base=base).items()]
        text = "\r\n".join(["GET http://evil.example/who/x HTTP/1.1", "Host: evil.example", *lines, "", ""])
        assert ask(server, text.encode()).split()[1] == status


def test_a_replayed_request_is_refused(server: WebServer) -> None:
    headers = signed("GET", "/who/x")
    assert send(server, "GET", "/who/x", headers=headers).status == 200
    check_problem(send(server, "GET", "/who/x", headers=headers), 401, "sent before")


def test_of_copies_sent_at_once_one_gets_in(server: WebServer) -> None:
    headers, found = signed("GET", "/who/x"), list[int]()
    threads = [
        threading.Thread(target=lambda: found.append(send(server, "GET", "/who/x", headers=headers).status))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [200] + [401] * 7


def test_unsigned_expired_and_future_requests_are_refused(server: WebServer) -> None:
    answer = send(server, "GET", "/who/x")
    assert "docs/api.md" in check_problem(answer, 401, "not signed")["hint"]
    assert answer.headers["WWW-Authenticate"].startswith("Signature")
    check_problem(send(server, "GET", "/who/x", headers=signed("GET", "/who/x", shift=-120)), 401, "expired")
    check_problem(send(server, "GET", "/who/x", headers=signed("GET", "/who/x", shift=120)), 401, "future")
    check_problem(send(server, "GET", "/who/x", headers=signed("GET", "/who/x", lifetime=3600)), 401, "at most")


def test_another_body_method_or_node_is_refused(server: WebServer) -> None:
    headers = signed("POST", "/echo", b'{"a":1}')
    check_problem(send(server, "POST", "/echo", b'{"a":2}', headers), 401, "not the one that was signed")
    check_problem(send(server, "POST", "/echo", b"{}", signed("PUT", "/echo", b"{}")), 401, "does not fit")
    check_problem(send(server, "POST", "/echo", b"{}", signed("POST", "/echo")), 401, "does not cover")
    other = signed("GET", "/who/x", base="https://other.example")
    assert PUBLIC_URL in check_problem(send(server, "GET", "/who/x", headers=other), 401)["hint"]


def test_a_view_reads_the_body_as_it_likes(server: WebServer) -> None:
    answer = send(server, "POST", "/stream", b"body", signed("POST", "/stream", b"body"))
    assert answer.json == {"read": "body", "again": "body"}


def test_a_body_sent_in_chunks_is_signed_like_any_other(server: WebServer) -> None:
    body = b'{"a":1}'
    headers = signed("POST", "/echo", body)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("POST", "/echo", iter([body[:3], body[3:]]), headers, encode_chunked=True)
    assert Answer(connection.getresponse()).status == 200
    connection.close()


def test_a_body_over_the_limit_is_refused_before_anything_else(server: WebServer) -> None:
    check_problem(send(server, "POST", "/echo", b"x" * (LIMIT + 1)), 413, str(LIMIT))
    head = f"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {10**12}\r\n\r\n"
    assert b" 413 " in ask(server, head.encode()).split(b"\r\n")[0]


def test_chunks_over_the_limit_are_refused(server: WebServer) -> None:
    chunk = b"2710\r\n" + b"x" * 10_000 + b"\r\n"
    head = b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = ask(server, head + chunk * 2 + b"0\r\n\r\n")
    assert b" 413 " in answer.split(b"\r\n")[0]
    assert b"application/problem+json" in answer


@pytest.mark.parametrize("body", [b"{", b'{"a":1,"a":2}', b"NaN", b"\xff", b"[" * 1000, b'"\\ud800"', b""])
def test_a_body_that_is_no_strict_json_is_refused(server: WebServer, body: bytes) -> None:
    answer = send(server, "POST", "/echo", body, signed("POST", "/echo", body))
    assert check_problem(answer, answer.status)["status"] in (400, 413)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET /\r\nbroken header\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http_is_answered_with_a_problem(server: WebServer, raw: bytes) -> None:
    head, _, body = ask(server, raw).partition(b"\r\n\r\n")
    status = int(head.split()[1])
    assert 400 <= status < 500
    assert b"application/problem+json" in head
    assert json.loads(body)["status"] == status


def test_a_head_over_the_limit_ends_the_connection(server: WebServer) -> None:
    try:
        answer = ask(server, b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n")
    except ConnectionError:
        answer = b"HTTP/1.1 431 "  # what was not read any more ended the connection before the answer was
    assert answer.split()[1] == b"431"
    assert send(server, "GET", "/healthz").status == 200


@pytest.mark.parametrize("target", ["//who/x", "/who/x#fragment", "*", "http://x"])
def test_strange_request_targets_do_no_harm(server: WebServer, target: str) -> None:
    raw = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert ask(server, raw.encode()).split()[1] in (b"200", b"400", b"401", b"404")


@pytest.mark.parametrize(
    "value", ["sig=()", "sig", "=", 'sig=("@method");created=1', "\u00e9".encode().decode("latin-1")]
)
def test_malformed_signatures_are_refused(server: WebServer, value: str) -> None:
    headers = {"Signature-Input": value, "Signature": "sig=:AAAA:"}
    check_problem(send(server, "GET", "/who/x", headers=headers), 401)


def test_unknown_paths_and_wrong_methods_are_problems(server: WebServer) -> None:
    check_problem(send(server, "GET", "/nothing"), 404)
    answer = send(server, "DELETE", "/healthz")
    check_problem(answer, 405)
    assert "GET" in answer.headers["Allow"]


def test_an_error_of_a_service_is_a_problem_of_its_family(server: WebServer) -> None:
    document = check_problem(send(server, "GET", "/conflict", headers=signed("GET", "/conflict")), 409, "contradicts")
    assert (document["path"], document["hint"]) == ("$.a", "Look again.")
    busy = send(server, "GET", "/busy")
    check_problem(busy, 429)
    assert busy.headers["Retry-After"] == "5"
    check_problem(send(server, "GET", "/nobody"), 401)


def test_a_mistake_of_ours_is_told_without_internals(server: WebServer) -> None:
    answer = send(server, "GET", "/mistake", headers={"X-Request-Id": "abc-1"})
    assert "abc-1" in check_problem(answer, 500)["hint"]
    assert b"secret" not in answer.data
    assert b"Runtime" not in answer.data


def test_every_answer_has_security_headers_and_an_id(server: WebServer) -> None:
    for target in ("/", "/nothing", "/who/x", "/mistake"):
        answer = send(server, "GET", target, headers={"X-Request-Id": "<script>"})
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert len(answer.headers["X-Request-Id"]) == 16
        assert answer.headers["Server"] is None


def test_a_stopping_server_finishes_what_runs_and_takes_nothing_new(server: WebServer, probe: Probe) -> None:
    found: list[Answer] = []
    asking = threading.Thread(target=lambda: found.append(send(server, "GET", "/slow")))
    asking.start()
    assert probe.entered.wait(10)
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    probe.door.set()
    stopping.join(20)
    asking.join(20)
    assert found[0].json == {"done": True}
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", server.port), timeout=5)


def test_a_server_that_never_started_stops() -> None:
    app = web_server.create_app(
        [], about=web_server.About(name="", url="", network="T", system_key=""), authenticate=lambda _: KEY.public_key
    )
    server = WebServer(app, host="127.0.0.1", port=0, threads=1, max_request_bytes=LIMIT)
    server.stop()
    server.stop()
