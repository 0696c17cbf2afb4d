"""Sub-processes between nodes: every node derives the same ones, and one that is killed does nothing twice."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from eventchain import service
from eventchain.tip import entries_of
from livecontract import evidence
from livecontract.simulated_party import Party, response
from livecontract.simulation import NodeKilled, Simulation
from tests.node.leased import LeasedStorage
from tests.node.stage import SqliteStorage, Stage, check_equal, make_evidence, silence
from tests.node.test_kills import StubbornParty
from tests.node.test_kills_between_writes import PatientParty
from tests.workflow_engine.nesting import PURCHASE, changed
from workflow_engine.engine import replay
from workflow_engine.order import REMINDER
from workflow_engine.process import Process
from workflow_engine.timing import GRACE

NAMES = ("buyer", "seller")
MOMENTS = ("apply", "save", "trigger", "forward")


def begin(
    document: Mapping[str, Any] = PURCHASE,
    simulation: Simulation | None = None,
    parties: Mapping[str, Party] | None = None,
    offering: str | None = "seller",
) -> Stage:
    """Start the purchase between two nodes, up to the offer that makes both sub-processes due."""
    simulation = simulation or Simulation(9, names=NAMES)
    stage = Stage(simulation, parties or {name: Party(simulation, name) for name in NAMES}).found()
    stage["buyer"].post(stage.chain, document)
    stage["buyer"].start_process(stage.chain, "process", "purchase", {name: name for name in NAMES})
    stage.simulation.settle(receipts=False)
    if offering is not None:
        stage[offering].respond(stage.chain, "process", "offer", {"address": "Mill Lane 1", "price": 100})
    return stage


def settled(simulation: Simulation | None = None, parties: Mapping[str, Party] | None = None) -> Stage:
    stage = begin(simulation=simulation, parties=parties)
    stage.simulation.settle(receipts=False)
    return stage


def child(stage: Stage, action: str, name: str = "buyer") -> Process:
    """Return the newest sub-process of an action, as one node sees it."""
    found = [item for item in stage.node(name).workflow.processes(stage.chain) if item.parent]
    return next(item for item in reversed(found) if item.parent and item.parent.action == action)


def act(stage: Stage, name: str, process: str, action: str, data: object = None, key: str = "ok") -> None:
    stage[name].post(stage.chain, response(process, action, data, key))
    stage.simulation.settle(receipts=False)


def finish(stage: Stage) -> None:
    """Let one sub-process end well and the other fail."""
    act(stage, "seller", child(stage, "inspect").id, "report", {"grade": 8})
    act(stage, "buyer", child(stage, "finance").id, "decline")


def check(stage: Stage) -> None:
    """Check that both were started and answered once, and all nodes agree."""
    assert {stage.state(name) for name in NAMES} == {":success"}
    processes = stage.node("seller").workflow.processes(stage.chain)
    assert len(processes) == 4
    answers = [item["key"] for item in stage.node("seller").workflow.process("process", stage.chain).previous]
    assert sorted(answers) == ["error", "ok", "ok"]
    for name in NAMES:
        assert stage.node(name).parts.broker.dead_letters() == []
        assert not stage.node(name).eventchain.archive.conflicts(stage.id)
    check_equal(stage, NAMES)


def test_two_sub_processes_are_open_at_once_and_both_are_answered_on_all_nodes() -> None:
    stage = settled()
    assert [item.current.key for item in stage.node("buyer").workflow.processes(stage.chain)] == [
        "checking",
        *["initial"] * 3,
    ]
    finish(stage)
    check(stage)


def test_evidence_of_a_contract_with_sub_processes_verifies() -> None:
    stage = settled()
    finish(stage)
    stage.simulation.settle()
    checks = evidence.verify(make_evidence(stage, "seller"), replay)
    assert all(item.ok for item in checks), checks


def test_sub_process_of_a_silent_node_holds_the_others_up_for_ten_minutes_only() -> None:
    stage = begin(changed("actions", "offer", actor="buyer"), offering=None)
    stage.simulation.kill("seller")
    stage["buyer"].respond(stage.chain, "process", "offer", {"address": "Mill Lane 1", "price": 100})
    for _ in range(20):
        stage.simulation.round()
    assert len(stage.node("buyer").workflow.processes(stage.chain)) == 1
    stage.simulation.clock.now += GRACE
    for _ in range(20):
        stage.simulation.round()
    assert [item.id for item in stage.node("buyer").workflow.processes(stage.chain)][1:] == [child(stage, "finance").id]
    stage.simulation.settle(receipts=False)  # the seller's node comes back
    finish(stage)
    check(stage)


def test_nodes_that_are_away_meanwhile_come_to_the_same() -> None:
    stage = settled()
    stage.simulation.kill("seller")
    financing = child(stage, "finance").id
    stage["buyer"].respond(stage.chain, financing, "decline")
    for _ in range(20):
        stage.simulation.round()
    assert stage.node("buyer").workflow.process("process", stage.chain).previous[-1]["key"] == "error"
    stage.simulation.settle(receipts=False)
    act(stage, "seller", child(stage, "inspect").id, "report", {"grade": 8})
    assert {stage.state(name) for name in NAMES} == {":success"}
    check_equal(stage, NAMES)


def test_chain_that_is_forgotten_and_derived_again_comes_to_the_same() -> None:
    stage = settled()
    act(stage, "seller", child(stage, "inspect").id, "report", {"grade": 8})
    before = stage.projection("buyer")
    stage.node("buyer").workflow.forget(stage.chain)
    for _, entry in entries_of(stage.canonical("buyer")):
        stage.node("buyer").workflow.apply(entry)
    assert stage.projection("buyer") == before
    act(stage, "buyer", child(stage, "finance").id, "decline")
    check(stage)


def heal(stage: Stage) -> None:
    """Let time pass until what killed nodes left is set right; they are killed meanwhile, too."""
    for _ in range(6):
        stage.simulation.wait(5 * REMINDER)


class Killer:
    """Kills a node the n-th time it passes a step."""

    def __init__(self, name: str, step: str, passes: int) -> None:
        self.name, self.step, self.passes, self.kills = name, step, passes, 0

    def __call__(self, name: str, step: str, _chain: str) -> None:
        if (name, step) != (self.name, self.step) or self.kills:
            return
        if self.passes:
            self.passes -= 1
            return
        self.kills = 1
        raise NodeKilled


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("step", MOMENTS)
def test_node_killed_anywhere_starts_and_answers_once(tmp_path: Path, name: str, step: str) -> None:
    killer = Killer(name, step, 7 if name == "buyer" else 5)
    simulation = Simulation(5, names=NAMES, storage=SqliteStorage(tmp_path), observe=killer)
    stage = settled(simulation, {name: StubbornParty(simulation, name) for name in NAMES})
    finish(stage)
    assert killer.kills == 1
    check(stage)
    simulation.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_nodes_that_die_between_two_writes_start_and_answer_once(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "WAIT_SECONDS", 0.0)
    drawn, deaths = random.Random(seed), []

    def dies(_name: str, what: str) -> bool:
        if drawn.random() < 0.02:
            deaths.append(what)
            return True
        return False

    storage = LeasedStorage(tmp_path, dies, dies, None)
    with silence(50):
        simulation = Simulation(seed, names=NAMES, storage=storage)
        stage = settled(simulation, {name: PatientParty(simulation, name) for name in NAMES})
        heal(stage)
        finish(stage)
        heal(stage)
        assert deaths
        check(stage)
    storage.close()
