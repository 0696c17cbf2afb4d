"""Scenarios of the library between nodes: a proof that all judge alike, and months that the nodes themselves count."""

import itertools

import pytest

import scenarios
from livecontract.simulation import Simulation
from tests.node.stage import Stage, check_equal


def begin(scenario: str) -> Stage:
    """Start a process of the library in which each actor has a node."""
    names = tuple(sorted(scenarios.load(scenario)["actors"]))
    stage = Stage.of(Simulation(5, names=names), names).found(names[0], names[1:])
    stage.start(scenario, {name: name for name in names}, names[0])
    return stage


def act(stage: Stage, name: str, action: str, data: object = None) -> None:
    stage.act(name, action, data)
    stage.simulation.settle(receipts=False)


def wait_for_the_end_of_the_month(stage: Stage) -> None:
    due_date = stage.node("tenant").workflow.process("process", stage.chain).current.due_date
    assert due_date is not None
    stage.simulation.clock.now = max(due_date, stage.simulation.clock.now)
    stage.simulation.settle(receipts=False)


@pytest.mark.parametrize(
    "title", ["Class 6 of at least 4, shown without being told", "An answer to another challenge shows nothing"]
)
def test_proof_is_judged_alike_on_every_node(title: str) -> None:
    run, stage = scenarios.runs("solvency")[title], begin("solvency")
    for step in run["responses"]:
        act(stage, step["actor"], step["action"], step.get("data"))
    assert {stage.state(name) for name in ("bank", "landlord", "tenant")} == {run["state"]}
    check_equal(stage, ("bank", "landlord", "tenant"))


def test_nodes_count_the_months_of_a_lease_and_end_it_after_a_notice() -> None:
    responses = scenarios.runs("lease")["Not caught up after a notice"]["responses"]
    stage = begin("lease")
    for step in (responses[0], *responses[2:4]):  # the node of the landlord has written the lease by itself
        act(stage, step["actor"], step["action"], step.get("data"))
    wait_for_the_end_of_the_month(stage)
    act(stage, "landlord", "give_notice")
    for state in ("month", ":failed"):
        wait_for_the_end_of_the_month(stage)
        assert {stage.state("landlord"), stage.state("tenant")} == {state}
    check_equal(stage, ("landlord", "tenant"))
    process = stage.node("tenant").workflow.process("process", stage.chain)
    ends = [given["timestamp"] for given in process.previous if given["action"]["key"] == ":timeout"]
    assert len(ends) == 3
    assert all(27 < (later - earlier) / 86_400_000 < 32 for earlier, later in itertools.pairwise(ends))
