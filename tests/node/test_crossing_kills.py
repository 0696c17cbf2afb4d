"""What is carried to another chain is carried once, whoever dies or comes second meanwhile."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dispatcher.broker import Broker
from eventchain import service
from eventchain.access import OwnChains
from eventchain.core.clock import Clock
from livecontract.courier import REFUSED, CourierPlug
from livecontract.simulated_party import response
from livecontract.simulation import MemoryStorage, NodeKilled, Simulation
from tests.node.crossing import HERE, THERE, WORDS, Crossing, hearing, quiet, telling
from tests.node.leased import LeasedStorage
from tests.node.stage import SqliteStorage, check_equal, refusal
from tests.node.test_system_actions import NAMES as TWO
from tests.node.test_system_actions import begun, go, scenario
from workflow_engine.ports import Letter

HOUR = 3_600_000


@pytest.mark.parametrize("passes", [0, pytest.param(1, marks=pytest.mark.slow), 2])
@pytest.mark.parametrize("step", ["apply", "save", pytest.param("forward", marks=pytest.mark.slow)])
def test_carrying_node_that_is_killed_after_any_step_tells_once(tmp_path: Path, step: str, passes: int) -> None:
    chains = Crossing.begin(telling(), hearing(), storage=SqliteStorage(tmp_path))
    left = [passes]

    def observe(name: str, at: str, _chain: str) -> None:
        if (name, at) == ("carrier", step):
            left[0] -= 1
            if left[0] == -1:
                raise NodeKilled

    chains.here.simulation.observe = observe
    chains.say(WORDS)
    chains.here.simulation.settle(receipts=False)
    assert (chains.here.state("asker"), chains.heard()) == (":success", ["hear"])
    check_equal(chains.here, HERE)
    check_equal(chains.there, THERE)
    chains.here.simulation.close()


def letter_of(chains: Crossing) -> Letter:
    return Letter(
        chain=chains.there.chain,
        body=response("process", "hear", WORDS),
        source=chains.here.chain,
        cause=chains.said["event"],
        idempotency_key="once",
    )


def courier_of(chains: Crossing, own: OwnChains | None = None) -> CourierPlug:
    node = chains.here.node("carrier")
    return CourierPlug(lambda: own or node.chains, lambda: node.engine, node.parts.key.public_key)


def test_what_was_carried_is_known_when_it_is_carried_again_though_the_process_went_on() -> None:
    chains = quiet()
    first = courier_of(chains).carry(letter_of(chains))
    chains.there.act("answerer", "end")
    assert courier_of(chains).carry(letter_of(chains)) == first
    assert refusal(courier_of(chains).carry, replace(letter_of(chains), idempotency_key="twice")).message == REFUSED


def test_copy_that_was_overtaken_by_another_one_says_what_that_one_did() -> None:
    chains = quiet()
    node, carried_by_other = chains.here.node("carrier"), []

    class Overtaken(OwnChains):
        def cite(self, chain: str, hash_: str) -> dict[str, Any]:
            carried_by_other.append(courier_of(chains).carry(letter_of(chains)))
            return super().cite(chain, hash_)

    own = Overtaken(node.eventchain, chains.here.simulation.clock)
    event = courier_of(chains, own).carry(letter_of(chains))
    chains.there.simulation.settle(receipts=False)
    assert ([event], chains.heard()) == (carried_by_other, ["hear"])


class MemoryQueues(LeasedStorage):
    """Keeps queues in memory, since it is the writes to the store that kill."""

    def __init__(self, folder: Path, dies_before: Callable[[str, str], bool]) -> None:
        super().__init__(folder, dies_before)
        self._queues = MemoryStorage()

    def open_broker(self, name: str, clock: Clock) -> Broker:
        return self._queues.open_broker(name, clock)


class Executioner:
    """Kills the carrier at its n-th write, once; counts the writes before."""

    def __init__(self, at: int | None) -> None:
        self.at = at
        self.writes = 0
        self.is_armed = False

    def __call__(self, name: str, _what: str) -> bool:
        if name != "carrier" or not self.is_armed:
            return False
        self.writes += 1
        return self.writes == self.at


def die(folder: Path, at: int | None) -> tuple[Crossing, Executioner]:
    decide = Executioner(at)
    storage = MemoryQueues(folder, decide)
    chains = Crossing.begin(telling(), hearing(), storage=storage)
    decide.is_armed = True
    chains.say(WORDS)
    chains.here.simulation.wait(HOUR)
    storage.close()
    return chains, decide


@pytest.mark.slow
def test_carrying_node_that_is_killed_between_any_two_writes_tells_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "WAIT_SECONDS", 0.0)  # in a simulation nothing happens while one waits
    (tmp_path / "whole").mkdir()
    _, counted = die(tmp_path / "whole", None)
    assert counted.writes > 10
    for at in range(1, counted.writes + 1):
        folder = tmp_path / str(at)
        folder.mkdir()
        chains, _ = die(folder, at)
        assert (at, chains.here.state("asker"), chains.heard()) == (at, ":success", ["hear"])


@pytest.mark.parametrize("write", ["put workflow_states", "delete workflow_states", "insert events"])
def test_system_action_is_not_lost_with_the_node_that_applied_its_response_and_did_not_save_it(
    tmp_path: Path, write: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine of a store that groups nothing is then ahead of the chain: the action seems to be done."""
    monkeypatch.setattr(service, "WAIT_SECONDS", 0.0)
    passes = {"put workflow_states": 2, "delete workflow_states": 2, "insert events": 2}
    is_armed, seen = False, 0

    def dies(name: str, what: str) -> bool:
        nonlocal seen
        seen += is_armed and (name, what) == ("buyer", write)
        return seen == passes[write] and (name, what) == ("buyer", write)

    storage = MemoryQueues(tmp_path, dies)
    nop = scenario({"$schema": "urn:livecontract:action:nop"})
    stage = begun(nop, simulation=Simulation(4, names=TWO, storage=storage))
    is_armed = True
    go(stage)
    stage.simulation.wait(HOUR)
    assert (stage.state("buyer"), stage.state("seller"), seen > passes[write]) == (":success", ":success", True)
