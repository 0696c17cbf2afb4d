"""Entering a state, with what was worked out ahead, against evaluating everything: same process, errors and price."""

import copy
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventchain.core.errors import LiveContractError
from workflow_engine import machine, simulate, state_entry
from workflow_engine.compiling import load
from workflow_engine.errors import InvalidInstructionError
from workflow_engine.operators import Budget
from workflow_engine.operators.budget import MAX_STEPS
from workflow_engine.process import Process
from workflow_engine.scenario import Scenario

from . import slow
from .samples import ORDER, Chain

TEXTS = st.sampled_from(
    [
        None,
        "Sign",
        {"<tpl>": "{{title}} {{previous.0.key}} {{current.title}}"},
        {"<ref>": "current.due_date"},
        {"<ref>": "previous"},
        {"<eval>": "length(previous)"},
        {"<ref>": ""},
    ]
)
VALUES = st.sampled_from(
    [
        {"a": [1, {"b": None}], "c": "d"},
        {"a": [1, {"<ref>": "assets.order.price"}]},
        [[], {}, [1, 2]],
        {"<ref>": "previous"},
        {"<eval>": "previous[-1].data"},
        "text",
        None,
    ]
)
TIMEOUTS = st.sampled_from([None, "P7D", {"<ref>": "title"}, {"<if>": {"condition": True, "then": "PT1H"}}])
ACTORS = st.sampled_from(
    [
        ["buyer"],
        ["seller", "buyer"],
        {"<ref>": "current.actor.key"},
        {"<merge>": [["buyer"], [1, "nobody", "buyer"]]},
        {"<ref>": "title"},
        {"<sum>": [1]},
    ]
)
CONDITIONS = st.sampled_from(
    [True, False, {"<eval>": "current.actor.key == 'buyer'"}, {"<eval>": "length(previous) > `1`"}]
)
PLACES: dict[tuple[str, ...], st.SearchStrategy[Any]] = {
    ("states", "signing", "title"): TEXTS,
    ("states", "signing", "description"): TEXTS,
    ("states", "signing", "instructions"): st.dictionaries(st.sampled_from(["buyer", "seller"]), TEXTS),
    ("states", "signing", "timeout"): TIMEOUTS,
    ("actions", "sign", "title"): TEXTS,
    ("actions", "sign", "description"): TEXTS,
    ("actions", "sign", "x-data"): VALUES,
    ("actions", "cancel", "x-more"): VALUES,
    ("actions", "sign", "actors"): ACTORS,
    ("actions", "cancel", "condition"): CONDITIONS,
}
CHANGES = st.lists(
    st.one_of(*(values.map(lambda value, place=place: (place, value)) for place, values in PLACES.items())), max_size=5
)


def scenario_with(changes: list[tuple[tuple[str, ...], Any]]) -> Scenario | None:
    document = copy.deepcopy(ORDER)
    for (kind, key, member), value in changes:
        if member == "actors":
            document[kind][key].pop("actor", None)
        document[kind][key][member] = value
    try:
        return load(document)
    except LiveContractError:
        return None


def entered(enter: Any, process: Process, steps: int) -> Any:
    budget = Budget(steps)
    try:
        after = enter(process, "signing", Chain().response("order"), "buyer", budget)
    except InvalidInstructionError as error:
        return type(error), error.message, error.path
    return json.dumps(after.current.to_dict(), sort_keys=True), after.previous, budget._steps, budget._size


@given(CHANGES, st.integers(0, 80) | st.just(MAX_STEPS))
def test_state_is_entered_as_if_everything_was_evaluated(changes: list[Any], steps: int) -> None:
    scenario = scenario_with(changes)
    if scenario is None:
        return
    process = simulate.play(load(ORDER), [{"actor": "buyer", "action": "add_line", "data": 1}])
    process = Process.from_state(process.state(), scenario=scenario, previous=process.previous)
    assert entered(state_entry.enter, process, steps) == entered(slow.enter, process, steps)


def test_state_that_is_refreshed_sees_the_response_that_refreshed_it() -> None:
    scenario = scenario_with([(("actions", "add_line", "description"), {"<eval>": "previous[-1].data"})])
    assert scenario is not None
    chain = Chain()
    process = machine.start(scenario, chain.process())
    for data in ("chair", "table"):
        process = machine.step(process, chain.response("add_line", data=data))
        assert process.current.actions["add_line"]["description"] == data


@pytest.mark.parametrize("count", [3, 400])
def test_step_makes_no_list_of_a_history_that_nothing_reads(count: int) -> None:
    chain = Chain()
    process = machine.start(load(ORDER), chain.process())
    for number in range(count):
        process = machine.step(process, chain.response("add_line", data=number))
    assert len(process.previous) == count
    assert process.previous._list is None


def calls_of(work: Callable[[], Any]) -> int:
    """How many functions are called: what a step does, whatever else the machine does meanwhile."""
    count = 0

    def see(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(see)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("condition", ["previous[-1].data == `1`", "length(previous) > `1`", "assets.order.price"])
def test_step_after_thousands_of_responses_does_what_it_did_after_ten(condition: str) -> None:
    scenario = scenario_with([(("actions", "add_line", "condition"), {"<eval>": f"({condition}) || `true`"})])
    assert scenario is not None
    chain = Chain()
    process = machine.start(scenario, chain.process())
    process = machine.step(process, chain.response("add_line", data=1))
    given, entry = process.previous[0], chain.response("add_line", data=1)
    counts = []
    for length in (10, 10, 5000):
        state = process.state()
        long = Process.from_state(state, scenario=scenario, previous=[given] * length)
        counts.append(calls_of(lambda long=long: machine.step(long, entry)))
    assert counts[1] == counts[2] > 0
