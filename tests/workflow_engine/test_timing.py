"""Timeouts and schedules: when something is due, whose turn it is, and what every node refuses."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import VECTORS as TEST_VECTORS
from workflow_engine import machine
from workflow_engine.compiling import load
from workflow_engine.due import due
from workflow_engine.durations import from_iso
from workflow_engine.errors import ActionNotAvailableError
from workflow_engine.process import Process
from workflow_engine.schedule import MIN_INTERVAL
from workflow_engine.timing import GRACE, LISTENING, LONGEST_ROUND, Turn, next_run, turns

from .samples import DAY, OWN, PROCESS, Chain

HOUR = 3_600_000
MINUTE = 60_000


def polling(schedule: dict[str, Any] | None, *, timeout: Any = "P7D", actors: int = 3) -> dict[str, Any]:
    """A scenario that waits for a node's answer `found`, or its timeout; `none` and `error` lead nowhere."""
    action = {
        "$schema": "urn:livecontract:action:nop",
        "actors": ["b", "a"],
        "responses": {"found": {}, "none": {}, "error": {}},
        "default_response": "none",
    }
    return {
        "$schema": OWN,
        "id": "polling",
        "actors": {name: {} for name in "abc"[:actors]},
        "assets": {"wait": {"type": "string", "default": "PT1S"}},
        "actions": {
            "ask": action if schedule is None else {**action, "schedule": schedule},
            "note": {"actors": ["a", "b", "c"][:actors], "responses": {"ok": {}}},
        },
        "states": {
            "initial": {
                "actions": ["ask", "note"],
                "timeout": timeout,
                "transitions": [
                    {"action": "ask", "response": "found", "transition": ":success"},
                    {"action": ":timeout", "transition": ":cancelled"},
                ],
            }
        },
    }


IDENTITIES = {"a": "acme", "b": "beta", "c": "acme"}


def begun(document: dict[str, Any], at: int = 1_000_000, **identities: str) -> tuple[Process, Chain]:
    chain = Chain()
    actors = identities or {key: IDENTITIES[key] for key in document["actors"]}
    return machine.start(
        load(document), chain.entry({"$schema": PROCESS, "scenario": "polling", "id": "p", "actors": actors}, at=at)
    ), chain


def answered(process: Process, chain: Chain, key: str, at: int) -> Process:
    return machine.step(process, chain.response("ask", "beta", signed_with="system", key=key, at=at))


def turn_of(rank: int, parties: int) -> Turn:
    return Turn(actor="", identity="", due_date=0, rank=rank, parties=parties)


# --- Timeouts


def test_parties_tell_of_a_timeout_in_the_order_of_their_actors_a_grace_apart_and_each_once() -> None:
    process, _ = begun(polling(None))
    over = 1_000_000 + 7 * DAY
    assert [(turn.actor, turn.identity) for turn in turns(process)] == [("a", "acme"), ("b", "beta")]
    first, second = turns(process)
    for passed, told in {
        -1: None,
        0: first,
        GRACE - 1: first,
        GRACE: second,
        2 * GRACE: first,
        4 * GRACE: second,
    }.items():
        assert [turn for turn in (first, second) if turn.has_come(over + passed, 0)] == [told] * (told is not None)


@given(st.integers(0, 400 * DAY), st.integers(1, 3))
def test_at_any_moment_after_the_due_date_it_is_up_to_exactly_one_party(passed: int, parties: int) -> None:
    assert sum(turn_of(rank, parties).has_come(passed, 0) for rank in range(parties)) == 1


@given(st.integers(0, 400 * DAY), st.integers(0, 2))
def test_silent_parties_hold_up_each_other_no_longer_than_it_is_over_already(passed: int, rank: int) -> None:
    turn = turn_of(rank, 3)
    others = 2 * max(GRACE, min(passed, GRACE << LONGEST_ROUND))
    assert any(turn.has_come(passed + wait, 0) for wait in range(0, 2 * others + 1, GRACE))


@given(st.integers(-DAY, DAY), st.integers(0, DAY), st.integers(0, 2))
def test_node_that_was_away_in_the_turn_of_another_listens_before_it_tells(up: int, passed: int, rank: int) -> None:
    turn = turn_of(rank, 3)
    missed = up > (GRACE if rank == 0 else 0)
    if missed and passed < LISTENING:
        assert not turn.has_come(up + passed, up)
    else:
        assert turn.has_come(up + passed, up) == turn.has_come(up + passed, -DAY)


def test_only_party_of_a_process_has_nobody_to_listen_to() -> None:
    assert turn_of(0, 1).has_come(DAY, DAY)


def test_actor_who_is_nobody_yet_has_no_turn() -> None:
    process, _ = begun(polling(None), c="acme")
    assert [turn.actor for turn in turns(process)] == ["c"]


def test_nobody_tells_of_a_timeout_that_leads_nowhere() -> None:
    document = polling(None)
    del document["states"]["initial"]["transitions"][1]
    process, _ = begun(document)
    assert process.current.due_date is not None
    assert turns(process) == ()


def test_timeout_is_told_by_any_party_after_the_due_date_and_by_none_before() -> None:
    process, chain = begun(polling(None))
    over = 1_000_000 + 7 * DAY
    for identity in ("acme", "beta"):
        with pytest.raises(ActionNotAvailableError, match="not over"):
            machine.step(process, chain.response(":timeout", identity, signed_with="system", at=over - 1))
        told = machine.step(process, chain.response(":timeout", identity, signed_with="system", at=over))
        assert told.current.key == ":cancelled"


def test_timeout_that_was_told_is_refused_when_it_is_told_again() -> None:
    process, chain = begun(polling(None))
    over = 1_000_000 + 7 * DAY
    told = machine.step(process, chain.response(":timeout", signed_with="system", at=over))
    with pytest.raises(ActionNotAvailableError):
        machine.step(told, chain.response(":timeout", "beta", signed_with="system", at=over + GRACE))
    assert due(told) == ()


def test_timeout_whose_length_the_process_decides_is_not_told_at_once() -> None:
    process, _ = begun(polling(None, timeout={"<ref>": "assets.wait"}))
    assert process.current.due_date == 1_001_000
    assert turns(process)[0].due_date == 1_000_000 + MIN_INTERVAL


# --- Schedules


def test_action_without_a_schedule_is_due_at_once_and_once() -> None:
    process, chain = begun(polling(None))
    first = due(process)[0]
    assert (first.action, first.actor, first.not_before, first.is_timed) == ("ask", "b", 0, False)
    assert [item.action for item in due(answered(process, chain, "none", 2_000_000))] == [":timeout", ":timeout"]


def test_delayed_action_is_due_after_its_time_and_refused_before() -> None:
    process, chain = begun(polling({"after": "PT1H"}))
    [waiting] = [item for item in due(process) if item.action == "ask"]
    assert (waiting.not_before, waiting.event, waiting.is_timed) == (1_000_000 + HOUR, "chain/0", True)
    with pytest.raises(ActionNotAvailableError, match="not due yet"):
        answered(process, chain, "found", 1_000_000 + HOUR - 1)
    assert answered(process, chain, "found", 1_000_000 + HOUR).is_finished


def test_polling_goes_on_so_long_after_each_response_for_a_cause_of_its_own() -> None:
    process, chain = begun(polling({"every": "PT1H"}))
    assert next_run(process, "ask") == next_run(process, "ask")
    causes = []
    at = 1_000_000
    for _ in range(3):
        run = next_run(process, "ask")
        assert run is not None
        assert run.not_before == at
        causes.append(run.cause)
        process = answered(process, chain, "none", at + 5)
        at += 5 + HOUR
    assert len(set(causes)) == 3


def test_polling_ends_after_its_last_run_and_nobody_can_go_on() -> None:
    process, chain = begun(polling({"every": "PT1M", "max": 2}))
    for at in (1_000_000, 1_000_000 + MINUTE):
        process = answered(process, chain, "none", at)
    assert next_run(process, "ask") is None
    with pytest.raises(ActionNotAvailableError, match="as often"):
        answered(process, chain, "found", 1_000_000 + DAY)


def test_polling_ends_with_the_response_it_waits_for() -> None:
    process, chain = begun(polling({"every": "PT1M", "until": "error"}))
    process = answered(process, chain, "error", 1_000_000)
    assert next_run(process, "ask") is None


def test_responses_of_people_do_not_count_as_runs() -> None:
    process, chain = begun(polling({"every": "PT1M", "max": 1}))
    process = machine.step(process, chain.response("note", at=1_000_001))
    assert next_run(process, "ask") is not None


def test_polling_begins_anew_when_the_state_is_entered_again() -> None:
    document = polling({"after": "PT1M", "every": "PT1M", "max": 1})
    document["states"]["initial"]["transitions"].insert(0, {"action": "note", "transition": "initial"})
    process, chain = begun(document)
    process = answered(process, chain, "none", 1_000_000 + MINUTE)
    assert next_run(process, "ask") is None
    process = machine.step(process, chain.response("note", at=5_000_000))
    run = next_run(process, "ask")
    assert run is not None
    assert run.not_before == 5_000_000 + MINUTE


@pytest.mark.parametrize("at", [-(2**62), -62_135_596_800_001])
def test_schedule_counted_from_what_is_no_date_is_never_due(at: int) -> None:
    process, _ = begun(polling({"after": "P1D"}, timeout=None), at=at)
    assert due(process) == ()


def test_scheduled_action_does_not_hold_up_another_one() -> None:
    document = polling({"after": "P1D"})
    document["actions"]["tell"] = {"$schema": "urn:livecontract:action:nop", "actor": "a"}
    document["states"]["initial"]["actions"].append("tell")
    process, _ = begun(document)
    assert [item.action for item in due(process) if item.action != ":timeout"] == ["ask", "tell"]


@given(st.lists(st.tuples(st.integers(-5, 5 * 60_000), st.sampled_from(["none", "error"])), max_size=12))
def test_no_run_is_earlier_than_its_interval_and_there_are_no_more_than_the_maximum(
    tries: list[tuple[int, str]],
) -> None:
    process, chain = begun(polling({"after": "PT2M", "every": "PT1M", "max": 4}))
    clock, runs = 1_000_000, [1_000_000 + MINUTE]
    for passed, key in tries:
        clock += passed
        is_due = clock >= runs[-1] + MINUTE and len(runs) <= 4
        try:
            process = answered(process, chain, key, clock)
        except ActionNotAvailableError:
            assert not is_due
        else:
            assert is_due
            runs.append(clock)


# --- Vectors, which other implementations can follow

VECTORS = json.loads((TEST_VECTORS / "timing.json").read_text())


@pytest.mark.parametrize("vector", VECTORS["turns"], ids=str)
def test_turns_are_those_of_the_vectors(vector: dict[str, Any]) -> None:
    parties = vector["parties"]
    now = [rank for rank in range(parties) if turn_of(rank, parties).has_come(vector["waited"], -1)]
    assert now == ([] if vector["rank"] is None else [vector["rank"]])
    assert VECTORS["grace"] == GRACE


@pytest.mark.parametrize("vector", VECTORS["runs"], ids=str)
def test_runs_are_those_of_the_vectors(vector: dict[str, Any]) -> None:
    process, chain = begun(polling(vector["schedule"]), at=from_iso(vector["entered"]))
    for at, key in vector["responses"]:
        process = answered(process, chain, key, from_iso(at))
    run = next_run(process, "ask")
    assert (None if run is None else run.not_before) == (vector["due"] and from_iso(vector["due"]))


# --- Ids


def test_scenario_without_a_schedule_keeps_its_name() -> None:
    plain, scheduled = load(polling(None)), load(polling({"after": "P1D"}))
    assert "schedule" not in plain.normal_form["actions"]["ask"]
    assert plain.id != scheduled.id
    assert load(scheduled.normal_form).id == scheduled.id


def test_lto_scenario_keeps_a_member_called_schedule_as_it_was() -> None:
    document = {**polling({"after": "P1D"}), "$schema": "https://specs.livecontracts.io/v0.2.0/scenario/schema.json#"}
    document["actions"]["ask"]["$schema"] = "https://specs.livecontracts.io/v0.2.0/action/nop/schema.json#"
    process, _ = begun(document)
    assert process.scenario.actions["ask"].schedule is None
    assert process.current.actions["ask"]["schedule"] == {"after": "P1D"}
