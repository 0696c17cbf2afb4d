"""Whom a service of its own lets in, and what outsiders try: directly, and through the web server in front."""

import contextlib
import json
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest
from flask import Blueprint, Response, g, request

from eventchain.core.clock import system_clock
from eventchain.core.errors import ConflictError, UnavailableError
from eventchain.core.http_signatures import sign_request
from eventchain.core.keys import KeyPair
from livecontract import proxy, web_server
from livecontract.authentication import Authenticator
from livecontract.free_ports import free_port
from livecontract.internal import CALLER, Reserve, guard
from livecontract.nonces import MemoryNonces
from livecontract.service_http import ServiceHttp, ServiceMistakeError
from livecontract.streams import Streams
from livecontract.web_server import About, create_app
from tests.livecontract.apart import SYSTEM, client, internal_app, served, serving
from tests.livecontract.running import Answer, Caller

OUTSIDER = KeyPair.from_seed_phrase("outsider")
VICTIM = KeyPair.from_seed_phrase("victim")


def echo() -> Blueprint:
    """A service that says what it saw, on public paths of several services and on an internal one."""
    blueprint = Blueprint("echo", __name__)

    def say(**_path: str) -> dict[str, Any]:
        return {
            "caller": str(g.caller) if g.caller else None,
            "target": request.environ["REQUEST_URI"],
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "body": request.get_data().decode(),
        }

    for path in ("/event-chains/<path:rest>", "/queue"):
        blueprint.add_url_rule(path, path, say, methods=["GET", "POST"])
    blueprint.add_url_rule("/hash/<path:rest>", "open", web_server.public(lambda **path: say(**path)))
    blueprint.add_url_rule("/hash", "hash", say, methods=["POST"])
    blueprint.add_url_rule(
        "/answers/<path:rest>", "answers", web_server.public(lambda **path: say(**path)), methods=["POST"]
    )
    return blueprint


def inside() -> Blueprint:
    blueprint = Blueprint("inside", __name__, url_prefix="/internal/echo")
    blueprint.post("/ask")(lambda: {"asked": request.get_json()})

    @blueprint.post("/raise")
    def refuse() -> Response:
        if request.get_json()["ours"]:
            raise ZeroDivisionError
        raise type("ForkError", (ConflictError,), {})("two branches", path="$.x", hint="Look.")

    return guard(blueprint)


class Site(NamedTuple):
    """A service, and the web server in front of it."""

    service: str
    web: str


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    ports = free_port("127.0.0.1"), free_port("127.0.0.1")
    service, web = (f"http://127.0.0.1:{port}" for port in ports)
    answering = {name: client(service) for name in ("eventchain", "workflow", "dispatcher", "anchor")}
    authenticate = Authenticator(web, system_clock, MemoryNonces(system_clock))
    front = create_app(
        [proxy.create_blueprint(answering, authenticate, Streams(2))],
        about=About(name="", url=web, network="T", system_key=str(SYSTEM.public_key)),
        authenticate=authenticate,
    )
    with served(internal_app([echo(), inside()], service), ports[0]), served(front, ports[1]):
        yield Site(service, web)


def signed(
    url: str,
    path: str,
    key: KeyPair,
    body: bytes = b"{}",
    fields: Mapping[str, str] | None = None,
    method: str = "POST",
) -> dict[str, str]:
    now = system_clock() // 1000
    return sign_request(method, url + path, body, key, now=now, random=os.urandom, fields=fields)


def post(url: str, path: str, headers: Mapping[str, str], body: bytes = b"{}") -> Answer:
    return Caller(url).send("POST", path, body, headers)


# --- Directly at the service ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/internal/echo/ask", "/queue"])
def test_an_outsider_is_not_let_in(site: Site, path: str) -> None:
    assert post(site.service, path, {}).status == 401
    assert post(site.service, path, {CALLER: str(VICTIM.public_key)}).status == 401
    assert post(site.service, path, signed(site.service, path, OUTSIDER)).status == 403
    forged = signed(site.service, path, OUTSIDER, fields={CALLER: str(SYSTEM.public_key)})
    assert post(site.service, path, forged).status == 403


def test_a_caller_that_the_signature_does_not_cover_is_refused(site: Site) -> None:
    headers = signed(site.service, "/queue", SYSTEM)
    for name in (CALLER, CALLER.upper(), "Livecontract-Caller"):
        answer = post(site.service, "/queue", {**headers, name: str(VICTIM.public_key)})
        assert (answer.status, answer.json["detail"]) == (401, f"the signature does not cover {CALLER}")


def test_a_caller_that_was_changed_is_refused(site: Site) -> None:
    headers = signed(site.service, "/queue", SYSTEM, fields={CALLER: str(OUTSIDER.public_key)})
    assert post(site.service, "/queue", {**headers, CALLER: str(VICTIM.public_key)}).status == 401
    assert post(site.service, "/queue", {n: v for n, v in headers.items() if n != CALLER}).status == 401
    assert post(site.service, "/queue", headers).json["caller"] == str(OUTSIDER.public_key)


def test_a_spelling_that_servers_confuse_names_no_caller(site: Site) -> None:
    headers = signed(site.service, "/queue", SYSTEM)
    answer = post(site.service, "/queue", {**headers, CALLER.replace("-", "_"): str(VICTIM.public_key)})
    assert answer.status == 401 or answer.json["caller"] == str(SYSTEM.public_key)


def test_a_request_is_accepted_once_by_all_copies() -> None:
    """Copies share the memory of nonces, as they share a store."""
    nonces, port = MemoryNonces(system_clock), free_port("127.0.0.1")
    url = f"http://127.0.0.1:{port}"
    headers = signed(url, "/internal/echo/ask", SYSTEM)
    apps = [internal_app([inside()], url, nonces=nonces) for _ in range(2)]
    answers = [
        app.test_client().post("/internal/echo/ask", data=b"{}", headers=headers, content_type="application/json")
        for app in apps
    ]
    assert [answer.status_code for answer in answers] == [200, 401]


def test_a_request_is_for_one_service(site: Site) -> None:
    headers = signed("http://127.0.0.1:1", "/queue", SYSTEM)
    assert post(site.service, "/queue", headers).status == 401


def test_nonces_of_outsiders_are_not_kept() -> None:
    class Watched(MemoryNonces):
        seen: list[str] = []  # noqa: RUF012 (of this test)

        def remember(self, key: str, nonce: str, expires: int) -> bool:
            self.seen.append(key)
            return super().remember(key, nonce, expires)

    nonces, url = Watched(system_clock), "http://127.0.0.1:1"
    app = internal_app([inside()], url, nonces=nonces)
    for key in (OUTSIDER, SYSTEM):
        app.test_client().post(
            "/internal/echo/ask", data=b"{}", headers=signed(url, "/internal/echo/ask", key), content_type="text/plain"
        )
    assert nonces.seen == [str(SYSTEM.public_key)]


def test_what_is_internal_is_closed_to_requests_on_behalf_of_others(site: Site) -> None:
    for caller in (OUTSIDER, SYSTEM):
        headers = signed(site.service, "/internal/echo/ask", SYSTEM, fields={CALLER: str(caller.public_key)})
        assert post(site.service, "/internal/echo/ask", headers).status == 403


def test_health_is_for_everybody(site: Site) -> None:
    for path in ("/healthz", "/readyz"):
        assert Caller(site.service).get(path).status == 200


# --- Through the web server -------------------------------------------------------------------------------------------


def test_a_request_arrives_as_it_was_sent(site: Site) -> None:
    target = "/event-chains/a%2Fb/c%20d?x=1&to[]=%C3%A5"
    seen = Caller(site.web, OUTSIDER).post(target, {"å": 1}).json
    assert seen["caller"] == str(OUTSIDER.public_key)
    assert seen["target"] == target.replace("[]", "%5B%5D")
    assert json.loads(seen["body"]) == {"å": 1}


@pytest.mark.parametrize("name", [CALLER, "Livecontract-Caller", "livecontract_caller"])
def test_a_header_from_outside_names_nobody(site: Site, name: str) -> None:
    body = b"{}"
    headers = {**signed(site.web, "/queue", OUTSIDER, body), name: str(VICTIM.public_key)}
    assert post(site.web, "/queue", headers).json["caller"] == str(OUTSIDER.public_key)
    answer = Caller(site.web).send("GET", "/hash/x", headers={name: str(VICTIM.public_key)})
    assert answer.json["caller"] is None
    assert CALLER not in answer.json["headers"]


def test_an_outside_signature_that_covers_the_header_is_refused(site: Site) -> None:
    headers = signed(site.web, "/queue", OUTSIDER, fields={CALLER: str(VICTIM.public_key)})
    assert post(site.web, "/queue", headers).status == 401


def test_other_headers_stay_outside(site: Site) -> None:
    outside = {"Cookie": "a=b", "X-Forwarded-For": "10.0.0.1", "Host": "evil.example", "Authorization": "Basic eA=="}
    headers = {**signed(site.web, "/queue", OUTSIDER), **outside, "If-None-Match": '"x"', "X-Request-Id": "mine-1"}
    seen = post(site.web, "/queue", headers).json["headers"]
    assert not {"cookie", "x-forwarded-for", "authorization"} & seen.keys()
    assert (seen["if-none-match"], seen["x-request-id"]) == ('"x"', "mine-1")
    assert "evil" not in seen["host"]


def test_unsigned_requests_reach_open_services_only(site: Site) -> None:
    assert Caller(site.web).get("/event-chains/x").status == 401
    assert Caller(site.web).get("/hash/x").json["caller"] is None
    assert post(site.web, "/hash", {}).status == 401
    assert Caller(site.web, OUTSIDER).post("/hash", {}).json["caller"] == str(OUTSIDER.public_key)


def test_who_answers_a_system_action_needs_a_token_and_no_key(site: Site) -> None:
    seen = post(site.web, "/answers/x", {"Livecontract-Answer-Token": "secret"}).json
    assert (seen["caller"], seen["headers"]["livecontract-answer-token"]) == (None, "secret")


def test_a_wrong_signature_is_no_missing_one(site: Site) -> None:
    headers = signed(site.web, "/elsewhere", OUTSIDER, b"", method="GET")
    assert Caller(site.web).send("GET", "/hash/x", headers=headers).status == 401


@pytest.mark.parametrize(
    "path",
    [
        "/internal/echo/ask",
        "//internal/echo/ask",
        "/queue/../internal/echo/ask",
        "/hash/../internal/echo/ask",
        "/hash/%2e%2e/internal/echo/ask",
        "/hash/x/../../internal/echo/ask",
        "/event-chains/..%2f..%2finternal/echo/ask",
        "/hash/..%2finternal/echo/ask",
        "/nothing",
    ],
)
def test_no_path_leads_inside(site: Site, path: str) -> None:
    body = b'{"x": 1}'
    for key in (OUTSIDER, SYSTEM):
        answer = post(site.web, path, signed(site.web, path, key, body), body)
        assert answer.status in (401, 403, 404, 405), answer.data
    assert post(site.web, path, {}, body).status in (401, 403, 404, 405)


def test_a_replayed_request_is_refused_at_the_front(site: Site) -> None:
    headers = signed(site.web, "/queue", OUTSIDER)
    assert [post(site.web, "/queue", headers).status for _ in range(2)] == [200, 401]


# --- Between the services ---------------------------------------------------------------------------------------------


def test_errors_come_back_as_what_they_were(site: Site) -> None:
    http = client(site.service)
    assert http.call("/internal/echo/ask", {"å": [1, None]}) == {"asked": {"å": [1, None]}}
    with pytest.raises(ConflictError) as caught:
        http.call("/internal/echo/raise", {"ours": False})
    error = caught.value
    assert (error.code, error.message, error.path, error.hint) == ("Fork", "two branches", "$.x", "Look.")
    with pytest.raises(ServiceMistakeError):
        http.call("/internal/echo/raise", {"ours": True})
    with pytest.raises(UnavailableError, match="does not answer"):
        client(f"http://127.0.0.1:{free_port('127.0.0.1')}").call("/internal/echo/ask", {})


def test_a_service_that_turns_its_own_node_away_has_not_judged_what_it_was_asked(site: Site) -> None:
    """A clock that is off, a wrong key, a route of another version: events that wait must not be given up for that."""
    late = ServiceHttp(site.service, "tested", SYSTEM, lambda: system_clock() - 3_600_000, os.urandom)
    foreign = ServiceHttp(site.service, "tested", OUTSIDER, system_clock, os.urandom)
    for http, path in ((late, "ask"), (foreign, "ask"), (client(site.service), "of-another-version")):
        with pytest.raises(UnavailableError):
            http.call(f"/internal/echo/{path}", {"ours": False})


def test_a_request_that_broke_off_is_sent_once_more() -> None:
    """The first connection ends without an answer, as that to a copy that was killed; the second is answered."""
    requests: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            for reply in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"):
                connection, _ = listener.accept()
                with connection:
                    requests.append(_whole_request(connection))
                    connection.sendall(reply)

        thread = threading.Thread(target=answer)
        thread.start()
        assert client(f"http://127.0.0.1:{listener.getsockname()[1]}").call("/x", {}) == {}
        thread.join()
    nonces = {line for request in requests for line in request.split(b"\r\n") if line.startswith(b"Signature-Input")}
    assert len(nonces) == 2, "each time signed anew: the first one may have arrived"


def _whole_request(connection: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\r\n\r\n{}"):
        data += connection.recv(65536)
    return data


def test_people_leave_threads_for_the_services() -> None:
    entered, leave = threading.Semaphore(0), threading.Event()
    slow = Blueprint("slow", __name__)

    @slow.post("/queue")
    def wait() -> dict[str, Any]:
        entered.release()
        leave.wait(30)
        return {}

    with serving(slow, inside(), reserve=Reserve(2)) as http, contextlib.ExitStack() as stack:
        stack.callback(leave.set)
        caller = OUTSIDER.public_key
        answers: list[int] = []
        threads = [
            threading.Thread(target=lambda: answers.append(http.open("POST", "/queue", b"{}", {}, caller).status))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for _ in threads:
            entered.acquire()
        crowded = http.open("POST", "/queue", b"{}", {}, caller)
        assert (crowded.status, crowded.headers["Retry-After"]) == (503, "1")
        assert http.call("/internal/echo/ask", {"a": 1}) == {"asked": {"a": 1}}
        leave.set()
        for thread in threads:
            thread.join()
        assert answers == [200, 200]
        assert http.open("POST", "/queue", b"{}", {}, caller).status == 200
