"""Coverage: everything that can be reached is counted once, and what is missing is named where it was written."""

import itertools
from typing import Any

import pytest

import scenarios
from tests.workflow_engine.samples import ORDER
from workflow_engine import simulate
from workflow_engine.compiling import load
from workflow_engine.testing.coverage import Coverage, items, reached

from .features import TESTED

ORDERED = {"actor": "buyer", "action": "order", "data": {"price": 2}}
SIGNED = [{"actor": actor, "action": "sign"} for actor in ("seller", "buyer")]


def covered(*runs: list[Any], document: Any = ORDER) -> dict[str, Any]:
    coverage, scenario = Coverage(), load(document)
    coverage.add(list(simulate.stages(scenario, run)) for run in runs)
    (report,) = coverage.report({scenario.id: document})
    return report


def test_start_comes_to_the_first_state_alone() -> None:
    report = covered([])
    assert (report["states"], report["transitions"], report["responses"]) == ([1, 6], [0, 6], [0, 6])
    assert report["percent"] == 100 // 22


def test_conditions_count_both_ways() -> None:
    assert covered([ORDERED])["conditions"] == [1, 4]
    assert covered([ORDERED, SIGNED[0]])["conditions"] == [3, 4]
    assert covered([ORDERED, *SIGNED])["conditions"] == [4, 4]


def test_what_is_missing_is_named_by_its_place_in_the_document() -> None:
    missing = {item["path"]: item for item in covered([ORDERED, *SIGNED])["missing"]}
    assert missing["$.states.signing.transitions[2]"]["message"] == (
        'No test goes from "signing" to ":failed" by its timeout.'
    )
    assert missing["$.actions.notify.responses.error"]["kind"] == "response"
    assert "$.actions.sign.condition" not in missing


def test_short_forms_are_named_as_they_were_written() -> None:
    document = {**ORDER, "states": {"initial": {"action": "cancel", "transition": ":cancelled"}}}
    assert "$.states.initial.transition" in {item["path"] for item in covered([], document=document)["missing"]}


def test_runs_of_one_scenario_are_counted_together() -> None:
    timeout = {"actor": "buyer", "action": ":timeout", "at": "2020-03-01"}
    cancelled = [ORDERED, {"actor": "seller", "action": "cancel"}]
    failed = [ORDERED, *SIGNED, {"actor": "seller", "action": "notify", "response": "error"}]
    done = [{"actor": "buyer", "action": "add_line"}, ORDERED, *SIGNED, {"actor": "seller", "action": "notify"}]
    report = covered([ORDERED, timeout], cancelled, failed, done)
    assert (report["percent"], report["missing"]) == (100, [])


def test_response_that_leads_nowhere_takes_no_transition() -> None:
    trace = list(simulate.stages(load(ORDER), [ORDERED, SIGNED[0]]))
    assert not any(key[0] == "transition" for key in reached(trace[1:]))


@pytest.mark.parametrize("name", TESTED)
def test_what_is_reached_is_always_among_what_can_be_reached(name: str) -> None:
    scenario = load(scenarios.load(name))
    there = {item.key for item in items(scenario)}
    for run in scenarios.runs(name).values():
        assert reached(list(simulate.stages(scenario, run["responses"]))) <= there


@pytest.mark.parametrize("name", TESTED)
def test_transition_that_is_taken_leads_to_where_the_machine_went(name: str) -> None:
    scenario = load(scenarios.load(name))
    for run in scenarios.runs(name).values():
        trace = list(simulate.stages(scenario, run["responses"]))
        for before, after in itertools.pairwise(trace):
            taken = [key for key in reached([before, after]) if key[0] == "transition"]
            targets = [scenario.states[str(state)].transitions[int(index)].target for _, state, index in taken]
            assert targets == ([] if after.current.event == before.current.event else [after.current.key])
