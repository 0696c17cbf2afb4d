"""Drawings that are to cost a lot to read, and scenarios that are to cost a lot to draw."""

from collections.abc import Callable
from typing import Any

from tests.workflow_engine.exchange import test_bpmn_bombs as refused
from tests.workflow_engine.exchange.pencil import Pencil
from workflow_engine.compiling import load
from workflow_engine.exchange.bpmn_export import scenario_to_bpmn
from workflow_engine.exchange.bpmn_import import bpmn_to_scenario
from workflow_engine.exchange.dot import scenario_to_dot
from workflow_engine.exchange.mermaid import scenario_to_mermaid
from workflow_engine.exchange.scxml import scenario_to_scxml

from .limits import Attack
from .parts import scenario


def drawn(make: Callable[[], bytes]) -> Attack:
    """Return a bomb that is a BPMN file."""
    return lambda: f"{len(bpmn_to_scenario(make())['states'])} states"


def exported(make: Callable[[], Any]) -> Attack:
    """Return a bomb that is a scenario to draw in every notation."""

    def attack() -> str:
        loaded = load(make())
        sizes = [
            len(write(loaded)) for write in (scenario_to_mermaid, scenario_to_dot, scenario_to_scxml, scenario_to_bpmn)
        ]
        return f"{sizes} characters"

    return attack


def gateways(count: int) -> bytes:
    """Forks that each open two branches, one in the other, joined at the end."""
    pencil = Pencil()
    before = pencil.node("startEvent")
    ends = []
    for _ in range(count):
        fork, task = pencil.node("parallelGateway"), pencil.node("userTask")
        pencil.flow(before, fork)
        pencil.flow(fork, task)
        ends.append(task)
        before = fork
    join = pencil.node("parallelGateway")
    for task in ends:
        pencil.flow(task, join)
    pencil.flow(before, join)
    pencil.flow(join, pencil.node("endEvent"))
    return pencil.xml()


def chain_of_gateways(count: int) -> bytes:
    pencil = Pencil()
    before = pencil.node("userTask")
    pencil.flow(pencil.node("startEvent"), before)
    for _ in range(count):
        after = pencil.node("exclusiveGateway")
        pencil.flow(before, after)
        before = after
    pencil.flow(before, pencil.node("endEvent"))
    return pencil.xml()


def dense(states: int, moves: int) -> Any:
    """States that each lead to many others."""
    found = {
        f"s{index}": {
            "actions": ["go"],
            "transitions": [
                {"condition": {"<ref>": "title"}, "transition": f"s{(index * 7 + n) % states}"} for n in range(moves)
            ]
            + [{"transition": ":success"}],
        }
        for index in range(states)
    }
    return scenario(states={"initial": {"action": "go", "transition": "s0"}, **found})


def many_answers() -> Any:
    """Transitions that fit any of many actions with many responses."""
    actions = {
        f"a{index}": {"actor": "one", "responses": {f"r{n}": {} for n in range(32)}, "default_response": "r0"}
        for index in range(60)
    }
    state = {"actions": list(actions), "transitions": [{"condition": {"<ref>": "title"}, "transition": "initial"}] * 60}
    return scenario(
        actions=actions,
        states={"initial": {**state, "transitions": [*state["transitions"], {"transition": ":success"}]}},
    )


BOMBS: dict[str, Attack] = {
    **{name: drawn(make) for name, (make, _) in refused.BOMBS.items()},
    "forks in forks": drawn(lambda: gateways(320)),
    "gateways in a row": drawn(lambda: chain_of_gateways(990)),
    "states that each lead to many others, drawn": exported(lambda: dense(40, 20)),
    "as many states as there may be, drawn": exported(lambda: dense(250, 2)),
    "as many answers as there may be, drawn": exported(many_answers),
}
