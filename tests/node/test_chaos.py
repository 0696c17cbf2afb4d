"""A network that loses, repeats and delays, nodes that die: in the end everybody knows everything, once."""

import random
from collections import Counter

import pytest

from livecontract.simulated_world import Faults
from livecontract.simulation import NodeDownError, NodeKilled, Simulation
from tests.node.stage import Stage, check_equal, play_quotation

NAMES = ("buyer", "seller", "inspector")
FAULTS = Faults(loss=0.25, answer_loss=0.15, delay=0.15, duplicate=0.2, longest_delay=20_000)
FAST, ALL = range(4), range(4, 24)

SEEDS = [*FAST, *(pytest.param(seed, marks=pytest.mark.slow) for seed in ALL)]


def check_once(stage: Stage) -> None:
    """Check that nothing was lost, nothing doubled and nothing given up."""
    check_equal(stage)
    stories = Counter(f"{event.sign_key} {event.body()}" for event in stage.canonical("buyer").events)
    assert set(stories.values()) == {1}
    keys = [request.headers["Idempotency-Key"] for request in stage.simulation.world.requests]
    assert len(set(keys)) == 1
    for name in NAMES:
        node = stage.node(name)
        assert node.parts.broker.dead_letters() == []
        assert not node.eventchain.archive.conflicts(stage.id)
        assert all(node.receipts.of_chain(stage.id).values())


@pytest.mark.parametrize("seed", SEEDS)
def test_contract_goes_through_a_network_that_loses_repeats_and_delays(seed: int) -> None:
    stage = Stage.of(Simulation(seed, faults=FAULTS))
    play_quotation(stage)
    stage.simulation.settle()
    assert {stage.state(name) for name in NAMES} == {":success"}
    assert len(stage.simulation.world.requests) == 1
    check_once(stage)


class Reaper:
    """Kills nodes after steps that the seed draws."""

    def __init__(self, seed: int, chance: float) -> None:
        self._random = random.Random(seed)
        self._chance = chance
        self.kills = 0

    def observe(self, _name: str, _step: str, _chain: str) -> None:
        if self._random.random() < self._chance:
            self.kills += 1
            raise NodeKilled


class Stubborn(Stage):
    """People who send again what was not answered, once the node runs again."""

    def insist(self, name: str, document: object) -> None:
        for _ in range(50):
            try:
                self[name].send(document)  # type: ignore[arg-type]  # what `sign` gave
            except NodeDownError:
                self.simulation.settle(receipts=False)
            else:
                return
        raise AssertionError("never answered")


@pytest.mark.parametrize("seed", SEEDS)
def test_notes_survive_kills_partitions_and_a_bad_network(seed: int) -> None:
    reaper, drawn = Reaper(seed, 0.04), random.Random(seed)
    stage = Stubborn.of(Simulation(seed, faults=FAULTS))
    assert isinstance(stage, Stubborn)
    stage.found(members=("seller", "inspector"))
    stage.simulation.observe = lambda *told: reaper.observe(*told)
    for number in range(10):
        if drawn.random() < 0.3:
            cut = drawn.choice(NAMES)
            stage.simulation.network.separate([cut], [name for name in NAMES if name != cut])
            stage.simulation.run(drawn.randint(1, 20))
        name = drawn.choice(NAMES)
        stage.simulation.network.heal()
        stage.simulation.settle(receipts=False)
        document = stage[name].sign(stage.chain, stage.note(f"note {number}"))
        stage.insist(name, document)
        if drawn.random() < 0.3:
            stage.simulation.kill(drawn.choice(NAMES))
        stage.simulation.run(drawn.randint(1, 10))
    stage.simulation.settle()
    numbers = [event.body()["text"] for event in stage.canonical("buyer").events[3:]]
    assert numbers == [f"note {number}" for number in range(10)]
    check_equal(stage)
    for name in NAMES:
        assert not stage.node(name).eventchain.archive.conflicts(stage.id)
        assert all(stage.node(name).receipts.of_chain(stage.id).values())


def test_some_of_these_runs_kill_nodes() -> None:
    reaper = Reaper(0, 0.04)
    assert sum(_dies(reaper) for _ in range(200)) == reaper.kills > 0


def _dies(reaper: Reaper) -> bool:
    try:
        reaper.observe("", "", "")
    except NodeKilled:
        return True
    return False
