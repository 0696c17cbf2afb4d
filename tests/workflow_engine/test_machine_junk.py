"""Whatever is submitted, and whatever the scenario says, the machine steps or gives one of our errors."""

import contextlib
import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from eventchain.core import canonical_json, strict_json
from eventchain.core.errors import LiveContractError
from workflow_engine import machine
from workflow_engine.compiling import load
from workflow_engine.process import Process
from workflow_engine.view import complete

from .samples import ORDER, Chain

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
    | st.sampled_from(["order", "sign", "p", "buyer", "acme", ":timeout", "ok", "initial", ":success"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["key", "id", "price", "lines", "identity", "signed", "<ref>", "<eval>", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
BODIES = st.dictionaries(st.sampled_from(["process", "action", "key", "data", "actor", "$schema"]), JSON)
STARTS = st.dictionaries(st.sampled_from(["id", "scenario", "chain", "title", "actors", "assets", "x-y", "z"]), JSON)
SCENARIO = load(ORDER)

INSTRUCTIONS = st.dictionaries(
    st.sampled_from(["<ref>", "<eval>", "<tpl>", "<if>", "<math>", "<merge>", "<join>", "<equal>", "<sum>"]),
    st.sampled_from(["assets.order.price", "current.actor", "current.response.data", "{{title}}", "previous", "1 + 1"])
    | JSON,
    min_size=1,
    max_size=2,
)
PLACES = st.sampled_from(
    [
        ("states", "signing", "title"),
        ("states", "signing", "timeout"),
        ("states", "initial", "description"),
        ("actions", "sign", "condition"),
        ("actions", "sign", "actors"),
        ("actions", "sign", "description"),
        ("actions", "order", "determine_response"),
        ("actions", "order", "responses", "ok", "title"),
        ("actions", "notify", "data"),
    ]
)


def survives(process: Process) -> None:
    """A process that came out can be written, read again, and asked for everything."""
    form = strict_json.parse(canonical_json.encode(complete(process)))
    again = Process.from_state(form, scenario=process.scenario, previous=tuple(form["previous"]))
    assert canonical_json.encode(complete(again)) == canonical_json.encode(complete(process))
    for action in process.available:
        for actor in process.current.actions[action]["actors"]:
            assert machine.decision_context(again, action, actor) == machine.decision_context(process, action, actor)


@given(st.lists(BODIES | st.just({"process": "p", "action": "order", "data": {"price": 1}}), max_size=5))
def test_any_response_steps_or_is_refused(bodies: list[dict[str, Any]]) -> None:
    chain = Chain()
    process = machine.start(SCENARIO, chain.process())
    for body in bodies:
        for key in ("user", "system"):
            with contextlib.suppress(LiveContractError):
                process = machine.step(process, chain.entry({"process": "p", **body}, key=key))
        survives(process)


@given(STARTS)
def test_any_process_starts_or_is_refused(body: dict[str, Any]) -> None:
    with contextlib.suppress(LiveContractError):
        survives(machine.start(SCENARIO, Chain().entry(body)))


@given(st.lists(st.tuples(PLACES, INSTRUCTIONS), min_size=1, max_size=3), JSON)
def test_any_instruction_in_a_scenario_steps_or_refuses(changes: list[tuple[tuple[str, ...], Any]], data: Any) -> None:
    document = copy.deepcopy(ORDER)
    for (*path, last), instruction in changes:
        target: Any = document
        for part in path:
            target = target[part]
        target[last] = instruction
    chain = Chain()
    try:
        process = machine.start(load(document), chain.process())
    except LiveContractError:
        return
    steps = [("add_line", data), ("order", {"price": 3}), ("sign", None), ("cancel", None)]
    for action, given_data in steps:
        with contextlib.suppress(LiveContractError):
            process = machine.step(process, chain.response(action, data=given_data))
        survives(process)
