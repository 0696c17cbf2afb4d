"""Exploring scenarios with sub-processes: what happens inside is found there, and its ends outside."""

from typing import Any

import pytest

from tests.workflow_engine.nesting import OWN, PURCHASE, changed, manual
from workflow_engine import simulate
from workflow_engine.compiling import load
from workflow_engine.model import examine, game
from workflow_engine.model.examination import Examination
from workflow_engine.model.explore import Limits, explore
from workflow_engine.model.finding import Finding
from workflow_engine.model.game import ends, power

RUN = {"$schema": "urn:livecontract:action:sub-process", "actor": "buyer", "scenario": "inner"}


def visit(inner: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A scenario of two parties that waits for one sub-process."""
    run = {**RUN, "responses": {"ok": {}, "failed": {}, "cancelled": {}, "error": {}}, **members.pop("run", {})}
    return {
        "$schema": OWN,
        "actors": {"buyer": {}, "seller": {}},
        "assets": {"limit": {"type": "integer"}},
        "actions": {"offer": manual("seller", responses={"ok": {"update": "assets.limit"}}), "run": run},
        "states": {
            "initial": {
                "action": "offer",
                "timeout": "P1D",
                "transitions": [
                    {"action": "offer", "transition": "waiting"},
                    {"action": ":timeout", "transition": ":cancelled"},
                ],
            },
            "waiting": {
                "action": "run",
                "transitions": [
                    {"action": "run", "response": "ok", "transition": ":success"},
                    {"action": "run", "response": "failed", "transition": ":failed"},
                    {"action": "run", "response": "cancelled", "transition": ":cancelled"},
                    {"action": "run", "response": "error", "transition": ":failed"},
                ],
            }
            | members,
        },
        "scenarios": {"inner": {"$schema": OWN, "actors": {"guest": {}, "host": {}}, **inner}},
    }


ROLES = {"roles": {"guest": "buyer", "host": "seller"}}

COME: dict[str, Any] = {
    "actions": {"come": manual("guest"), "refuse": manual("host")},
    "states": {
        "initial": {
            "actions": ["come", "refuse"],
            "timeout": "P1D",
            "transitions": [
                {"action": "come", "transition": "there"},
                {"action": "refuse", "transition": ":failed"},
                {"action": ":timeout", "transition": ":cancelled"},
            ],
        },
        "there": {"action": "refuse", "transitions": [{"action": "refuse", "transition": ":success"}]},
    },
}


def found(examination: Examination, rule: str) -> list[Finding]:
    return [item for item in examination.findings if item.problem.rule == rule]


def test_sound_scenario_with_sub_processes_has_no_warnings() -> None:
    assert {item.problem.severity for item in examine(PURCHASE).findings} == {"info"}


def test_faults_inside_are_found_at_their_place() -> None:
    inner = {**COME, "states": {**COME["states"], "there": {"action": "come", "transitions": []}}}
    inner["states"]["there"]["transitions"] = [
        {"action": "come", "condition": {"<eval>": "actors.guest.key == 'host'"}, "transition": ":success"}
    ]
    paths = {item.problem.path for item in examine(visit(inner, run=ROLES)).findings}
    assert "$.scenarios.inner.states.there" in paths


def test_outside_the_ends_that_can_be_reached_are_the_responses() -> None:
    inner = {**COME, "states": {**COME["states"]}}
    inner["states"]["initial"] = {
        **COME["states"]["initial"],
        "transitions": [
            *COME["states"]["initial"]["transitions"][:1],
            {"action": "refuse", "condition": {"<eval>": "actors.guest.key == 'host'"}, "transition": ":failed"},
            *COME["states"]["initial"]["transitions"][2:],
        ],
    }
    examination = examine(visit(inner, run=ROLES))
    (remark,) = found(examination, "never-answered")
    assert remark.problem.path == "$.actions.run.responses.failed"
    assert "was not seen to end so" in remark.problem.message
    graph = examination.graph
    assert graph is not None
    assert {move.response for move in graph.all_moves() if move.action == "run"} == {"ok", "cancelled", "error"}


def test_party_that_stalls_a_sub_process_stalls_the_scenario_around_it() -> None:
    (finding,) = found(examine(visit(COME, run=ROLES)), "can-stall-within")
    assert (finding.problem.severity, finding.problem.path) == ("warning", "$.states.waiting")
    assert 'for "seller" in the state "there"' in finding.problem.message
    assert finding.run is not None
    assert finding.run.state == "waiting"


def test_timeout_inside_or_around_keeps_anybody_from_stalling() -> None:
    over = [*visit(COME)["states"]["waiting"]["transitions"], {"action": ":timeout", "transition": ":failed"}]
    assert not found(examine(visit(COME, run=ROLES, timeout="P9D", transitions=over)), "can-stall-within")
    there = {
        "action": "refuse",
        "timeout": "P1D",
        "transitions": [
            {"action": "refuse", "transition": ":success"},
            {"action": ":timeout", "transition": ":failed"},
        ],
    }
    inner = {**COME, "states": {**COME["states"], "there": there}}
    assert not found(examine(visit(inner, run=ROLES)), "can-stall-within")


def test_somebody_else_who_can_act_meanwhile_is_not_stalled() -> None:
    document = changed("states", "checking", timeout=None)
    document["actions"]["leave"] = {"actors": ["buyer", "seller"]}
    document["states"]["checking"]["transitions"].pop(1)
    assert not found(examine(document), "can-stall-within")
    document["states"]["checking"]["actions"] = ["inspect"]
    document["states"]["checking"]["transitions"] = [{"transition": ":success"}]
    (finding,) = found(examine(document), "can-stall-within")
    assert 'for "seller" in the state "measured"' in finding.problem.message


def test_nobody_forces_an_end_by_waiting_for_what_another_can_stall() -> None:
    for timeout, forces in ((None, False), ("P1D", True)):
        there = {"action": "refuse", "transitions": [{"action": "refuse", "transition": ":success"}]}
        if timeout is not None:
            there = there | {"timeout": timeout}
            there["transitions"] = [*there["transitions"], {"action": ":timeout", "transition": ":success"}]
        document = visit({**COME, "states": {**COME["states"], "there": there}}, run=ROLES)
        document["states"]["waiting"]["transitions"] = [{"action": "run", "transition": ":success"}]
        document["states"]["initial"]["transitions"][1]["transition"] = "waiting"
        graph = explore(load(document))
        assert power(graph, ("buyer", "seller"), {"buyer"}, ends(graph)[":success"]).forces is forces


LIMITED: dict[str, Any] = {
    **COME,
    "assets": {"limit": {"type": "integer"}},
    "states": {
        **COME["states"],
        "initial": {
            "action": "come",
            "transitions": [
                {"action": "come", "condition": {"<eval>": "assets.limit > `10`"}, "transition": "there"},
                {"action": "come", "condition": {"<eval>": "assets.limit <= `10`"}, "transition": ":failed"},
            ],
        },
    },
}


def test_whatever_a_sub_process_may_be_handed_is_looked_at() -> None:
    handing = {**ROLES, "assets": {"limit": {"<ref>": "assets.limit"}}}
    examination = examine(visit(LIMITED, run=handing))
    assert not found(examination, "transition-never-fits")
    assert examination.graph is not None
    starts = [item["limit"] for item in examination.graph.inner["inner"].starts.values()]
    assert {value > 10 for value in starts} == {True, False}
    (stall,) = [item for item in found(examination, "can-stall") if item.problem.path.endswith("there")]
    assert stall.run is not None
    assert stall.run.to_dict()["assets"]["limit"] > 10
    missing = found(examine(visit(LIMITED, run=ROLES)), "transition-never-fits")
    assert missing[0].problem.path == "$.scenarios.inner.states.initial.transitions[0]"


def test_run_outside_is_one_that_can_be_simulated() -> None:
    document = visit(COME, run=ROLES)
    graph = explore(load(document))
    examination = examine(document, watched=())
    for finding in examination.findings:
        if finding.run is not None and not finding.problem.path.startswith("$.scenarios"):
            assert simulate.run(document, finding.run.responses)["state"] == finding.run.state
    assert {item.state for item in graph.configurations} == {"initial", "waiting", ":success", ":failed", ":cancelled"}


def test_steps_of_embedded_scenarios_count() -> None:
    graph = explore(load(PURCHASE), limits=Limits(steps=6))
    assert graph.bound is not None
    assert graph.steps <= 6 + 3  # each that is embedded is begun


def choosing(chooser: str, *, inside: bool) -> dict[str, Any]:
    """A scenario in which somebody chooses between the ends, in a sub-process or without one."""
    actions = {"yes": manual(chooser), "no": manual(chooser), "object": manual("seller")}
    ends = {"yes": ":success", "no": ":cancelled", "object": ":failed"}
    state = {"actions": list(ends), "transitions": [{"action": key, "transition": end} for key, end in ends.items()]}
    people = {"actors": {"buyer": {}, "seller": {}}}
    if not inside:
        return {"$schema": OWN, **people, "actions": actions, "states": {"initial": state}}
    responses = {"ok": ":success", "cancelled": ":cancelled", "error": ":failed"}
    around = [{"action": "run", "response": key, "transition": end} for key, end in responses.items()]
    return {
        "$schema": OWN,
        **people,
        "actions": {"run": {**RUN, "responses": {key: {} for key in responses}}},
        "states": {"initial": {"action": "run", "transitions": around}},
        "scenarios": {"inner": {"$schema": OWN, **people, "actions": actions, "states": {"initial": state}}},
    }


@pytest.mark.parametrize("chooser", ["buyer", "seller"])
def test_choice_in_a_sub_process_gives_the_same_power_as_one_without(chooser: str) -> None:
    parties = ("buyer", "seller")
    inside, outside = (game.table(explore(load(choosing(chooser, inside=item))), parties) for item in (True, False))
    assert inside == outside


def test_party_forces_what_it_can_bring_about_in_each_of_two_open_sub_processes() -> None:
    graph = explore(load(PURCHASE))
    table = game.table(graph, ("buyer", "seller"))
    assert not table["buyer"][":success"].forces
    together = game.power(graph, ("buyer", "seller"), {"buyer", "seller"}, ends(graph)[":success"])
    assert together.forces


def test_properties_of_an_embedded_scenario_are_proven_from_every_start() -> None:
    handing = {**ROLES, "assets": {"limit": {"<ref>": "assets.limit"}}}
    promised = [
        {"title": "Low limits", "never": ":failed", "after": {"<eval>": "assets.limit <= `10`"}},
        {"title": "Nobody is there", "never": "there", "after": {"<eval>": "assets.limit > `10`"}},
        {"title": "True", "only": "there", "after": {"<eval>": "assets.limit > `10`"}},
    ]
    broken = found(examine(visit({**LIMITED, "properties": promised}, run=handing)), "property-broken")
    assert [item.problem.path for item in broken] == [f"$.scenarios.inner.properties[{number}]" for number in (0, 1)]
    assert [item.run is not None and item.run.state for item in broken] == [":failed", "there"]
    assert [item.run is not None and item.run.assets["limit"] > 10 for item in broken] == [False, True]


@pytest.mark.parametrize(
    ("result", "path"),
    [
        ("{grade: assets.report.grade}", "result.grade"),
        ("assets.report", "result.grade"),
        (None, "result.report.grade"),
    ],
)
def test_what_conditions_outside_read_of_a_result_is_tried_on_either_side(result: str | None, path: str) -> None:
    inner = {**COME, "assets": {"report": {"properties": {"grade": {"type": "integer"}}}}}
    responses = {"ok": {"update": "assets.told"}, "failed": {}, "cancelled": {}, "error": {}}
    document = visit(inner, run={**ROLES, "responses": responses, "result": result})
    document["assets"]["told"] = {}
    ok = {"action": "run", "response": "ok"}
    document["states"]["waiting"]["transitions"] = [
        {**ok, "condition": {"<eval>": f"assets.told.{path} > `5`"}, "transition": ":success"},
        {**ok, "condition": {"<eval>": f"assets.told.{path} <= `5`"}, "transition": ":failed"},
        {"action": "run", "transition": ":cancelled"},
    ]
    examination = examine(document)
    assert not found(examination, "transition-never-fits")
    assert not [item for item in found(examination, "gap") if item.problem.severity == "error"]
