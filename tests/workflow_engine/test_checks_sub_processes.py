"""What the passive tests find in actions that are sub-processes."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workflow_engine.nesting import INSPECTION, LABORATORY, OWN, PURCHASE, Contract, changed, manual
from workflow_engine.checks import check
from workflow_engine.checks.sub_processes import MAX_SUB_PROCESSES

INSPECT = "$.actions.inspect"
RESPONSES = {"ok": {}, "unsound": {}, "cancelled": {}, "error": {}}


def findings(document: Any, severity: str) -> set[tuple[str, str]]:
    return {(item.rule, item.path) for item in check(document).problems if item.severity == severity}


def without(*names: str) -> dict[str, Any]:
    return {key: {} for key in RESPONSES if key not in names}


def test_scenario_with_sub_processes_has_no_findings() -> None:
    assert check(PURCHASE).problems == ()


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"scenario": None}, ".scenario"),
        ({"scenario": "inspektion"}, ".scenario"),
        ({"scenario": {"<ref>": "assets.house.address"}}, ".scenario"),
        ({"roles": ["inspector"]}, ".roles"),
        ({"roles": {"<ref>": "assets.house"}}, ".roles"),
        ({"roles": {"inspector": "seller", "client": "buyer", "notary": "buyer"}}, ".roles.notary"),
        ({"roles": {"inspector": "broker", "client": "buyer"}}, ".roles.inspector"),
        ({"roles": {"inspector": 5, "client": "buyer"}}, ".roles.inspector"),
        ({"assets": "house"}, ".assets"),
        ({"assets": {"house": "x"}}, ".assets.house"),
        ({"result": {"<ref>": "assets.report"}}, ".result"),
        ({"result": "assets.report["}, ".result"),
        ({"result": "assets.reprot.grade"}, ".result"),
        ({"responses": without("error")}, ".responses"),
        ({"responses": without("ok")}, ".responses"),
        ({"system": False}, ".system"),
        ({"determine_response": "ok"}, ".determine_response"),
    ],
)
def test_action_that_cannot_run_its_sub_process_is_an_error(members: dict[str, Any], path: str) -> None:
    found = findings(changed("actions", "inspect", **members), "error")
    assert ("bad-sub-process", INSPECT + path) in found
    assert {rule for rule, _ in found} <= {"bad-sub-process", "default-response", "unknown-response", "unknown-path"}


def test_only_our_own_dialect_has_sub_processes() -> None:
    document = {
        "$schema": "https://specs.livecontracts.io/v0.2.0/scenario/schema.json#",
        "actors": {"buyer": {}},
        "actions": {"run": {"$schema": "urn:livecontract:action:sub-process", "actor": "buyer", "scenario": "x"}},
        "states": {"initial": {"action": "run", "transition": ":success"}},
    }
    assert ("bad-sub-process", "$.actions.run.$schema") in findings(document, "error")


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"responses": {**RESPONSES, "failed": {}, "maybe": {}}}, ".responses.maybe"),
        ({"roles": {"inspector": "seller"}}, ".roles"),
        ({"roles": None}, ""),
    ],
)
def test_what_probably_was_not_meant_is_a_warning(members: dict[str, Any], path: str) -> None:
    found = findings(changed("actions", "inspect", **members), "warning")
    assert ("incomplete-sub-process", INSPECT + path) in found


def test_role_that_a_response_binds_needs_nobody_above() -> None:
    document = changed("actions", "inspect", roles={"client": "buyer"})
    bound = {"ok": {"update": {"select": "actors.inspector.identity", "data": "x"}}}
    document["scenarios"]["inspection"]["actions"]["stop"] = manual("client", responses=bound)
    assert not findings(document, "warning")


def test_embedded_scenario_that_no_action_runs_is_a_warning() -> None:
    document = changed("scenarios", another=LABORATORY)
    assert findings(document, "warning") == {("unused-scenario", "$.scenarios.another")}


def test_assets_of_a_sub_process_count_as_used_where_they_are_shared() -> None:
    assert findings(changed("actions", "inspect", assets=None), "warning") == {
        ("unused-asset", "$.scenarios.inspection.assets.object")
    }


def looping(response: str | None, **laboratory: Any) -> dict[str, Any]:
    """A scenario that comes back to its state with the end of a sub-process."""
    back = {"action": "run", "transition": "initial", **({} if response is None else {"response": response})}
    run = {"$schema": "urn:livecontract:action:sub-process", "actor": "inspector", "scenario": "laboratory"}
    return {
        "$schema": OWN,
        "actors": {"inspector": {}},
        "actions": {"run": {**run, "responses": {"ok": {}, "error": {}}}, "stop": manual("inspector")},
        "states": {
            "initial": {
                "actions": ["run", "stop"],
                "transitions": [{"action": "stop", "transition": ":success"}, back],
            }
        },
        "scenarios": {"laboratory": LABORATORY | laboratory},
    }


def test_loop_is_one_of_nodes_alone_unless_a_person_ends_the_sub_process() -> None:
    assert findings(looping("ok"), "error") == set()
    for document in (looping("error"), looping(None), looping("ok", actions=NOP)):
        assert findings(document, "error") == {("system-loop", "$.states.initial.transitions[1]")}


NOP = {"measure": {"$schema": "urn:livecontract:action:nop", "actor": "inspector", "responses": {"ok": {}}}}


def bomb(levels: int, actions: int) -> dict[str, Any]:
    """A scenario in which every sub-process starts several of the next level at once."""
    document: dict[str, Any] = {**LABORATORY, "actors": {"inspector": {}}}
    for _ in range(levels):
        run = {"$schema": "urn:livecontract:action:sub-process", "actor": "inspector", "scenario": "inner"}
        names = [f"run{number}" for number in range(actions)]
        document = {
            "$schema": OWN,
            "actors": {"inspector": {}},
            "actions": {name: {**run, "responses": {"ok": {}, "error": {}}} for name in names},
            "states": {"initial": {"actions": names, "transitions": [{"transition": ":success"}]}},
            "scenarios": {"inner": document},
        }
    return document


def test_scenario_never_lets_nodes_start_more_sub_processes_than_the_limit() -> None:
    assert findings(bomb(2, 15), "error") == set()  # 15 and 225
    assert findings(bomb(2, 16), "error") == {("many-sub-processes", "$.scenarios")}
    assert ("many-sub-processes", "$.scenarios") in findings(bomb(20, 8), "error")
    assert 15 + 225 <= MAX_SUB_PROCESSES < 16 + 256


def test_runs_of_a_schedule_are_counted() -> None:
    daily = {"every": "P1D", "max": 200}
    document = changed("actions", "finance", schedule=daily)
    assert findings(document, "error") == set()
    document["actions"]["inspect"]["schedule"] = daily
    assert ("many-sub-processes", "$.scenarios") in findings(document, "error")


def test_findings_in_embedded_scenarios_have_their_place() -> None:
    document = changed("scenarios", "inspection", **{**INSPECTION, "assets": {}})
    assert ("update-target", "$.scenarios.inspection.actions.report.responses.ok.update") in findings(document, "error")


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["inspection", "report", "buyer"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["object", "client", "<ref>", "ok", "", "a.b"]) | st.text(max_size=4), inner)
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["scenario", "roles", "assets", "result", "responses", "schedule"]), JUNK))
def test_whatever_stands_in_an_action_it_is_checked_and_what_passes_runs(members: dict[str, Any]) -> None:
    document = changed("actions", "inspect", **members)
    if check(document).valid:
        contract = Contract(document)
        contract.act("p", "offer", "beta", data={"address": "Mill Lane 1", "price": 100})
        contract.settle()
        contract.check_replay()
