"""Random scenarios of the whole machine, and walking two scenarios side by side."""

from typing import Any

from hypothesis import strategies as st

from eventchain.core.entry import Entry
from workflow_engine import machine, simulate
from workflow_engine.errors import ActionNotAvailableError
from workflow_engine.process import Process
from workflow_engine.scenario import TIMEOUT, Scenario

STATES = ["initial", "one", "two", "three"]
TARGETS = [*STATES, ":success", ":failed", ":cancelled", "over"]
ACTIONS = {"a": ["ok", "no"], "b": ["ok"], "call": ["ok", "error"], "wait": ["ok"]}
CONDITIONS: list[Any] = [
    None, True, False, {"<eval>": "assets.data.flag"}, {"<equal>": [{"<ref>": "assets.data.flag"}, False]},
    {"<eval>": "{a: assets.data.flag}.a"},
]  # fmt: skip

PEOPLE, NODES = ["a", "b"], ["call", "wait"]


def transitions_of(actions: list[str], targets: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "action": st.sampled_from([*actions, None, TIMEOUT]),
            "response": st.sampled_from(["ok", "no", "error", None, None]),
            "condition": st.sampled_from(CONDITIONS),
            "transition": st.sampled_from(targets),
        }
    ).filter(lambda item: item["action"] in (None, TIMEOUT) or item["response"] in (None, *ACTIONS[item["action"]]))


def states_of(actions: list[str], targets: list[str], least: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "title": st.sampled_from([None, "A title", {"<ref>": "title"}]),
            "actions": st.lists(st.sampled_from(actions), unique=True, min_size=least),
            "transitions": st.lists(transitions_of(actions, targets), min_size=least, max_size=5),
            "timeout": st.sampled_from([None, None, "P1D", {"<ref>": "definitions.days"}]),
        }
    )


def scenario_of(states: list[dict[str, Any]], allowed: list[str]) -> dict[str, Any]:
    """A scenario in which every response writes its data into a flag that conditions read."""
    update = {"select": "assets.data.flag", "patch": False}
    kinds = {"call": "http", "wait": "nop"}
    return {
        "$schema": "urn:livecontract:scenario:1",
        "actors": {"seller": {"title": "Seller"}, "buyer": {}},
        "assets": {"data": {"properties": {"flag": {"type": "boolean"}}}},
        "definitions": {"days": "P3D"},
        "allow_actions": allowed,
        "actions": {
            key: {
                "$schema": f"urn:livecontract:action:{kinds.get(key, 'manual')}",
                "title": key.upper(),
                "actors": ["buyer"] if key == "a" else ["seller", "buyer"],
                "responses": {name: {"title": f"{name}!", "update": update} for name in responses},
                **({"url": "https://example.org"} if key == "call" else {}),
            }
            for key, responses in ACTIONS.items()
        },
        "states": {
            **{
                key: {name: value for name, value in state.items() if value is not None}
                for key, state in zip(STATES, states, strict=True)
            },
            "over": {"title": "Over"},
        },
    }


SCENARIOS = st.builds(
    lambda first, people, nodes, allowed: scenario_of([first, *people, nodes], allowed),
    states_of(PEOPLE, TARGETS, 1),
    st.lists(states_of(PEOPLE, TARGETS, 0), min_size=2, max_size=2),
    states_of(NODES, [key for key in TARGETS if key != "three"], 0),  # no circle of nodes alone
    st.lists(st.sampled_from(["b"]), unique=True, max_size=1),
)

Label = tuple[str, str, bool]


def after(process: Process, action: str, response: str, flag: bool) -> Process:
    """The process after a response, or after its deadline."""
    is_timeout = action == TIMEOUT
    actor = min(process.actors) if is_timeout else process.current.actions[action]["actors"][0]
    body = {"process": simulate.PROCESS, "action": action, "actor": actor}
    if not is_timeout:
        body |= {"key": response, "data": flag}
    moment = process.current.due_date if is_timeout else process.current.timestamp + 1
    entry = Entry(
        chain=simulate.CHAIN,
        hash="event",
        previous="event",
        timestamp=moment or 0,
        body=body,
        signer="",
        identity=actor,
        key_names=frozenset({"user", "system"}),
        members=frozenset(),
    )
    return machine.step(process, entry)


def moves(process: Process) -> dict[Label, Process]:
    """Everything that can happen next to a process, and the process then."""
    found: dict[Label, Process] = {}
    for key in process.available:
        for response in process.scenario.actions[key].responses:
            for flag in (True, False):
                found[key, response, flag] = after(process, key, response, flag)
    try:
        if process.current.due_date is not None and not process.is_finished:
            found[TIMEOUT, "", False] = after(process, TIMEOUT, "", False)
    except ActionNotAvailableError:
        pass
    return found


MOST = 40
"""Configurations that are walked through: more than the states of most scenarios, so that a walk takes little time."""


def assert_same_machine(one: Scenario, other: Scenario) -> int:
    """Walk both side by side through what can be reached; return how much that was."""
    todo, seen = [(simulate.start(one), simulate.start(other))], set()
    while todo and len(seen) < MOST:
        first, second = todo.pop()
        current = (first.current, first.assets, first.is_finished)
        assert current == (second.current, second.assets, second.is_finished)
        key = (first.current.key, str(first.assets), first.current.answered, first.current.due_date is None)
        if key in seen:
            continue
        seen.add(key)
        ways, others = moves(first), moves(second)
        assert ways.keys() == others.keys()
        todo += [(ways[label], others[label]) for label in ways]
    return len(seen)
