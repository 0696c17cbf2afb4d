"""Sub-processes in the engine: started once, isolated, answered truly, abandoned with the state that waits for them."""

from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventchain.core.errors import LiveContractError
from tests.workflow_engine.nesting import (
    LABORATORY,
    PROCESS,
    RESPONSE,
    Contract,
    changed,
    checking,
)
from workflow_engine.errors import (
    ActionNotAvailableError,
    ActorNotAllowedError,
    AlreadyExistsError,
    InvalidProcessError,
    InvalidResponseError,
    ProcessNotFoundError,
)
from workflow_engine.timing import GRACE

DAY = 86_400_000
REPORT = {"grade": 7, "note": "Dry."}


def in_state() -> Contract:
    """A contract whose nodes have not done anything yet in the state with the two actions."""
    contract = Contract()
    contract.act("p", "offer", "beta", data={"address": "Mill Lane 1", "price": 100})
    return contract


def test_state_with_two_sub_processes_is_several_states_at_once() -> None:
    contract = checking()
    assert [item["action"] for item in contract.shown("p")["sub_processes"]] == ["inspect", "finance"]
    contract.act(contract.child("inspect"), "report", "beta", data=REPORT)
    contract.settle()
    assert contract.process().current.key == "checking"
    contract.act(contract.child("finance"), "decline")
    contract.settle()
    process = contract.process()
    assert process.current.key == ":success"
    assert process.assets["inspection"] == {
        "process": process.previous[1]["data"]["process"],
        "state": ":success",
        "result": REPORT,
    }
    assert process.assets["financing"]["state"] == ":failed"
    assert [item["key"] for item in process.previous] == ["ok", "ok", "error"]
    contract.check_replay()


def test_sub_process_has_what_it_is_handed_and_nothing_else() -> None:
    contract = checking()
    child = contract.process(contract.child("inspect"))
    assert child.assets == {"object": "Mill Lane 1", "report": {}}
    assert child.actors["inspector"] == {"key": "inspector", "title": "Inspector", "identity": {"id": "beta"}}
    assert child.actors["client"]["identity"] == {"id": "acme"}
    assert contract.process(contract.child("finance")).actors.keys() == {"buyer"}
    contract.act(child.id, "report", "beta", data=REPORT)
    assert "inspection" not in contract.process(child.id).assets
    assert contract.process().assets["inspection"] == {}


def test_title_that_an_actor_was_given_goes_along() -> None:
    document = changed("actions", "offer", responses={"ok": {"update": [{"select": "actors.seller.title"}]}})
    contract = Contract(document)
    contract.act("p", "offer", "beta", data="Beta Ltd")
    contract.settle()
    assert contract.process(contract.child("inspect")).actors["inspector"]["title"] == "Beta Ltd"


def test_parent_goes_on_meanwhile_and_what_it_hands_over_stays_as_it_was() -> None:
    contract = checking()
    contract.act("p", "remark", data={"address": "Mill Lane 2"})
    assert contract.due() == []
    assert contract.process(contract.child("inspect")).assets["object"] == "Mill Lane 1"


@pytest.mark.parametrize(
    ("identity", "key"), [("acme", "user"), ("beta", "user"), ("acme", "system"), ("nobody", "system")]
)
def test_only_the_node_of_the_actor_starts_a_sub_process(identity: str, key: str) -> None:
    contract = in_state()
    with pytest.raises(ActorNotAllowedError):
        contract.add(contract.body("inspect"), identity, key=key)


def test_sub_process_is_started_once() -> None:
    contract = in_state()
    body = contract.body("inspect")
    contract.add(body, "beta", key="system")
    with pytest.raises(AlreadyExistsError):
        contract.add(body, "beta", key="system")
    assert [item.action for item in contract.due() if item.process == "p"] == ["finance"]


def test_nodes_start_sub_processes_one_after_the_other_so_that_they_make_no_fork() -> None:
    contract = in_state()
    assert [item.action for item in contract.due()] == ["inspect"]
    contract.now += GRACE - 2000
    assert [item.action for item in contract.due()] == ["inspect"]
    contract.now += 2000
    assert [item.action for item in contract.due()] == ["finance"]
    assert [item.action for item in contract.engine.overdue("chain", {"acme"})] == ["finance"]
    contract.add(contract.body("finance"), key="system")
    assert [item.action for item in contract.due()] == ["inspect"]


def test_one_node_starts_its_sub_processes_without_waiting_for_itself() -> None:
    contract = Contract(buyer="acme", seller="acme")
    contract.act("p", "offer", data={"price": 1})
    assert [item.action for item in contract.due()] == ["inspect", "finance"]


@pytest.mark.parametrize(
    ("changes", "error", "path"),
    [
        ({"id": None}, InvalidProcessError, "$.id"),
        ({"id": "mine"}, InvalidProcessError, "$.id"),
        ({"id": 5}, InvalidProcessError, "$.id"),
        ({"scenario": None}, InvalidProcessError, "$.scenario"),
        ({"scenario": "purchase"}, InvalidProcessError, "$.scenario"),
        ({"chain": "another"}, InvalidProcessError, "$.chain"),
        ({"actors": {"client": "beta"}}, InvalidProcessError, "$.actors"),
        ({"assets": {"object": "Castle"}}, InvalidProcessError, "$.assets"),
        ({"title": "Mine"}, InvalidProcessError, "$.title"),
        ({"parent": None}, InvalidProcessError, "$.parent"),
        ({"parent": ["p", "inspect"]}, InvalidProcessError, "$.parent"),
        ({"parent": {"process": "p", "action": "inspect"}}, InvalidProcessError, "$.parent"),
        ({"parent": {"process": "p", "action": "inspect", "event": "x", "more": "y"}}, InvalidProcessError, "$.parent"),
        ({"parent": {"process": 1, "action": "inspect", "event": "x"}}, InvalidProcessError, "$.parent.process"),
        ({"parent": {"process": "q", "action": "inspect", "event": "x"}}, ProcessNotFoundError, "$.parent.process"),
        ({"parent": {"process": "p", "action": "inspect", "event": "x"}}, ActionNotAvailableError, "$.parent"),
        ({"parent": {"process": "p", "action": "remark", "event": "x"}}, ActionNotAvailableError, "$.parent"),
        ({"parent": {"process": "p", "action": "offer", "event": "x"}}, ActionNotAvailableError, "$.action"),
    ],
)
def test_event_that_says_something_else_than_the_parent_starts_nothing(
    changes: dict[str, Any], error: type[LiveContractError], path: str
) -> None:
    contract = in_state()
    body = {**contract.body("inspect"), **changes}
    with pytest.raises(error) as refused:
        contract.add(
            {name: item for name, item in body.items() if item is not None or name == "parent"}, "beta", key="system"
        )
    assert refused.value.path == path
    assert len(contract.engine.processes("chain")) == 1


def test_nobody_takes_the_id_of_a_sub_process_before_it_is_started() -> None:
    contract = in_state()
    body = {
        "$schema": PROCESS,
        "id": contract.body("inspect")["id"],
        "scenario": "purchase",
        "actors": {"buyer": "acme"},
    }
    with pytest.raises(InvalidProcessError, match="start with sub-process:"):
        contract.add(body)


def test_embedded_scenario_starts_no_process_of_its_own() -> None:
    contract = in_state()
    body = {
        "$schema": PROCESS,
        "id": "q",
        "scenario": contract.body("inspect")["scenario"],
        "actors": {"client": "acme"},
    }
    with pytest.raises(InvalidProcessError, match="not on this chain"):
        contract.add(body)


def test_scenario_that_is_named_like_an_embedded_one_changes_no_sub_process() -> None:
    contract = in_state()
    named = deepcopy(LABORATORY) | {"id": contract.body("inspect")["scenario"]}
    contract.add(named)
    contract.settle()
    assert "client" in contract.process(contract.child("inspect")).actors
    contract.check_replay()


@pytest.mark.parametrize(
    ("action", "identity", "more", "key", "state"),
    [
        ("report", "beta", {"data": REPORT}, "ok", ":success"),
        ("report", "beta", {"key": "unsound"}, "unsound", "unsound"),
        ("stop", "acme", {}, "cancelled", ":cancelled"),
        (":timeout", "beta", {"signed_with": "system", "at": 8 * DAY}, "error", ":failed"),
    ],
)
def test_response_is_named_after_the_state_in_which_the_sub_process_ended(
    action: str, identity: str, more: dict[str, Any], key: str, state: str
) -> None:
    contract = checking()
    child = contract.child("inspect")
    contract.act(child, action, identity, **more)
    contract.settle()
    told = contract.process().previous[-1]
    assert (told["key"], told["data"]["state"], told["data"]["process"]) == (key, state, child)
    contract.check_replay()


def test_answer_is_what_became_of_the_sub_process_and_nothing_else() -> None:
    contract = checking()
    child = contract.child("inspect")
    with pytest.raises(ActionNotAvailableError, match="has not ended"):
        contract.act("p", "inspect", "beta", signed_with="system", key="error", data={"message": "No."})
    contract.act(child, "report", "beta", data={"grade": 1})
    body = contract.body("inspect")
    for change in (
        {"key": "cancelled"},
        {"key": "unsound"},
        {"key": "error", "data": {"message": "It could not be started."}},
        {"data": {**body["data"], "state": ":failed"}},
        {"data": {**body["data"], "result": {"grade": 10}}},
        {"data": {**body["data"], "result": {"grade": True}}},
        {"data": {**body["data"], "more": 1}},
        {"data": None},
    ):
        with pytest.raises(InvalidResponseError):
            contract.add({**body, **change}, "beta", key="system")
    with pytest.raises(ActorNotAllowedError):
        contract.add({name: item for name, item in body.items() if name != "actor"}, "acme", key="system")
    contract.add(body, "beta", key="system")
    with pytest.raises(ActionNotAvailableError, match="has been answered"):
        contract.add(body, "beta", key="system")


def test_sub_process_is_abandoned_when_its_parent_leaves_the_state() -> None:
    contract = checking()
    inspection = contract.child("inspect")
    laboratory = contract.child("measure", inspection)
    contract.act("p", "leave", "beta")
    for child in (inspection, contract.child("finance"), laboratory):
        assert contract.shown(child)["abandoned"] is True
    assert all(item["abandoned"] for item in contract.shown("p")["sub_processes"])
    contract.now = 30 * DAY
    assert contract.engine.overdue("chain", {"acme", "beta"}) == contract.due() == []
    for process, action, identity in (
        (inspection, "stop", "acme"),
        (laboratory, "measure", "beta"),
        (inspection, ":timeout", "beta"),
        (inspection, "measure", "beta"),
    ):
        with pytest.raises(ActionNotAvailableError, match="gone on without it"):
            contract.act(process, action, identity, signed_with="system" if action != "stop" else "user")
    contract.add({"$schema": "urn:livecontract:comment:1", "process": inspection, "content": "A pity."})
    contract.check_replay()


def test_sub_process_below_an_answered_action_is_abandoned_too() -> None:
    contract = checking()
    inspection = contract.child("inspect")
    laboratory = contract.child("measure", inspection)
    contract.act(inspection, "report", "beta", data=REPORT)
    assert contract.shown(laboratory)["abandoned"] is True
    assert "abandoned" not in contract.shown(inspection)
    contract.settle()
    assert contract.process().previous[-1]["key"] == "ok"


def test_finished_sub_process_of_a_state_that_was_left_is_not_answered() -> None:
    contract = checking()
    contract.act(contract.child("inspect"), "stop")
    body = contract.body("inspect")
    contract.act("p", "leave", "beta")
    assert contract.due() == []
    assert "abandoned" not in contract.shown(contract.child("inspect"))
    with pytest.raises(ActionNotAvailableError):
        contract.add(body, "beta", key="system")


def test_abandoned_process_starts_no_sub_process() -> None:
    contract = in_state()
    contract.add(contract.body("inspect"), "beta", key="system")
    contract.add(contract.body("finance"), key="system")
    body = contract.body("measure")
    contract.act("p", "leave", "beta")
    with pytest.raises(ActionNotAvailableError, match="gone on without it"):
        contract.add(body, "beta", key="system")


def test_state_that_is_entered_again_has_new_sub_processes() -> None:
    document = changed("states", "checking", actions=["inspect", "remark", "offer"])
    document["states"]["checking"]["transitions"].insert(0, {"action": "offer", "transition": "checking"})
    contract = Contract(document)
    contract.act("p", "offer", "beta", data={"address": "A"})
    contract.settle()
    first = contract.child("inspect")
    contract.act("p", "offer", "beta", data={"address": "B"})
    contract.settle()
    second = contract.child("inspect")
    assert contract.process(second).assets["object"] == "B"
    assert [contract.shown(item).get("abandoned") for item in (first, second)] == [True, None]
    contract.check_replay()


def test_scheduled_sub_process_runs_again_and_again() -> None:
    schedule = {"after": "P1D", "every": "P1D", "max": 2}
    contract = Contract(changed("actions", "inspect", schedule=schedule))
    contract.act("p", "offer", "beta", data={"address": "Mill Lane 1"})
    contract.settle()
    ids = set()
    for day in (1, 2):
        with pytest.raises(StopIteration):
            contract.child("inspect") if day == 1 else contract.body("inspect")
        contract.now += DAY
        contract.settle()
        child = contract.child("inspect")
        ids.add(child)
        contract.act(child, "stop")
        contract.settle()
    contract.now += 2 * DAY
    contract.settle()
    assert len(ids) == 2
    assert [item["key"] for item in contract.process().previous[1:]] == ["cancelled", "cancelled"]
    contract.check_replay()


def test_sub_process_that_cannot_be_started_is_an_error_and_nothing_else_is() -> None:
    contract = Contract(changed("scenarios", "inspection", assets={"object": {"type": "number"}, "report": {}}))
    contract.act("p", "offer", "beta", data={"address": "Mill Lane 1", "price": 100})
    body = contract.body("inspect")
    assert body["key"] == "error"
    assert "number" in body["data"]["message"]
    for data in ({"message": 1}, {"message": "x" * 2000}, {"process": "q"}, {"message": "x", "state": ":failed"}):
        with pytest.raises(InvalidResponseError, match="cannot be started"):
            contract.add({**body, "data": data}, "beta", key="system")
    with pytest.raises(ActionNotAvailableError):
        contract.add({**body, "key": "ok"}, "beta", key="system")
    with pytest.raises(ActionNotAvailableError, match="not been started"):
        contract.act("p", "finance", signed_with="system", key="error", data={"message": "Not today."})
    contract.settle()
    assert contract.process().previous[-1]["data"] == body["data"]
    contract.check_replay()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"result": "sum(title)"}, "cannot be made"),
        ({"responses": {"ok": {"schema": {"required": ["fine"]}}, "error": {}}}, "does not fit"),
    ],
)
def test_result_that_cannot_be_handed_back_is_an_error(members: dict[str, Any], message: str) -> None:
    document = changed("actions", "inspect", **members)
    document["states"]["checking"]["transitions"] = [{"action": "remark", "transition": ":success"}]
    contract = Contract(document)
    contract.act("p", "offer", "beta", data={"address": "Mill Lane 1", "price": 100})
    contract.settle()
    contract.act(contract.child("inspect"), "report", "beta", data=REPORT)
    contract.settle()
    told = contract.process().previous[-1]
    assert (told["key"], told["data"].keys()) == ("error", {"process", "state", "message"})
    assert message in told["data"]["message"]
    contract.check_replay()


def test_result_that_no_event_could_carry_is_an_error() -> None:
    contract = checking(changed("actions", "inspect", result="[assets.report, assets.report]"))
    child = contract.child("inspect")
    contract.act(child, "report", "beta", data={"grade": 1, "note": "x" * 40_000})
    contract.settle()
    assert "larger than" in contract.process().previous[-1]["data"]["message"]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.sampled_from(["p", "inspect", "finance"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["process", "action", "event", "id", "state", "result", "message"]), inner)
    ),
    max_leaves=6,
)


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["id", "scenario", "parent", "chain", "actors", "title"]), JUNK),
    st.dictionaries(st.sampled_from(["key", "data", "actor"]), JUNK),
)
def test_whatever_is_submitted_is_refused_with_a_reason(start: dict[str, Any], answer: dict[str, Any]) -> None:
    contract = in_state()
    body = contract.body("inspect")
    for given_body in ({**body, **start}, {"$schema": RESPONSE, "process": "p", "action": "inspect", **answer}):
        with suppress(LiveContractError):
            contract.add(given_body, "beta", key="system")
    assert contract.process().previous[1:] == ()
    assert {item.id for item in contract.engine.processes("chain")} <= {"p", body["id"]}
