"""Explicit synchronisation between nodes, in both forms (paper section 13.2): all acknowledge, or nobody objects."""

from typing import Any

import pytest

from eventchain.core.keys import KeyPair
from livecontract.simulated_party import response
from livecontract.simulation import Simulation
from tests.node.stage import Stage, check_equal, refusal
from workflow_engine.errors import ActionNotAvailableError

NAMES = ("announcer", "member_1", "member_2")
DAY = 24 * 60 * 60 * 1000
ALL, SILENCE = "synchronise-all", "synchronise-silence"
SAID = {"subject": "All goods of the order of 3 March have been delivered."}
OBJECTION = {"reason": "Two crates have not come."}


def begin(scenario: str) -> Stage:
    stage = Stage.of(Simulation(8, names=NAMES), NAMES).found("announcer", NAMES[1:])
    stage.start(scenario, {name: name for name in NAMES}, "announcer")
    return stage


def act(stage: Stage, name: str, action: str, data: object = None) -> None:
    stage.act(name, action, data)
    stage.simulation.settle(receipts=False)


def announce(stage: Stage, **more: Any) -> None:
    act(stage, "announcer", "announce", {**SAID, **more})


def states(stage: Stage) -> set[str]:
    return {stage.state(name) for name in NAMES}


def test_it_goes_on_when_every_member_who_takes_part_has_acknowledged() -> None:
    stage = begin(ALL)
    announce(stage)
    act(stage, "member_2", "acknowledge")
    assert states(stage) == {"announced"}
    act(stage, "member_1", "acknowledge")
    assert states(stage) == {":success"}
    check_equal(stage, NAMES)


def test_it_does_not_go_on_where_one_is_silent() -> None:
    stage = begin(ALL)
    announce(stage)
    act(stage, "member_1", "acknowledge")
    stage.simulation.wait(7 * DAY)
    assert states(stage) == {":cancelled"}
    check_equal(stage, NAMES)


@pytest.mark.parametrize(("scenario", "more"), [(ALL, {}), (SILENCE, {"days": 7})])
def test_one_objection_is_enough_to_stop_it_everywhere(scenario: str, more: dict[str, Any]) -> None:
    stage = begin(scenario)
    announce(stage, **more)
    act(stage, "member_2", "object", OBJECTION)
    assert states(stage) == {":failed"}
    process = stage.node("announcer").workflow.process("process", stage.chain)
    assert process.assets["objection"] == {"by": "Member 2", **OBJECTION}
    check_equal(stage, NAMES)


def test_silence_of_all_is_consent_and_not_before_the_days_are_over() -> None:
    stage = begin(SILENCE)
    announce(stage, days=3)
    stage.simulation.wait(2 * DAY)
    assert states(stage) == {"open"}
    stage.simulation.wait(DAY)
    assert states(stage) == {":success"}
    check_equal(stage, NAMES)


def test_announcement_that_is_dated_back_leaves_the_others_all_their_days() -> None:
    stage = begin(SILENCE)
    clock, announcer = stage.simulation.clock, stage["announcer"]
    clock.now -= 30 * DAY
    document = announcer.sign(stage.chain, response("process", "announce", {**SAID, "days": 7}))
    clock.now += 30 * DAY
    announcer.send(document)
    announced = clock.now
    stage.simulation.settle(receipts=False)
    assert states(stage) == {"open"}
    due_date = stage.node("member_2").workflow.process("process", stage.chain).current.due_date
    assert due_date is not None
    assert due_date >= announced + 7 * DAY
    announcer.key = KeyPair.from_seed_phrase("announcer node")
    error = refusal(announcer.post, stage.chain, response("process", ":timeout"))
    assert isinstance(error, ActionNotAvailableError)
