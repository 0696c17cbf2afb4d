"""System actions: what each kind does, and what its outcome becomes."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import structlog

from eventchain.core.errors import ForbiddenError
from workflow_engine import machine
from workflow_engine.compiling import load
from workflow_engine.errors import TriggerError
from workflow_engine.ports import HttpRequest, HttpResponse
from workflow_engine.process import LTO_RESPONSE, Process
from workflow_engine.triggers import MAX_DATA, Call, Outcome, Triggers
from workflow_engine.triggers.event import EventTrigger
from workflow_engine.triggers.http import HttpTrigger
from workflow_engine.triggers.nop import nop

from .samples import OWN, Chain


def process_with(kind: str, **action: Any) -> Process:
    """A process whose only action is a system action."""
    responses = action.pop("responses", {"ok": {}, "error": {}})
    document = {
        "$schema": OWN,
        "actors": {"node": {"properties": {"name": {"default": "Acme"}}}},
        "assets": {"order": {"properties": {"n": {"default": 7}, "tags": {"default": ["a", "b"]}}}},
        "actions": {
            "run": {"$schema": f"urn:livecontract:action:{kind}", "actor": "node", "responses": responses, **action}
        },
        "states": {"initial": {"action": "run", "transition": ":success"}},
    }
    chain = Chain()
    return machine.start(load(document), chain.process(scenario="s", actors={"node": "acme"}))


def call_of(process: Process) -> Call:
    return Call(process=process, action="run", actor="node", idempotency_key="once")


class Web:
    """Answers requests from a table by URL, and remembers them."""

    def __init__(self, answers: Mapping[str, HttpResponse | None] | None = None) -> None:
        self.answers = answers or {}
        self.requests: list[HttpRequest] = []

    def send(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        answer = self.answers.get(request.url, json_answer(200, {"fine": True}))
        if answer is None:
            raise TriggerError("nobody there")
        return answer


def json_answer(status: int, value: Any) -> HttpResponse:
    return HttpResponse(status=status, content_type="application/json", body=json.dumps(value).encode())


URL = "https://erp.example/orders"


def http(web: Web, **action: Any) -> dict[str, Any] | None:
    process = process_with("http", **{"url": URL, **action})
    return Triggers({"http": HttpTrigger(web)}).run(call_of(process))


def test_nop_answers_at_once() -> None:
    triggers = Triggers({"nop": nop})
    body = triggers.run(call_of(process_with("nop", data={"<ref>": "assets.order"})))
    assert body == {
        "$schema": LTO_RESPONSE,
        "process": "p",
        "action": "run",
        "key": "ok",
        "actor": "node",
        "data": {"n": 7, "tags": ["a", "b"]},
    }
    chosen = triggers.run(call_of(process_with("nop", trigger_response="error")))
    assert chosen is not None
    assert (chosen["key"], "data" in chosen) == ("error", False)


def test_action_of_a_kind_nobody_runs_is_left_to_others() -> None:
    assert Triggers({}).run(call_of(process_with("nop"))) is None


def test_response_of_a_trigger_is_accepted_by_the_machine() -> None:
    process = process_with("http", url=URL)
    body = Triggers({"http": HttpTrigger(Web())}).run(call_of(process))
    assert body is not None
    assert machine.step(process, Chain().entry(body, key="system")).is_finished


def test_request_is_made_of_the_action() -> None:
    web = Web()
    http(
        web,
        method="post",
        query={"n": {"<ref>": "assets.order.n"}, "tag": {"<ref>": "assets.order.tags"}, "none": None, "q": "a b&c"},
        headers={"X-Name": {"<ref>": "actors.node.name"}},
        auth={"username": "u", "password": "p:w"},
        data={"b": 1, "a": [True]},
    )
    [request] = web.requests
    assert (request.method, request.url) == ("POST", f"{URL}?n=7&q=a+b%26c&tag=a&tag=b")
    assert request.headers == {
        "X-Name": "Acme",
        "Content-Type": "application/json",
        "Authorization": f"Basic {base64.b64encode(b'u:p:w').decode()}",
        "Idempotency-Key": "once",
    }
    assert request.body == b'{"a":[true],"b":1}'


@pytest.mark.parametrize(
    ("action", "content_type", "body"),
    [
        ({}, None, None),
        ({"data": "hello é"}, "text/plain; charset=utf-8", "hello é".encode()),
        ({"data": [1]}, "application/json", b"[1]"),
        (
            {"data": {"b": [1, 2], "a": "x y"}, "headers": {"content-type": "application/x-www-form-urlencoded"}},
            "application/x-www-form-urlencoded",
            b"a=x+y&b=1&b=2",
        ),
        (
            {"data": {"a": 1}, "headers": {"Content-Type": "application/vnd.x+json"}},
            "application/vnd.x+json",
            b'{"a":1}',
        ),
    ],
)
def test_data_is_sent_in_the_form_the_headers_say(action: Any, content_type: str | None, body: bytes | None) -> None:
    web = Web()
    http(web, **action)
    assert (web.requests[0].headers.get("Content-Type"), web.requests[0].body) == (content_type, body)


def test_multipart_parts_cannot_break_out_of_their_names() -> None:
    web = Web()
    http(web, data={'a"\r\nX: y': "1"}, headers={"Content-Type": "multipart/form-data"})
    boundary = web.requests[0].headers["Content-Type"].partition("boundary=")[2]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="a%22%0D%0AX: y"\r\n\r\n1\r\n--{boundary}--\r\n'
    assert web.requests[0].body == head.encode()


@pytest.mark.parametrize(
    ("answer", "key", "data"),
    [
        (json_answer(200, {"a": 1}), "ok", {"a": 1}),
        (json_answer(201, None), "ok", None),
        (HttpResponse(status=200, content_type="text/html", body=b"<p>"), "ok", "<p>"),
        (HttpResponse(status=204, content_type="", body=b""), "ok", None),
        (HttpResponse(status=200, content_type="application/problem+json", body=b'{"a":1}'), "ok", {"a": 1}),
        (HttpResponse(status=200, content_type="application/json", body=b'{"a":1,"a":2}'), "error", "Unexpected error"),
        (HttpResponse(status=200, content_type="application/json", body=b"NaN"), "error", "Unexpected error"),
        (HttpResponse(status=200, content_type="text/plain", body=b"\xff"), "error", "Unexpected error"),
        (json_answer(302, "elsewhere"), "error", "elsewhere"),
        (json_answer(404, {"why": "gone"}), "404", {"why": "gone"}),
        (json_answer(409, {"why": "busy"}), "error", {"why": "busy"}),
        (json_answer(500, {"secret": 1}), "error", "Unexpected error"),
        (None, "error", "Unexpected error"),
    ],
)
def test_answer_becomes_the_outcome(answer: HttpResponse | None, key: str, data: Any) -> None:
    body = http(Web({URL: answer}), responses={"ok": {}, "error": {}, "404": {}})
    assert body is not None
    assert (body["key"], body.get("data")) == (key, data)


def test_operator_learns_from_the_log_why_a_request_failed_and_nothing_secret() -> None:
    with structlog.testing.capture_logs() as logs:
        body = http(
            Web({f"{URL}?token=s3cret": None}), query={"token": "s3cret"}, auth={"username": "u", "password": "pw"}
        )
    assert body is not None
    assert (body["key"], body["data"]) == ("error", "Unexpected error")
    [line] = logs
    assert (line["host"], line["reason"], line["chain"]) == ("erp.example", "nobody there", "chain")
    assert "s3cret" not in str(line)


def test_accepted_request_is_answered_by_the_other_side() -> None:
    assert http(Web({URL: json_answer(202, {})})) is None


def test_several_requests_are_one_outcome() -> None:
    answers = {f"{URL}/1": json_answer(200, 1), f"{URL}/2": json_answer(202, 2), f"{URL}/3": json_answer(200, 3)}
    web = Web(answers)
    requests = {"one": {"url": f"{URL}/1"}, "two": {"url": f"{URL}/2"}, "three": {"url": f"{URL}/3", "method": "PUT"}}
    body = http(web, method="POST", requests=requests)
    assert body is not None
    assert (body["key"], body["data"]) == ("ok", {"one": 1, "three": 3})
    assert sorted((request.method, request.url) for request in web.requests) == [
        ("POST", f"{URL}/1"),
        ("POST", f"{URL}/2"),
        ("PUT", f"{URL}/3"),
    ]
    assert len({request.headers["Idempotency-Key"] for request in web.requests}) == 3


def test_one_failure_makes_several_requests_an_error() -> None:
    web = Web({f"{URL}/0": json_answer(200, 1), f"{URL}/1": None, f"{URL}/2": json_answer(404, "gone")})
    body = http(web, requests=[{"url": f"{URL}/{n}"} for n in range(3)], responses={"ok": {}, "error": {}, "404": {}})
    assert body is not None
    assert (body["key"], body["data"]) == ("error", {"0": 1, ":errors": {"1": "Unexpected error", "2": "gone"}})


def test_all_deferred_requests_are_deferred_together() -> None:
    assert http(Web({URL: json_answer(202, 1)}), requests=[{}, {}]) is None


@pytest.mark.parametrize(
    "action",
    [
        {"url": "file:///etc/passwd"},
        {"url": "http://"},
        {"url": "http://user:secret@erp.example/"},
        {"url": "http://erp.example/a b"},
        {"url": "http://erp.example/\r\nX: y"},
        {"url": "http://erp.example:99999/"},
        {"url": "http://[::1/"},
        {"url": None},
        {"method": "CONNECT"},
        {"headers": {"Host": "internal"}},
        {"headers": {"X": "a\r\nY: b"}},
        {"headers": {"X y": "a"}},
        {"headers": {"Idempotency-Key": "mine"}},
        {"headers": []},
        {"auth": {"type": "digest"}},
        {"query": [1]},
        {"data": "x", "headers": {"Content-Type": "multipart/form-data"}},
        {"requests": {}},
        {"requests": [1]},
        {"requests": [{}] * 17},
    ],
)
def test_request_that_cannot_be_made_is_an_error_and_sends_nothing(action: Any) -> None:
    web = Web()
    body = http(web, **action)
    assert body is not None
    assert body["key"] == "error"
    assert "message" in body["data"]
    assert web.requests == []


def test_projection_makes_the_request() -> None:
    web = Web()
    projection = "{url: url, method: 'PUT', data: {who: actor.name, process: process.id, n: process.assets.order.n}}"
    http(web, projection=projection)
    assert (web.requests[0].method, web.requests[0].body) == ("PUT", b'{"n":7,"process":"p","who":"Acme"}')


@pytest.mark.parametrize("process", ["process", "{id: process.id, previous: process.previous}"])
def test_projection_may_send_the_history_as_a_list(process: str) -> None:
    web = Web()
    http(web, projection=f"{{url: url, method: 'PUT', data: {process}}}")
    sent = json.loads(web.requests[0].body or b"")
    assert (sent["id"], sent["previous"]) == ("p", [])


def test_outcome_that_the_scenario_refuses_becomes_its_error() -> None:
    typed = {"ok": {"schema": {"type": "object", "required": ["id"]}}, "error": {}}
    body = http(Web(), responses=typed)
    assert body is not None
    assert body["key"] == "error"
    assert "id" in body["data"]["message"]
    large = http(Web({URL: json_answer(200, "x" * MAX_DATA)}))
    assert large is not None
    assert large["key"] == "error"
    bare = http(Web(), responses={**typed, "error": {"schema": {"type": "null"}}})
    assert bare is not None
    assert (bare["key"], "data" in bare) == ("error", False)


def test_outcome_without_any_place_in_the_scenario_is_our_failure() -> None:
    def strange(_call: Call) -> Outcome:
        return Outcome(key="strange")

    process = process_with("nop", responses={"ok": {}, "fine": {}})
    with pytest.raises(TriggerError):
        Triggers({"nop": strange}).run(call_of(process))


class Events:
    def __init__(self, refuse: bool = False) -> None:
        self.refuse = refuse
        self.submitted: list[tuple[str, list[Mapping[str, Any]], str]] = []

    def submit(self, chain: str, bodies: Sequence[Mapping[str, Any]], idempotency_key: str) -> list[dict[str, Any]]:
        if self.refuse:
            raise ForbiddenError("no privilege")
        self.submitted.append((chain, list(bodies), idempotency_key))
        return [{"hash": str(index)} for index, _ in enumerate(bodies)]


@pytest.mark.parametrize(
    ("body", "count"),
    [({"$schema": "x", "id": {"<ref>": "id"}}, 1), ([{"a": 1}, {"b": 2}], 2)],
)
def test_event_action_appends_its_bodies(body: Any, count: int) -> None:
    events = Events()
    result = Triggers({"event": EventTrigger(events)}).run(call_of(process_with("event", body=body)))
    assert result is not None
    assert (result["key"], len(result["data"])) == ("ok", count)
    [(chain, bodies, key)] = events.submitted
    assert (chain, len(bodies), key) == ("chain", count, "once")
    assert bodies[0] in ({"$schema": "x", "id": "p"}, {"a": 1})


@pytest.mark.parametrize("body", [None, [], "text", [1], {}, [{"a": 1}] * 40])
def test_event_action_without_bodies_is_an_error(body: Any) -> None:
    events = Events()
    result = Triggers({"event": EventTrigger(events)}).run(call_of(process_with("event", body=body)))
    assert result is not None
    assert (result["key"], events.submitted) == ("error", [])


def test_refused_event_is_an_error() -> None:
    trigger: Callable[[Call], Outcome | None] = EventTrigger(Events(refuse=True))
    result = Triggers({"event": trigger}).run(call_of(process_with("event", body={"a": 1})))
    assert result is not None
    assert (result["key"], result["data"]) == ("error", {"message": "no privilege"})
