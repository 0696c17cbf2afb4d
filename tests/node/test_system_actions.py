"""System actions over several nodes: answers that come later, sequences, and invitations out of a scenario."""

import json
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eventchain.core.errors import ForbiddenError
from livecontract.bootstrap import no_broker
from livecontract.invitations import INVITATIONS, MAX_ON_CHAIN
from livecontract.node import Node
from livecontract.simulation import Simulation
from tests.node.stage import SqliteStorage, Stage, check_equal, refusal
from workflow_engine.errors import ActionNotAvailableError, AlreadyExistsError, NotDeferredYetError
from workflow_engine.ports import HttpRequest, HttpResponse

NAMES = ("buyer", "seller")


def scenario(action: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A scenario in which the buyer's node does something once the buyer says so."""
    return {
        "$schema": "urn:livecontract:scenario:1",
        "id": "acting",
        "title": "Acting",
        "actors": {"buyer": {}, "seller": {}, "notary": {}},
        "assets": {"result": {"type": ["object", "array", "string", "null"]}},
        "actions": {
            "go": {"actor": "buyer"},
            "run": {"actor": "buyer", "responses": {"ok": {"update": "assets.result"}, "error": {}}, **action},
        },
        "states": {
            "initial": {"action": "go", "transition": "running"},
            "running": {
                "action": "run",
                "transitions": [
                    {"action": "run", "response": "ok", "transition": ":success"},
                    {"action": "run", "response": "error", "transition": ":failed"},
                ],
            },
        },
        **more,
    }


PATIENCE = 30
"""Seconds after which something is taken to hang."""


def sqlite(folder: Path) -> Simulation:
    return Simulation(4, names=NAMES, storage=SqliteStorage(folder))


def begun(document: dict[str, Any], *, names: tuple[str, ...] = NAMES, simulation: Simulation | None = None) -> Stage:
    stage = Stage.of(simulation or Simulation(4, names=names), names).found()
    stage["buyer"].post(stage.chain, document)
    stage["buyer"].start_process(stage.chain, "process", "acting", {name: name for name in NAMES})
    stage.simulation.settle(receipts=False)
    return stage


def go(stage: Stage) -> None:
    stage.act("buyer", "go")
    stage.simulation.settle(receipts=False)


def events(stage: Stage) -> str:
    return json.dumps([event.body() for event in stage.canonical("seller").events])


# --- Answers that come later

HTTP = {
    "$schema": "urn:livecontract:action:http",
    "url": "https://court.example/cases",
    "method": "POST",
    "responses": {
        "ok": {"schema": {"type": "object", "required": ["number"]}, "update": "assets.result"},
        "error": {},
    },
}


@pytest.fixture
def deferred() -> tuple[Stage, str, str]:
    """A stage on which the outside has taken a request on, its id, and its token."""
    stage = begun(scenario(HTTP))
    stage.simulation.world.answer = lambda _: HttpResponse(status=202, content_type="", body=b"")
    go(stage)
    [request] = stage.simulation.world.requests
    url, token = request.headers["Livecontract-Answer-To"], request.headers["Livecontract-Answer-Token"]
    assert url == f"http://buyer/answers/{request.headers['Idempotency-Key']}"
    assert stage.state("buyer") == "running"
    return stage, url.rpartition("/")[2], token


def test_answer_that_comes_later_becomes_a_response_signed_by_the_node(deferred: tuple[Stage, str, str]) -> None:
    stage, id_, token = deferred
    for _ in range(2):
        due = stage.node("buyer").answers.take(id_, token, {"data": {"number": 7}})
        assert (due.process, due.action) == ("process", "run")
    stage.simulation.wait(3_600_000)
    assert (stage.state("buyer"), stage.state("seller")) == (":success", ":success")
    process = stage.node("seller").workflow.process("process", stage.chain)
    assert process.assets["result"] == {"number": 7}
    assert [item["action"]["key"] for item in process.previous] == ["go", "run"]
    assert len(stage.simulation.world.requests) == 1
    check_equal(stage, NAMES)
    assert token not in events(stage)


def test_answer_survives_a_node_that_is_killed_before_it_signs(deferred: tuple[Stage, str, str]) -> None:
    stage, id_, token = deferred
    stage.node("buyer").answers.take(id_, token, {"key": "error"})
    stage.simulation.kill("buyer")
    stage.simulation.start("buyer")
    stage.simulation.wait(3_600_000)
    assert stage.state("seller") == ":failed"


def test_token_is_neither_guessed_nor_used_for_another_action(deferred: tuple[Stage, str, str]) -> None:
    stage, id_, token = deferred
    answers = stage.node("buyer").answers
    for wrong in ("", token[:-1], token + "1", "é", stage.node("seller").answering.token_of(id_)):
        assert isinstance(refusal(answers.take, id_, wrong, {}), ForbiddenError)
    assert isinstance(refusal(answers.take, "another", token, {}), ForbiddenError)
    own = stage.node("buyer").answering.token_of("another")
    assert isinstance(refusal(answers.take, "another", own, {}), NotDeferredYetError)


@pytest.mark.parametrize(
    "document",
    [
        *([], "ok", {"key": 7}, {"more": 1}, {"key": "found"}, {}, {"data": {"no": 1}}),
        {"data": {"number": "x" * 49_152}},
    ],
)
def test_answer_that_the_process_would_refuse_is_refused_and_may_be_mended(
    deferred: tuple[Stage, str, str], document: Any
) -> None:
    stage, id_, token = deferred
    error = refusal(stage.node("buyer").answers.take, id_, token, document)
    assert error.path
    stage.node("buyer").answers.take(id_, token, {"data": {"number": 7}})


def test_first_answer_counts(deferred: tuple[Stage, str, str]) -> None:
    stage, id_, token = deferred
    stage.node("buyer").answers.take(id_, token, {"data": {"number": 7}})
    error = refusal(stage.node("buyer").answers.take, id_, token, {"data": {"number": 8}})
    assert isinstance(error, AlreadyExistsError)


def test_token_is_worth_nothing_once_the_process_has_gone_on(deferred: tuple[Stage, str, str]) -> None:
    stage, id_, token = deferred
    stage.node("buyer").answers.take(id_, token, {"data": {"number": 7}})
    stage.simulation.wait(3_600_000)
    error = refusal(stage.node("buyer").answers.take, id_, token, {"data": {"number": 7}})
    assert isinstance(error, ActionNotAvailableError)


def test_token_of_an_action_that_was_answered_at_once_is_worth_nothing() -> None:
    stage = begun(scenario({**HTTP, "responses": {"ok": {}, "error": {}}}))
    go(stage)
    [request] = stage.simulation.world.requests
    id_, token = request.headers["Idempotency-Key"], request.headers["Livecontract-Answer-Token"]
    assert isinstance(refusal(stage.node("buyer").answers.take, id_, token, {}), NotDeferredYetError)


def test_answer_to_one_run_of_a_poll_is_none_to_the_next() -> None:
    document = scenario({**HTTP, "schedule": {"every": "PT10M"}, "responses": {"ok": {}, "none": {}, "error": {}}})
    stage = begun(document)
    stage.simulation.world.answer = lambda _: HttpResponse(status=202, content_type="", body=b"")
    go(stage)
    [request] = stage.simulation.world.requests
    id_, token = request.headers["Idempotency-Key"], request.headers["Livecontract-Answer-Token"]
    stage.simulation.wait(3_600_000)
    assert len(stage.simulation.world.requests) == 1
    stage.node("buyer").answers.take(id_, token, {"key": "none"})
    for _ in range(2):  # the answer becomes a response, and ten minutes later it is asked again
        stage.simulation.wait(1_800_000)
    assert len(stage.simulation.world.requests) == 2
    assert stage.state("seller") == "running"
    assert isinstance(refusal(stage.node("buyer").answers.take, id_, token, {"key": "none"}), ActionNotAvailableError)


# --- Sequences

SEQUENCE = {
    "$schema": "urn:livecontract:action:sequence",
    "steps": [
        {"$schema": "urn:livecontract:action:http", "url": "https://registry.example/numbers"},
        {
            "$schema": "urn:livecontract:action:http",
            "url": "https://erp.example/orders",
            "projection": "{method: 'PUT', url: url, data: {number: previous_response.data, process: process.id}}",
        },
        {
            "$schema": "urn:livecontract:action:event",
            "projection": "{body: {\"$schema\": 'urn:example:note:1', order: previous_response.data}}",
        },
    ],
}


def answering(answers: dict[str, HttpResponse]) -> Any:
    return lambda request: answers[request.url]


def answer(status: int, value: Any = None) -> HttpResponse:
    return HttpResponse(status=status, content_type="application/json", body=json.dumps(value).encode())


NUMBERS, ORDERS = "https://registry.example/numbers", "https://erp.example/orders"


def test_each_step_of_a_sequence_sees_what_the_one_before_came_to_and_there_is_one_response() -> None:
    stage = begun(scenario(SEQUENCE))
    stage.simulation.world.answer = answering({NUMBERS: answer(200, 12), ORDERS: answer(201, {"order": "A12"})})
    go(stage)
    first, second = stage.simulation.world.requests
    assert (second.method, json.loads(second.body or b"")) == ("PUT", {"number": 12, "process": "process"})
    assert first.headers["Idempotency-Key"] != second.headers["Idempotency-Key"]
    assert "Livecontract-Answer-To" not in second.headers  # only the last step may be answered later
    process = stage.node("seller").workflow.process("process", stage.chain)
    assert (process.current.key, len(process.previous)) == (":success", 2)
    notes = [event.body() for event in stage.canonical("seller").events if "order" in event.body()]
    assert notes == [{"$schema": "urn:example:note:1", "order": {"order": "A12"}}]
    check_equal(stage, NAMES)


@pytest.mark.parametrize(("numbers", "data"), [(answer(409, "taken"), "taken"), (answer(202), None)])
def test_sequence_ends_at_the_first_step_that_fails(numbers: HttpResponse, data: Any) -> None:
    stage = begun(scenario(SEQUENCE))
    stage.simulation.world.answer = answering({NUMBERS: numbers})
    go(stage)
    assert len(stage.simulation.world.requests) == 1
    process = stage.node("seller").workflow.process("process", stage.chain)
    assert process.current.key == ":failed"
    assert process.previous[-1]["data"]["step"] == 0
    if data:
        assert process.previous[-1]["data"]["data"] == data


def test_last_step_of_a_sequence_may_be_answered_later() -> None:
    stage = begun(scenario({**SEQUENCE, "steps": SEQUENCE["steps"][:2]}))
    stage.simulation.world.answer = answering({NUMBERS: answer(200, 12), ORDERS: answer(202)})
    go(stage)
    headers = stage.simulation.world.requests[1].headers
    id_ = headers["Livecontract-Answer-To"].rpartition("/")[2]
    stage.node("buyer").answers.take(id_, headers["Livecontract-Answer-Token"], {"data": {"order": "A12"}})
    stage.simulation.wait(3_600_000)
    assert stage.state("seller") == ":success"


# --- Invitations

INVITE = {
    "$schema": "urn:livecontract:action:invite",
    "identity": "inspector",
    "email": "inspector@example.com",
    "name": "The Inspector",
    "responses": {
        "ok": {"update": {"select": "actors.notary.identity", "projection": "identity"}},
        "error": {"update": "assets.result"},
    },
}
THREE = (*NAMES, "inspector")


def test_party_invited_by_a_scenario_takes_part_with_keys_of_its_own() -> None:
    stage = begun(scenario(INVITE), names=THREE)
    go(stage)
    [mail] = stage.simulation.world.mails
    assert (mail.to, "Acting" in mail.text) == ("inspector@example.com", True)
    process = stage.node("seller").workflow.process("process", stage.chain)
    assert (process.current.key, process.actors["notary"]["identity"]) == (":success", {"id": "inspector"})
    assert process.previous[-1]["data"] == {"identity": "inspector", "name": "The Inspector"}
    secret = stage["inspector"].read_invitation().key
    assert secret.private_key not in events(stage)
    assert secret.private_key.encode() in mail.attachments[0].data
    stage["inspector"].take_invitation()
    stage.simulation.settle(receipts=False)
    check_equal(stage, THREE)
    identity = stage.node("inspector").eventchain.tip(stage.chain).identities.by_id["inspector"]
    assert (identity.is_invited, identity.node) == (False, "http://inspector")


def test_invitation_has_the_title_of_the_process_however_it_is_written() -> None:
    stage = begun({**scenario(INVITE), "title": "Chairs\n" + "x" * 500}, names=THREE)
    go(stage)
    [mail] = stage.simulation.world.mails
    assert "Chairs xxx" in mail.subject
    named = begun(scenario({**INVITE, "contract": "Tables"}), names=THREE)
    go(named)
    assert "Tables" in named.simulation.world.mails[0].subject


def test_party_is_invited_within_a_sequence_and_the_next_step_knows_whom() -> None:
    invite = {name: INVITE[name] for name in ("$schema", "identity", "email", "name")}
    tell = {"$schema": "urn:livecontract:action:nop", "projection": "{data: {told: previous_response.data.name}}"}
    stage = begun(scenario({**SEQUENCE, "steps": [invite, tell]}), names=THREE)
    go(stage)
    process = stage.node("seller").workflow.process("process", stage.chain)
    assert (process.current.key, process.assets["result"]) == (":success", {"told": "The Inspector"})
    assert "inspector" in stage.node("seller").eventchain.tip(stage.chain).identities.by_id


@pytest.mark.parametrize(
    "change",
    [
        {"email": "nobody"},
        {"email": "a@example.com, b@example.com"},
        {"email": {"<ref>": "assets.result"}},
        {"name": "a\nb"},
        {"identity": "seller"},
    ],
)
def test_invitation_that_cannot_be_made_is_an_error_and_sends_nothing(change: dict[str, Any]) -> None:
    stage = begun(scenario({**INVITE, **change}))
    go(stage)
    assert (stage.state("seller"), stage.simulation.world.mails) == (":failed", [])
    assert "message" in stage.node("seller").workflow.process("process", stage.chain).assets["result"]


def test_invitation_that_is_run_twice_invites_once() -> None:
    stage = begun(scenario(INVITE), names=THREE)
    invitations = stage.node("buyer").invitations
    request = {"identity": "x", "email": "x@example.com", "name": "X", "title": "T"}
    first = invitations.invite_once(stage.chain, "buyer", request, "once")
    assert invitations.invite_once(stage.chain, "buyer", request, "once") | {"state": "requested"} == first
    stage.simulation.settle(receipts=False)
    assert len(stage.simulation.world.mails) == 1


def test_node_killed_while_it_invites_goes_on_with_the_same_key() -> None:
    stage = begun(scenario(INVITE), names=THREE)
    node = stage.node("buyer")
    request = {"identity": "x", "email": "inspector@example.com", "name": "X", "title": "T"}
    node.invitations.invite_once(stage.chain, "buyer", request, "once")
    stage.simulation.kill("buyer")
    stage.simulation.start("buyer")
    stage.node("buyer").invitations.invite_once(stage.chain, "buyer", request, "once")
    stage.simulation.settle(receipts=False)
    key = stage["inspector"].read_invitation().key.public_key
    assert stage.node("seller").eventchain.tip(stage.chain).identities.holder(str(key)) is not None


def test_invitation_of_a_service_without_a_queue_is_sent_by_the_one_that_has_it() -> None:
    stage = begun(scenario(INVITE), names=THREE)
    parts = stage.node("buyer").parts
    broker = no_broker(parts.clock)
    apart = Node(replace(parts, broker=broker, chains=stage.node("buyer").chains), services=("workflow",))
    request = {"identity": "x", "email": "inspector@example.com", "name": "X", "title": "T"}
    invited = apart.invitations.invite_once(stage.chain, "buyer", request, "once")
    assert (invited["identity"], stage.simulation.world.mails) == ("x", [])
    stage.simulation.wait(60_000)
    assert [mail.to for mail in stage.simulation.world.mails] == ["inspector@example.com"]
    assert stage["inspector"].read_invitation().identity == "x"


def test_scenario_cannot_make_a_node_invite_without_end() -> None:
    stage = begun(scenario(INVITE), names=THREE)
    old = {**dict.fromkeys(INVITATIONS.fields), "chain": stage.chain, "state": "sent"}
    store = stage.node("buyer").parts.store
    store.insert(INVITATIONS, [{**old, "id": str(number), "created": 0} for number in range(MAX_ON_CHAIN)])
    go(stage)
    assert stage.state("seller") == ":failed"
    assert stage.simulation.world.mails == []


@pytest.mark.slow
def test_slow_outside_party_of_one_chain_holds_up_no_other_chain(tmp_path: Path) -> None:
    stage = begun(scenario(SEQUENCE | {"steps": SEQUENCE["steps"][:1]}), simulation=sqlite(tmp_path))
    slow, stage.chain = stage.chain, stage["buyer"].create_chain("another")
    stage["buyer"].post(stage.chain, scenario({"$schema": "urn:livecontract:action:nop"}))
    stage["buyer"].start_process(stage.chain, "process", "acting", {"buyer": "buyer"})
    asked, released = threading.Event(), threading.Event()

    def answer_slowly(_request: HttpRequest) -> HttpResponse:
        asked.set()
        assert released.wait(PATIENCE)
        return answer(200, {})

    stage.simulation.world.answer = answer_slowly
    node = stage.simulation.nodes["buyer"]
    node.start()
    try:
        stage["buyer"].respond(slow, "process", "go")
        assert asked.wait(PATIENCE)
        stage.act("buyer", "go")
        end = time.monotonic() + PATIENCE
        while stage.state("buyer") != ":success" and time.monotonic() < end:
            time.sleep(0.01)
        assert stage.state("buyer") == ":success"
        assert node.workflow.process("process", slow).current.key == "running"
    finally:
        released.set()
        node.stop()
