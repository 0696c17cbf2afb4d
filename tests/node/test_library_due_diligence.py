"""A house sold subject to survey and loan, between the nodes of four parties: two sub-processes open at once."""

from typing import Any

import pytest

import scenarios
from livecontract import evidence
from livecontract.histories import read_histories
from livecontract.simulated_party import response
from livecontract.simulation import Simulation
from tests.node.stage import Stage, check_equal, make_evidence, refusal
from workflow_engine.compiling import load
from workflow_engine.engine import replay
from workflow_engine.errors import ActionNotAvailableError, ActorNotAllowedError, InvalidResponseError
from workflow_engine.impact import change_to, impact_of
from workflow_engine.process import Process

NAMES = ("buyer", "seller", "surveyor", "bank")
DAY = 24 * 60 * 60 * 1000


def given(title: str, action: str) -> Any:
    """Return the data of an action in a run of the library."""
    responses = scenarios.runs("due-diligence")[title]["responses"]
    return next(step.get("data") for step in responses if step.get("action") == action)


WHOLE = "Defects, and the buyer goes on all the same"


def act(stage: Stage, name: str, process: str, action: str, data: object = None, key: str = "ok") -> None:
    stage[name].post(stage.chain, response(process, action, data, key))
    stage.simulation.settle(receipts=False)


def begin() -> Stage:
    """Offer and agree, which opens both sub-processes."""
    stage = Stage.of(Simulation(11, names=NAMES), NAMES).found("seller", ("buyer", "surveyor", "bank"))
    stage["seller"].post(stage.chain, scenarios.load("due-diligence"))
    stage["seller"].start_process(stage.chain, "process", "due-diligence", {name: name for name in NAMES})
    stage.simulation.settle(receipts=False)
    act(stage, "seller", "process", "offer", given(WHOLE, "offer"))
    act(stage, "buyer", "process", "agree")
    return stage


def inner(stage: Stage, action: str, name: str = "bank") -> Process:
    found = [item for item in stage.node(name).workflow.processes(stage.chain) if item.parent]
    return next(item for item in found if item.parent and item.parent.action == action)


def survey(stage: Stage, key: str) -> None:
    process = inner(stage, "survey").id
    act(stage, "surveyor", process, "take_on", given(WHOLE, "take_on"))
    act(stage, "surveyor", process, "report", given(WHOLE, "report"), key)


def lend(stage: Stage) -> None:
    process = inner(stage, "finance").id
    act(stage, "buyer", process, "apply", given(WHOLE, "apply"))
    data = {"amount": 300000, "years": 30, "rate": 3.1}
    act(stage, "bank", process, "offer", data)
    act(stage, "buyer", process, "take")


def told(stage: Stage, name: str) -> list[tuple[str, str]]:
    """Return what the sub-processes of the sale came to, as one node sees it."""
    previous = stage.node(name).workflow.process("process", stage.chain).previous
    return [(item["action"]["key"], item["key"]) for item in previous if item["action"]["key"] in ("survey", "finance")]


def test_one_ends_well_and_one_fails_and_all_nodes_go_on_alike() -> None:
    stage = begin()
    assert [inner(stage, action).current.key for action in ("survey", "finance")] == ["initial", "initial"]
    act(stage, "seller", "process", "disclose", {"text": "The boiler is of 2012."})
    survey(stage, "defects")
    assert {stage.state(name) for name in NAMES} == {"checking"}
    lend(stage)
    assert {tuple(told(stage, name)) for name in NAMES} == {(("survey", "failed"), ("finance", "ok"))}
    assert {stage.state(name) for name in NAMES} == {"deciding"}
    act(stage, "buyer", "process", "go_on")
    act(stage, "seller", "process", "hand_over")
    act(stage, "buyer", "process", "confirm")
    assert {stage.state(name) for name in NAMES} == {":success"}
    sale = stage.node("bank").workflow.process("process", stage.chain)
    assert sale.assets["survey"]["result"] == given(WHOLE, "report")
    assert sale.assets["financing"]["result"]["rate"] == 3.1
    assert len(sale.previous) == 8
    check_equal(stage, NAMES)
    stage.simulation.settle()
    checks = evidence.verify(make_evidence(stage, "bank"), replay)
    assert [item.check for item in checks if not item.ok] == []


@pytest.mark.slow
def test_sub_processes_are_abandoned_when_the_time_of_the_sale_is_over() -> None:
    stage = begin()
    survey(stage, "sound")
    for _ in range(13):
        stage.simulation.wait(DAY)
    act(stage, "buyer", inner(stage, "finance").id, "apply", given(WHOLE, "apply"))
    for _ in range(29):
        stage.simulation.wait(DAY)
    act(stage, "bank", inner(stage, "finance").id, "offer", {"amount": 1, "years": 1, "rate": 1})
    for _ in range(9):
        stage.simulation.wait(DAY)
    assert {stage.state(name) for name in NAMES} == {":cancelled"}
    late = response(inner(stage, "finance").id, "take")
    assert isinstance(refusal(stage["buyer"].post, stage.chain, late), ActionNotAvailableError)
    shown = next(item for item in stage.projection("bank")["processes"] if item["id"] == "process")
    assert [item.get("abandoned") for item in shown["sub_processes"]] == [None, True]
    check_equal(stage, NAMES)


def test_nobody_tells_the_sale_what_did_not_happen() -> None:
    stage = begin()
    process = inner(stage, "finance")
    for name, data, error in (
        ("buyer", {"process": process.id, "state": ":success", "result": {}}, ActionNotAvailableError),
        ("bank", {"process": process.id, "state": ":failed", "result": {}}, ActorNotAllowedError),
    ):
        stage[name].key = stage.node(name).parts.key  # as the node itself would, were it dishonest
        refused = refusal(stage[name].post, stage.chain, response("process", "finance", data))
        assert isinstance(refused, error)
    act(stage, "surveyor", inner(stage, "survey").id, "decline")
    assert told(stage, "seller") == [("survey", "cancelled")]
    assert isinstance(
        refusal(stage["buyer"].post, stage.chain, response("process", "survey", {})),
        ActionNotAvailableError | InvalidResponseError,
    )


def test_other_text_is_tried_on_the_sale_with_what_its_sub_processes_came_to() -> None:
    stage = begin()
    survey(stage, "defects")
    chain = stage.canonical("bank").to_dict()
    old, new = load(scenarios.load("due-diligence")), scenarios.load("due-diligence")
    (history,) = read_histories(chain, old)
    assert impact_of(history, change_to(load(new))).replayed_to == "checking"
    new["actions"]["survey"]["responses"].pop("failed")
    assert "would have been refused" in (impact_of(history, change_to(load(new))).refused or "")
    act(stage, "seller", "process", "disclose", {"text": "More."})
    (inside,) = read_histories(stage.canonical("bank").to_dict(), old.scenarios["financing"])
    assert inside.process.id == inner(stage, "finance").id
    assert "sub-process" in (impact_of(inside, change_to(old.scenarios["financing"])).note or "")
