"""A process as data: its JSON form, what instructions see of it, and the texts of moments and durations."""

import dataclasses
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventchain.core import canonical_json, strict_json
from eventchain.core.errors import InvalidError
from workflow_engine import machine, simulate
from workflow_engine.compiling import load
from workflow_engine.durations import add_duration, from_iso, to_iso
from workflow_engine.history import History
from workflow_engine.process import LTO_PROCESS, OWN_PROCESS, Process, context_of, identity_of
from workflow_engine.process_parts import CurrentState
from workflow_engine.view import complete

from .samples import ORDER, Chain

RESPONSES = [
    {"actor": "buyer", "action": "add_line", "data": 1},
    {"actor": "buyer", "action": "order", "data": {"price": 2}},
    {"actor": "seller", "action": "sign"},
    {"actor": "buyer", "action": "sign"},
    {"actor": "seller", "action": "notify", "data": 2},
]


@pytest.mark.parametrize("count", range(len(RESPONSES) + 1))
def test_process_read_from_its_state_is_equal(count: int) -> None:
    process = simulate.play(load(ORDER), RESPONSES[:count])
    state = strict_json.parse(canonical_json.encode(process.state()))
    assert Process.from_state(state, scenario=process.scenario, previous=process.previous) == process


def test_json_form_has_the_members_of_a_process() -> None:
    form = complete(simulate.play(load(ORDER), RESPONSES[:2]))
    assert sorted(form) == sorted(
        [
            "$schema",
            "id",
            "title",
            "scenario",
            "chain",
            "actors",
            "assets",
            "definitions",
            "previous",
            "current",
            "next",
        ]
    )
    assert form["$schema"] == OWN_PROCESS
    response = form["previous"][1]
    assert response == {
        "action": {"$schema": "urn:livecontract:action:manual", "key": "order"},
        "actor": {"identity": {"id": "buyer"}, "key": "buyer", "title": "Buyer"},
        "data": {"price": 2},
        "display": "always",
        "event": "event-2",
        "key": "ok",
        "timestamp": simulate.START + simulate.STEP,
        "title": "Buyer ordered for 2",
    }
    action = form["current"]["actions"]["sign"]
    assert (action["actors"], action["responses"], action["performative"]) == (["buyer", "seller"], {"ok": {}}, True)


def test_process_of_an_lto_scenario_says_so() -> None:
    lto = "https://specs.livecontracts.io/v0.2.0/scenario/schema.json#"
    document = {
        "$schema": lto,
        "actors": {"a": {}},
        "actions": {"go": {"actor": "a"}},
        "states": {"initial": {"action": "go", "transition": ":success"}},
    }
    process = machine.start(load(document), Chain().process(scenario="x", actors={"a": "acme"}))
    assert complete(process)["$schema"] == LTO_PROCESS
    assert [state["key"] for state in complete(process)["next"]] == [":success"]


def test_instructions_see_the_process_but_not_the_forecast() -> None:
    process = simulate.play(load(ORDER), RESPONSES[:2])
    seen = context_of(process)
    assert "next" not in seen
    assert seen["current"]["actor"] == process.actors["buyer"]
    assert seen["current"]["response"] is None
    assert context_of(process, actor="seller")["current"]["actor"] == process.actors["seller"]
    assert identity_of({}) is None


def test_steps_leave_the_history_before_alone() -> None:
    process = simulate.play(load(ORDER), RESPONSES[:3])
    after = simulate.play(load(ORDER), RESPONSES[:4])
    assert after.previous[:3] == process.previous


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


@pytest.mark.parametrize(
    ("start", "duration", "end"),
    [
        ("2026-01-01T00:00:00", "P1DT2H", "2026-01-02T02:00:00"),
        ("2026-01-31T12:00:00", "P1M", "2026-02-28T12:00:00"),
        ("2024-02-29T00:00:00", "P1Y", "2025-02-28T00:00:00"),
        ("2024-01-31T00:00:00", "P1M1D", "2024-03-01T00:00:00"),
        ("2026-11-20T00:00:00", "P2M", "2027-01-20T00:00:00"),
        ("2026-11-20T00:00:00", "P2W", "2026-12-04T00:00:00"),
        ("2026-03-29T00:30:00", "PT24H", "2026-03-30T00:30:00"),
        ("2026-01-01T00:00:00", "PT90S", "2026-01-01T00:01:30"),
        ("2026-01-01T00:00:00", "P0D", "2026-01-01T00:00:00"),
    ],
)
def test_duration_is_counted_in_the_calendar(start: str, duration: str, end: str) -> None:
    assert to_iso(add_duration(moment(start), duration)) == f"{end}.000Z"


@pytest.mark.parametrize(
    "duration",
    ["", "P", "PT", "1D", "P1", "P-1D", "P1.5D", "p1d", "P1H", "P1D ", "P\u0661D", "P9999Y", "PT999999999H", "P1DT"],
)
def test_wrong_duration_is_refused(duration: str) -> None:
    with pytest.raises(InvalidError):
        add_duration(moment("2026-01-01T00:00:00"), duration)


@given(st.integers(0, 253_402_300_799_999))
def test_moment_written_is_read_again(moment: int) -> None:
    assert from_iso(to_iso(moment)) == moment


def test_moment_is_read_with_and_without_zone() -> None:
    assert from_iso("2026-01-01T01:00:00+01:00") == from_iso("2026-01-01") == moment("2026-01-01T00:00:00")
    with pytest.raises(InvalidError):
        from_iso("yesterday")


def test_other_data_and_another_place_leave_everything_else_as_it_is() -> None:
    """Both name each member by itself: one that is added to a process and forgotten there would be lost at a step."""
    members: dict[str, Any] = {field.name: object() for field in dataclasses.fields(Process)}
    process = Process(**{**members, "previous": History()})
    moved = {"title", "actors", "assets"}
    kept = {field.name for field in dataclasses.fields(Process)} - moved
    written = process.with_data("another", {}, {})
    assert {name for name in kept if getattr(written, name) is not getattr(process, name)} == set()
    standing = process.standing_at(cast("CurrentState", object()), None)
    assert {name for name in kept | moved if getattr(standing, name) is not getattr(process, name)} == {"current"}
    given = process.standing_at(process.current, {"key": "ok"})
    assert {name for name in kept | moved if getattr(given, name) is not getattr(process, name)} == {
        "previous",
        "changed",
    }
