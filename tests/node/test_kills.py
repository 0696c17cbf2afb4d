"""A node killed between any two of the eight steps loses nothing and does nothing twice.

The node dies after a step, in a person's request or while it handles its queues; a new one opens the same files.
"""

import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from eventchain.chain import EventChain
from eventchain.core.keys import KeyPair
from livecontract.mail import Mail
from livecontract.simulated_party import Party
from livecontract.simulated_world import Faults
from livecontract.simulation import NodeDownError, NodeKilled, Simulation
from tests.node.stage import SqliteStorage, Stage, check_equal, play_quotation
from workflow_engine.ports import HttpRequest, HttpResponse

pytestmark = pytest.mark.slow

NAMES = ("buyer", "seller", "inspector")
FAULTS = Faults(loss=0.15, answer_loss=0.1, delay=0.1, duplicate=0.15)
STEPS = ("verify", "skip known", "resolve", "apply", "save", "anchor", "trigger", "forward")

MOMENTS: dict[str, tuple[str, int, int]] = {
    "the first event of a chain": ("buyer", 0, 1),
    "an identity that joins": ("buyer", 3, 1),
    "the whole chain at a node that joins": ("seller", 0, 1),
    "an ordinary response": ("buyer", 5, 1),
    "an ordinary response, at the other node": ("seller", 3, 1),
    "the response of the other party": ("seller", 4, 1),
    "the response of the other party, from the queue": ("buyer", 6, 1),
    "the response that triggers": ("buyer", 12, 1),
    "the response of the node itself": ("buyer", 13, 1),
    "the response of the node itself, at the other node": ("seller", 12, 1),
    "the second identity that joins": ("buyer", 15, 1),
    "the whole chain at the second node that joins": ("inspector", 0, 1),
    "the end": ("inspector", 2, 1),
}
"""Who is killed, and how often it passes the step before it is."""

TELLING = ("apply", "save", "forward")
"""A node that dies after these has kept nothing of what came; all but what follows of it; everything."""

EVERY_STEP = {"an ordinary response", "the response that triggers", "the response of the node itself"}
"""Moments at which it dies after the other steps too: they should keep nothing of their own."""

CASES = [(moment, step) for moment in MOMENTS for step in STEPS if step in TELLING or moment in EVERY_STEP]


class Killer:
    """Kills one node the n-th time it passes a step, and once more as often as asked."""

    def __init__(self, name: str, step: str, passes: int, times: int) -> None:
        self.name, self.step = name, step
        self.passes, self.times = passes, times
        self.kills = 0

    def observe(self, name: str, step: str, _chain: str) -> None:
        if (name, step) != (self.name, self.step) or self.kills == self.times:
            return
        if self.passes:
            self.passes -= 1
            return
        self.kills += 1
        raise NodeKilled


class StubbornParty(Party):
    """Somebody who sends again what was not answered, once the node runs again."""

    def send(self, document: Mapping[str, Any], *, to: str | None = None, key: KeyPair | None = None) -> EventChain:
        for _ in range(5):
            try:
                return super().send(document, to=to, key=key)
            except NodeDownError:
                self._simulation.settle(receipts=False)
        raise AssertionError("never answered")


def play(folder: Path, killer: Killer | None = None) -> Stage:
    """Play the whole quotation on SQLite files, while a killer is about."""
    simulation = Simulation(5, storage=SqliteStorage(folder), observe=killer.observe if killer else None)
    stage = Stage(simulation, {name: StubbornParty(simulation, name) for name in NAMES})
    play_quotation(stage)
    simulation.settle()
    return stage


def check(stage: Stage, *, requests: int = 1, mails: int = 2) -> None:
    check_equal(stage)
    assert {stage.state(name) for name in NAMES} == {":success"}
    stories = Counter(f"{event.sign_key} {event.body()}" for event in stage.canonical("buyer").events)
    assert set(stories.values()) == {1}
    assert len(stories) == 18
    made = stage.simulation.world.requests
    assert len({request.headers["Idempotency-Key"] for request in made}) == 1
    assert 1 <= len(made) <= requests
    assert len({mail.attachments[0].data for mail in stage.simulation.world.mails}) == 2
    assert len(stage.simulation.world.mails) <= mails
    for name in NAMES:
        node = stage.node(name)
        assert node.parts.broker.dead_letters() == []
        assert not node.eventchain.archive.conflicts(stage.id)
        assert all(node.receipts.of_chain(stage.id).values())
    stage.simulation.close()


@pytest.mark.parametrize(("moment", "step"), CASES)
def test_node_killed_after_a_step_goes_on_where_it_was(tmp_path: Path, moment: str, step: str) -> None:
    name, passes, times = MOMENTS[moment]
    killer = Killer(name, step, passes, times)
    stage = play(tmp_path, killer)
    assert killer.kills == 1
    check(stage)


@pytest.mark.parametrize("step", TELLING)
def test_node_killed_again_and_again_at_the_same_place_gets_past_it(tmp_path: Path, step: str) -> None:
    killer = Killer("buyer", step, 12, 3)
    stage = play(tmp_path, killer)
    assert killer.kills == 3
    check(stage)


@pytest.mark.parametrize("seed", range(6))
def test_nodes_killed_anywhere_all_the_time_still_play_the_contract(tmp_path: Path, seed: int) -> None:
    chance, kills = random.Random(seed), []

    def observe(name: str, step: str, _chain: str) -> None:
        if chance.random() < 0.05:
            kills.append((name, step))
            raise NodeKilled

    simulation = Simulation(seed, storage=SqliteStorage(tmp_path), observe=observe, faults=FAULTS)
    stage = Stage(simulation, {name: StubbornParty(simulation, name) for name in NAMES})
    play_quotation(stage)
    simulation.settle()
    assert kills
    check(stage)


def test_request_to_the_world_is_repeated_under_the_same_key(tmp_path: Path) -> None:
    """The node dies after the other side has taken the request, before it could note the answer."""
    simulation = Simulation(5, storage=SqliteStorage(tmp_path))
    stage = Stage(simulation, {name: StubbornParty(simulation, name) for name in NAMES})
    answered: list[HttpRequest] = []

    def answer(request: HttpRequest) -> HttpResponse:
        answered.append(request)
        if len(answered) == 1:
            raise NodeKilled
        return HttpResponse(status=200, content_type="application/json", body=b"{}")

    simulation.world.answer = answer
    play_quotation(stage)
    simulation.settle()
    assert len(answered) == 2
    check(stage, requests=2)


def test_invitation_is_sent_again_with_the_same_key(tmp_path: Path) -> None:
    simulation = Simulation(5, storage=SqliteStorage(tmp_path))
    stage = Stage(simulation, {name: StubbornParty(simulation, name) for name in NAMES})
    world = simulation.world

    def hear(_mail: Mail) -> None:
        if len(world.mails) == 1:
            raise NodeKilled

    world.hear = hear
    play_quotation(stage)
    simulation.settle()
    assert [mail.to for mail in world.mails] == ["seller@example.com"] * 2 + ["inspector@example.com"]
    check(stage, mails=3)
