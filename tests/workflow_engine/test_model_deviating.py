"""What a deviation makes possible and which ends it takes away, before anybody agrees to it."""

import copy
from typing import Any

import pytest

import scenarios
from eventchain.core.errors import LiveContractError
from workflow_engine import simulate
from workflow_engine.compiling import load
from workflow_engine.model import Limits
from workflow_engine.model.deviating import Deviated, foresee
from workflow_engine.model.explore import explore
from workflow_engine.model.reads import reads_of_expression
from workflow_engine.model.static_steps import steps_of
from workflow_engine.proposal import read_proposal, validate_proposal

BASE: dict[str, Any] = {
    "$schema": "urn:livecontract:scenario:1",
    "id": "loan",
    "title": "Loan",
    "actors": {"lender": {}, "borrower": {}},
    "assets": {"loan": {"properties": {"repaid": {"type": "boolean"}}}},
    "actions": {
        "repay": {"actor": "borrower"},
        "sue": {"actor": "lender"},
        "mark": {
            "actor": "borrower",
            "responses": {"ok": {"update": {"select": "assets.loan", "data": {"repaid": True}}}},
        },
        "forgive": {"actor": "lender", "condition": {"<eval>": "assets.loan.repaid"}},
    },
    "states": {
        "initial": {
            "actions": ["repay", "sue"],
            "transitions": [
                {"action": "repay", "transition": "closing"},
                {"action": "sue", "transition": ":failed"},
            ],
        },
        "closing": {
            "actions": ["repay", "forgive"],
            "transitions": [
                {"action": "repay", "transition": ":success"},
                {"action": "forgive", "transition": ":cancelled"},
            ],
        },
    },
}

PAUSE: dict[str, Any] = {
    "$schema": "urn:livecontract:deviation:1",
    "process": "loan",
    "title": "Pause",
    "from": "initial",
    "to": "closing",
    "states": {
        "pause": {
            "timeout": "P1M",
            "actions": ["mark"],
            "transitions": [
                {"action": "mark", "transition": "closing"},
                {"action": ":timeout", "transition": "closing"},
            ],
        }
    },
}


def foreseen(base: Any, deviation: dict[str, Any], limits: Limits | None = None) -> Deviated:
    scenario = load(base)
    proposal = read_proposal(deviation)
    validate_proposal(proposal, scenario, None)
    return foresee(scenario, proposal, deviation, limits=limits)


def steps(found: Deviated) -> set[tuple[str, str, str, str]]:
    return {(item.state, item.step[0], item.step[1], item.step[3]) for item in found.possible}


def replay(base: Any, found: Deviated) -> None:
    """Play every example; it should come to the state that is told."""
    scenario = load(base)
    for run in (*(item.run for item in found.possible), *(item.run for item in found.lost)):
        assert run.is_certain
        assert simulate.play(scenario, run.responses).current.key == run.state


def arrangement() -> tuple[Any, dict[str, Any]]:
    return scenarios.load("invoice"), scenarios.deviation("payment-arrangement")


def test_every_step_of_a_payment_arrangement_is_told_with_a_run_that_can_be_played() -> None:
    base, deviation = arrangement()
    found = foreseen(base, deviation)
    assert steps(found) == {
        ("overdue", ":parties", ":deviation", "instalments"),
        ("instalments", "debtor", "report_instalment", "instalments"),
        ("instalments", "debtor", "report_instalment", "checking"),
        ("instalments", ":nature", ":timeout", "checking"),
    }
    assert (found.lost, found.unknown_steps, found.unknown_ends, found.bound) == ((), (), (), None)
    for item in found.possible:
        assert item.run.state == item.step[3]
    replay(base, found)


def test_run_that_is_told_does_not_hang_on_the_deadline_of_the_proposal() -> None:
    found = foreseen(BASE, {**PAUSE, "deadline": "2019-12-01T12:00:00Z"})
    replay(BASE, found)


def test_end_that_no_way_leads_to_any_more_is_lost_with_a_run_of_before() -> None:
    found = foreseen(BASE, PAUSE)
    (lost,) = found.lost
    assert lost.state == lost.run.state == ":failed"
    assert [item["action"] for item in lost.run.responses] == ["sue"]
    replay(BASE, found)


def test_step_of_the_scenario_that_only_the_deviation_enables_is_new() -> None:
    found = foreseen(BASE, PAUSE)
    assert ("closing", "lender", "forgive", ":cancelled") in steps(found)
    assert found.bound is None
    timed_only = copy.deepcopy(PAUSE)
    timed_only["states"]["pause"] = {"timeout": "P1M", "transitions": [{"action": ":timeout", "transition": "closing"}]}
    found = foreseen(BASE, timed_only)
    assert ("closing", "lender", "forgive", ":cancelled") not in steps(found)
    assert (found.unknown_steps, found.bound) == ((), None)


def test_deviation_is_entered_once_though_it_leads_back_to_where_it_starts() -> None:
    back = {**copy.deepcopy(PAUSE), "to": "initial"}
    for item in back["states"]["pause"]["transitions"]:
        item["transition"] = "initial"
    found = foreseen(BASE, back)
    assert found.lost == ()
    assert all(sum("propose" in item for item in part.run.responses) == 1 for part in found.possible)
    replay(BASE, found)


def test_deviation_without_states_leads_to_its_end_at_once() -> None:
    direct = {name: value for name, value in PAUSE.items() if name != "states"}
    found = foreseen(BASE, direct)
    assert steps(found) == {("initial", ":parties", ":deviation", "closing")}
    assert [item.state for item in found.lost] == [":failed"]
    replay(BASE, found)


def test_what_was_not_found_within_a_bound_is_not_called_impossible() -> None:
    found = foreseen(BASE, PAUSE, Limits(steps=3))
    assert found.bound is not None
    assert "Stopped after 3 steps" in found.bound
    assert found.unknown_steps
    base, deviation = arrangement()
    found = foreseen(base, deviation, Limits(configurations=2))
    assert not found.lost
    assert found.unknown_steps
    assert found.bound


def test_list_that_is_summed_up_matters_without_what_stands_beside_it() -> None:
    assert [place for place, _ in reads_of_expression("sum(assets.payments[*].amount)")] == [("assets", "payments")]
    assert [place for place, _ in reads_of_expression("assets.a[0].b")] == [("assets", "a")]
    assert [place for place, _ in reads_of_expression("assets.a.*.b")] == [("assets", "a")]
    assert ("assets",) in {place for place, _ in reads_of_expression("assets.a[*].[b, $.assets.c]")}


@pytest.mark.slow
@pytest.mark.parametrize("name", scenarios.names())
def test_whatever_a_scenario_does_is_among_the_steps_that_its_text_allows(name: str) -> None:
    scenario = load(scenarios.load(name))
    try:
        graph = explore(scenario, limits=Limits(configurations=200, steps=1_000))
    except LiveContractError:
        pytest.skip("it cannot be started by itself")
    allowed = steps_of(scenario, scenario.states)
    for move in graph.all_moves():
        state, target = (graph.configurations[index].state for index in (move.source, move.target))
        assert (state, (*move.label, target)) in allowed
