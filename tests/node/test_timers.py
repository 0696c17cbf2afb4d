"""Timeouts and schedules over several nodes: told once, in turn, by whoever is there, and never too early."""

import json
from typing import Any

import pytest

from dispatcher.dispatch import RELAY_POLICY
from eventchain.chain import EventChain, Stub
from eventchain.core import canonical_json
from eventchain.errors import FutureEventError
from eventchain.event import sign
from eventchain.service import CLOCK_TOLERANCE
from livecontract.simulated_party import response
from livecontract.simulation import Simulation
from tests.node.stage import SqliteStorage, Stage, check_equal, refusal
from workflow_engine.errors import ActionNotAvailableError, ActorNotAllowedError
from workflow_engine.ports import HttpRequest, HttpResponse
from workflow_engine.timing import GRACE, LISTENING

NAMES = ("buyer", "seller")
HOUR = 3_600_000

WAITING: dict[str, Any] = {
    "$schema": "urn:livecontract:scenario:1",
    "id": "waiting",
    "actors": {"buyer": {}, "seller": {}},
    "actions": {
        "accept": {"actors": ["buyer", "seller"]},
        "ask": {
            "$schema": "urn:livecontract:action:http",
            "actor": "seller",
            "url": "https://registry.example/entries/1",
            "schedule": {"after": "PT2M", "every": "PT10M", "until": "ok", "max": 5},
            "responses": {"ok": {}, "404": {}, "error": {}},
        },
    },
    "states": {
        "initial": {
            "action": "accept",
            "timeout": "PT1H",
            "transitions": [
                {"action": "accept", "transition": "asking"},
                {"action": ":timeout", "transition": ":cancelled"},
            ],
        },
        "asking": {
            "action": "ask",
            "timeout": "P1D",
            "transitions": [
                {"action": "ask", "response": "ok", "transition": ":success"},
                {"action": ":timeout", "transition": ":failed"},
            ],
        },
    },
}


def waiting(simulation: Simulation | None = None) -> Stage:
    """Two parties in a state that is left after an hour."""
    stage = Stage.of(simulation or Simulation(5, names=NAMES), NAMES).found()
    stage["buyer"].post(stage.chain, WAITING)
    stage["buyer"].start_process(stage.chain, "process", "waiting", {name: name for name in NAMES})
    stage.simulation.settle(receipts=False)
    return stage


def tellers(stage: Stage) -> list[str]:
    """The actors in whose name a timeout was told, on the seller's chain."""
    process = stage.node("seller").workflow.process("process", stage.chain)
    return [item["actor"]["key"] for item in process.previous if item["action"]["key"] == ":timeout"]


def dead_letters(stage: Stage) -> list[Any]:
    return [letter for name in NAMES for letter in stage.node(name).parts.broker.dead_letters()]


def told(stage: Stage, name: str, at: int) -> dict[str, Any]:
    """A timeout signed by a node with any timestamp, as a dishonest one would."""
    tip = stage.node(name).eventchain.tip(stage.chain)
    data = canonical_json.encode(response("process", ":timeout"))
    event = sign(previous=tip.hash, key=stage.node(name).parts.key, timestamp=at, data=data)
    return EventChain(tip.chain, (event,), Stub(tip.hash, tip.state)).to_dict()


def test_timeout_is_told_once_by_the_first_party_where_all_are_there() -> None:
    stage = waiting()
    stage.simulation.wait(HOUR - 60_000)
    assert stage.state("seller") == "initial"
    stage.simulation.wait(120_000)
    assert (stage.state("buyer"), stage.state("seller"), tellers(stage)) == (":cancelled", ":cancelled", ["buyer"])
    assert dead_letters(stage) == []
    check_equal(stage, NAMES)


def test_next_party_tells_after_the_grace_where_the_first_is_silent() -> None:
    stage = waiting()
    stage.simulation.kill("buyer")
    stage.simulation.clock.now += HOUR + GRACE // 2
    for _ in range(20):
        stage.simulation.round()
    assert stage.state("seller") == "initial"
    stage.simulation.clock.now += GRACE // 2
    for _ in range(20):
        stage.simulation.round()
    assert (stage.state("seller"), tellers(stage)) == (":cancelled", ["seller"])
    stage.simulation.settle(receipts=False)  # the buyer's node comes back, after its turn
    stage.simulation.wait(HOUR)
    assert (stage.state("buyer"), tellers(stage)) == (":cancelled", ["seller"])
    assert dead_letters(stage) == []
    check_equal(stage, NAMES)


@pytest.mark.parametrize("minutes", [11, 19, 30, 62, 130])
def test_party_that_comes_back_whenever_it_may_be_makes_no_fork(minutes: int) -> None:
    stage = waiting()
    over = stage.simulation.clock() + HOUR
    stage.simulation.kill("buyer")
    while stage.simulation.clock() < over + minutes * 60_000:  # the seller tells, and tries to reach the buyer
        stage.simulation.clock.now += 60_000
        for _ in range(4):
            stage.simulation.round()
    stage.simulation.start("buyer")
    stage.simulation.wait(60_000)
    stage.simulation.wait(2 * HOUR)
    assert (stage.state("buyer"), tellers(stage), dead_letters(stage)) == (":cancelled", ["seller"], [])
    check_equal(stage, NAMES)


def test_parties_that_all_come_back_late_tell_after_they_have_listened() -> None:
    stage = waiting()
    for name in NAMES:
        stage.simulation.kill(name)
    stage.simulation.clock.now += 5 * HOUR
    stage.simulation.settle(receipts=False)
    assert stage.state("seller") == "initial"
    for _ in range(20):
        stage.simulation.wait(HOUR // 4)
    assert (stage.state("buyer"), stage.state("seller"), len(tellers(stage))) == (":cancelled", ":cancelled", 1)
    check_equal(stage, NAMES)


def test_grace_is_longer_than_clocks_may_differ_and_listening_than_nobody_calls() -> None:
    assert GRACE == 2 * CLOCK_TOLERANCE
    assert RELAY_POLICY.max_delay_ms == LISTENING


def test_timer_survives_a_node_that_is_started_again(tmp_path: Any) -> None:
    stage = waiting(Simulation(5, names=NAMES, storage=SqliteStorage(tmp_path)))
    for name in NAMES:
        stage.simulation.kill(name)
        stage.simulation.start(name)
    stage.simulation.wait(HOUR + 60_000)
    assert (stage.state("buyer"), tellers(stage)) == (":cancelled", ["buyer"])


def test_both_parties_telling_at_once_are_a_fork_and_no_dead_letter() -> None:
    stage = waiting()
    stage.simulation.network.separate(["buyer"], ["seller"])
    for passed in (HOUR, GRACE):
        stage.simulation.clock.now += passed
        for _ in range(20):
            stage.simulation.round()
    assert (stage.state("buyer"), stage.state("seller")) == (":cancelled", ":cancelled")
    assert tellers(stage) == ["seller"]
    stage.simulation.network.heal()
    stage.simulation.settle(receipts=False)
    assert (stage.state("buyer"), stage.state("seller")) == (":cancelled", ":cancelled")
    assert dead_letters(stage) == []


def test_timeout_signed_before_its_time_is_refused_whatever_its_timestamp_says() -> None:
    stage = waiting()
    due = stage.node("buyer").workflow.process("process", stage.chain).current.due_date
    assert due is not None
    stage.simulation.clock.now = due - CLOCK_TOLERANCE - 1
    honest, dated_ahead = told(stage, "buyer", due - 1), told(stage, "buyer", due)
    assert isinstance(refusal(stage["buyer"].send, dated_ahead), FutureEventError)
    stage.simulation.clock.now = due - CLOCK_TOLERANCE
    assert isinstance(refusal(stage["buyer"].send, honest), ActionNotAvailableError)
    stage["buyer"].send(dated_ahead)  # clocks of honest nodes differ by as much
    assert stage.state("buyer") == ":cancelled"


def test_stranger_to_the_process_cannot_tell_of_its_timeout() -> None:
    names = (*NAMES, "inspector")
    stage = Stage.of(Simulation(5, names=names), names).found(members=("seller", "inspector"))
    stage["buyer"].post(stage.chain, WAITING)
    stage["buyer"].start_process(stage.chain, "process", "waiting", {name: name for name in NAMES})
    stage.simulation.settle(receipts=False)
    stage.simulation.clock.now += HOUR
    document = told(stage, "inspector", stage.simulation.clock())
    assert isinstance(refusal(stage["inspector"].send, document), ActorNotAllowedError)


class Registry:
    """Knows an entry from the third question on."""

    def __init__(self, known_after: int) -> None:
        self.known_after = known_after
        self.keys: list[str] = []

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.keys.append(request.headers["Idempotency-Key"])
        is_known = len(self.keys) > self.known_after
        body = json.dumps({"name": "Acme"}).encode() if is_known else b"null"
        return HttpResponse(status=200 if is_known else 404, content_type="application/json", body=body)


@pytest.mark.parametrize(("known_after", "asked", "state"), [(2, 3, ":success"), (99, 5, ":failed")])
def test_polling_asks_again_until_there_is_an_answer_or_its_runs_are_over(
    known_after: int, asked: int, state: str
) -> None:
    stage = waiting()
    registry = stage.simulation.world.answer = Registry(known_after)
    stage.act("buyer", "accept")
    stage.simulation.settle(receipts=False)
    for _ in range(6 * 24 + 2):
        stage.simulation.wait(10 * 60_000)
        if stage.state("buyer") != "asking":
            break
    assert (stage.state("buyer"), stage.state("seller")) == (state, state)
    assert len(registry.keys) == len(set(registry.keys)) == asked
    assert dead_letters(stage) == []
    check_equal(stage, NAMES)
