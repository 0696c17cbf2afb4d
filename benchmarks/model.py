"""Checking scenarios by exploring them, against the time that somebody who writes one will wait.

The forms are made: a chain of rounds of four states. In each, one party makes an offer with an amount, on which a
condition decides; the other accepts, refuses or sends it back; one signs; time may run out. They are larger than a
scenario may be, so they go to the explorer directly. A check is exploring, all rules of behaviour, and the table of the
game.
"""

import tracemalloc
from typing import Any

from benchmarks.measure import Figure, compare, timed
from benchmarks.sizes import Sizes
from workflow_engine.compiling import compile_scenario
from workflow_engine.model import game
from workflow_engine.model.examination import findings_of
from workflow_engine.model.explore import Limits, explore
from workflow_engine.model.graph import Graph
from workflow_engine.normalise import OWN_SCENARIO, normalise
from workflow_engine.scenario import Scenario

NAME = "model"

LIMITS = ((200, 1.0), (1_000, 10.0))
"""States of a scenario, and the seconds that its check may take."""

_BYTES = 1024 * 1024


def run(sizes: Sizes) -> list[Figure]:
    """Measure the check of each size against its limit."""
    return [_figure(min(states, sizes.states), seconds, sizes) for states, seconds in LIMITS]


def _figure(states: int, seconds: float, sizes: Sizes) -> Figure:
    scenario = scenario_of(states)
    graph = explore(scenario, limits=Limits(configurations=100_000, steps=1_000_000))
    ratio, taken, _ = compare(
        timed(lambda: check(scenario)), lambda: seconds, rounds=min(sizes.rounds, 3), meaning="time"
    )
    return Figure(
        benchmark=NAME,
        what=f"check of a scenario of {states} states",
        limit=f"{seconds:g} s, a limit of our own",
        ratio=ratio,
        meaning="time",
        aim=1.0,
        count=states,
        unit="state",
        seconds=taken,
        limit_seconds=seconds,
        details={
            "configurations": f"{len(graph.configurations):,}",
            "moves": f"{sum(len(moves) for moves in graph.moves):,}",
            "memory": f"{_memory(scenario) / _BYTES:.1f} MiB at most",
        },
    )


def check(scenario: Scenario) -> Graph:
    """Do what `livecontract scenario check --game` does, without its limits of size."""
    graph = explore(scenario, limits=Limits(configurations=100_000, steps=1_000_000))
    list(findings_of(scenario, graph))
    game.table(graph, tuple(scenario.actors))
    return graph


def _memory(scenario: Scenario) -> int:
    tracemalloc.start()
    try:
        check(scenario)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def scenario_of(states: int) -> Scenario:
    """Return a compiled scenario of about so many states."""
    rounds = states // 4
    form: dict[str, Any] = {"initial": _asking("offered-0")}
    for number in range(rounds):
        following = f"asking-{number + 1}" if number + 1 < rounds else ":success"
        form[f"offered-{number}"] = _offered(number)
        form[f"large-{number}"] = _answering(f"signing-{number}")
        form[f"signing-{number}"] = _signing(following)
        if following != ":success":
            form[following] = _asking(f"offered-{number + 1}")
    return compile_scenario(normalise(_document(form)))


def _asking(following: str) -> dict[str, Any]:
    return {
        "actions": ["offer", "stop"],
        "timeout": "P7D",
        "transitions": [
            {"action": "offer", "transition": following},
            {"action": "stop", "transition": ":cancelled"},
            {"action": ":timeout", "transition": ":cancelled"},
        ],
    }


def _offered(number: int) -> dict[str, Any]:
    large = {"<eval>": "assets.offer.amount > `1000`"}
    return {
        "actions": ["accept", "refuse", "send_back"],
        "timeout": "P7D",
        "transitions": [
            {"action": "accept", "condition": large, "transition": f"large-{number}"},
            {"action": "accept", "transition": f"signing-{number}"},
            {"action": "send_back", "transition": f"asking-{number}" if number else "initial"},
            {"action": "refuse", "transition": ":failed"},
            {"action": ":timeout", "transition": ":cancelled"},
        ],
    }


def _answering(following: str) -> dict[str, Any]:
    return {
        "actions": ["approve", "refuse"],
        "timeout": "P7D",
        "transitions": [
            {"action": "approve", "transition": following},
            {"action": "refuse", "transition": ":failed"},
            {"action": ":timeout", "transition": ":failed"},
        ],
    }


def _signing(following: str) -> dict[str, Any]:
    return {
        "actions": ["sign", "stop"],
        "timeout": "P7D",
        "transitions": [
            {"action": "sign", "transition": following},
            {"action": "stop", "transition": ":cancelled"},
            {"action": ":timeout", "transition": ":cancelled"},
        ],
    }


def _document(states: dict[str, Any]) -> dict[str, Any]:
    offer = {"amount": {"type": "integer", "minimum": 1, "maximum": 100_000}}
    return {
        "$schema": OWN_SCENARIO,
        "actors": {"buyer": {}, "seller": {}, "manager": {}},
        "assets": {"offer": {"properties": offer}},
        "actions": {
            "offer": {
                "actor": "seller",
                "responses": {
                    "ok": {
                        "schema": {"type": "object", "properties": offer, "required": ["amount"]},
                        "update": "assets.offer",
                    }
                },
            },
            "accept": {"actor": "buyer"},
            "refuse": {"actors": ["buyer", "manager"]},
            "send_back": {"actor": "buyer", "update": {"select": "assets.offer", "data": None, "patch": False}},
            "approve": {"actor": "manager"},
            "sign": {"actors": ["buyer", "seller"]},
            "stop": {"actors": ["seller", "buyer"]},
        },
        "states": states,
    }
