"""A node: its steps in their order, its workers as threads, and how it ends."""

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dispatcher.errors import BrokerClosedError
from eventchain.core.errors import UnavailableError
from livecontract.node import Node
from livecontract.simulation import Simulation
from livecontract.workers import Crew, PeriodicWorker
from tests.node.stage import SqliteStorage, Stage, refusal, silence

STEPS = ["verify", "skip known", "resolve", "apply", "save", "anchor", "trigger", "forward"]
PATIENCE = 60
"""Seconds after which a thread is taken to hang."""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with silence():
        yield


def test_event_passes_the_eight_steps_in_order() -> None:
    told: list[tuple[str, str]] = []
    simulation = Simulation(1, names=("buyer", "seller"), observe=lambda name, step, _chain: told.append((name, step)))
    stage = Stage.of(simulation).found()
    told.clear()
    document = stage["buyer"].sign(stage.chain, stage.note())
    stage["buyer"].send(document)
    assert told == [("buyer", step) for step in STEPS]
    told.clear()
    stage["buyer"].send(document)
    assert [step for _, step in told] == STEPS[:2]
    told.clear()
    simulation.settle(receipts=False)
    assert {name for name, _ in told} == {"seller"}
    assert [step for _, step in told] == STEPS


def test_refused_event_passes_no_step_after_the_one_that_refuses() -> None:
    told: list[str] = []
    simulation = Simulation(1, names=("buyer", "seller"), observe=lambda _name, step, _chain: told.append(step))
    stage = Stage.of(simulation).found()
    document = stage["buyer"].sign(stage.chain, {"$schema": "urn:livecontract:response:1", "process": "nothing"})
    told.clear()
    refusal(stage["buyer"].send, document)
    assert told == STEPS[:3]


def test_step_says_how_much_was_done() -> None:
    stage = Stage.of(Simulation(1, names=("buyer", "seller"))).found()
    stage.simulation.settle()
    assert stage.node("buyer").step() == 0
    stage["buyer"].post(stage.chain, stage.note())
    assert stage.node("buyer").step() >= 2
    assert stage.node("seller").step() >= 1


@pytest.mark.slow
def test_nodes_with_threads_bring_events_to_each_other_and_end(tmp_path: Path) -> None:
    arrived = {"buyer": threading.Event(), "seller": threading.Event()}
    simulation = Simulation(1, names=("buyer", "seller"), storage=SqliteStorage(tmp_path))
    stage = Stage.of(simulation).found()
    simulation.observe = lambda name, step, _chain: arrived[name].set() if step == "forward" else None
    nodes = [_with_own_chance(simulation, name) for name in ("buyer", "seller")]
    before = threading.active_count()
    for node in nodes:
        node.start()
    for name, other in (("buyer", "seller"), ("seller", "buyer")):
        for event in arrived.values():
            event.clear()
        stage[name].post(stage.chain, stage.note())
        assert arrived[other].wait(PATIENCE)
    for node in nodes:
        node.stop()
    assert threading.active_count() == before
    for node in nodes:
        assert isinstance(refusal(node.parts.broker.receive, "events", 1), BrokerClosedError)
        assert isinstance(refusal(node.eventchain.archive.pending, 1), UnavailableError)
    for name in ("buyer", "seller"):
        simulation.nodes.pop(name)
        simulation.start(name)
        assert stage.node(name).eventchain.archive.pending(10) == []
    simulation.settle(receipts=False)
    assert stage.canonical("buyer") == stage.canonical("seller")
    assert len(stage.canonical("buyer").events) == 4
    simulation.close()


def _with_own_chance(simulation: Simulation, name: str) -> Node:
    """Put a node in the place of the simulated one that draws by itself: threads share nothing that is seeded."""
    node = Node(replace(simulation.nodes[name].parts, random=os.urandom))
    simulation.nodes[name] = node
    return node


def test_work_that_fails_is_done_again() -> None:
    outcomes: list[object] = [UnavailableError("away"), 3]
    worker = PeriodicWorker("receipts", lambda: _next(outcomes), 0.001)
    assert [worker.step(), worker.step()] == [0, 3]


def test_mistake_in_one_round_does_not_end_the_loop() -> None:
    outcomes: list[object] = [KeyError("a bug"), UnavailableError("away"), 1]
    stop = threading.Event()

    def work() -> int:
        if len(outcomes) == 1:
            stop.set()
        return _next(outcomes)

    with silence(level=50):
        PeriodicWorker("receipts", work, 0.001).run(stop)
    assert outcomes == []


def _next(outcomes: list[object]) -> int:
    outcome = outcomes.pop(0)
    if isinstance(outcome, Exception):
        raise outcome
    assert isinstance(outcome, int)
    return outcome


def test_crew_ends_when_it_is_told() -> None:
    rounds = [threading.Event() for _ in range(3)]
    workers = [PeriodicWorker("work", lambda event=event: event.set() or 0, 0.001) for event in rounds]  # type: ignore[misc]  # bound here
    crew = Crew(workers)
    crew.start()
    for event in rounds:
        assert event.wait(PATIENCE)
    crew.tell_to_stop()
    crew.join()
    assert not [thread for thread in threading.enumerate() if thread.name == "work"]
