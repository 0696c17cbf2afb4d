"""Scenarios that are to cost a lot when a person has them explored, compared or tested."""

from collections.abc import Callable
from typing import Any

from workflow_engine.compiling import load
from workflow_engine.difference import differences
from workflow_engine.model import Limits, comparison, examine, game
from workflow_engine.normalise import read
from workflow_engine.scenario import Scenario
from workflow_engine.testing.coverage import Coverage
from workflow_engine.testing.generating import generate
from workflow_engine.testing.mutants import mutants

from .limits import Attack
from .parts import doubling, scenario

SMALL = Limits(configurations=300, steps=800)
"""A bound as a person may ask for, so that a bomb shows what one step costs beside what the default bound allows."""


def explored(make: Callable[[], Any], limits: Limits = SMALL) -> Attack:
    """Return a bomb that is explored, with the table of its game."""

    def attack() -> str:
        found = examine(make(), limits=limits)
        graph = found.graph
        if graph is None or found.scenario is None:
            return f"not explored: {found.findings[0].problem.message[:150]}"
        parties = tuple(found.scenario.actors)
        ends = sum(len(row) for row in game.table(graph, parties).values())
        return f"{len(graph.configurations)} configurations, {graph.steps} steps, {ends} ends, {graph.bound}"

    return attack


def counters(count: int) -> Any:
    """Numbers that are counted up one by one: their product is the number of configurations."""
    names = [f"n{index}" for index in range(count)]
    add = {
        name: {"actor": "one", "update": {"select": f"assets.{name}", "data": {"<eval>": f"assets.{name} + 1"}}}
        for name in names
    }
    ready = " && ".join(f"assets.{name} > 90" for name in names)
    return scenario(
        assets={name: {"type": "integer", "default": 0} for name in names},
        actions={**add, "end": {"actor": "one", "condition": {"<eval>": ready}}},
        states={"initial": {"actions": [*names, "end"], "transitions": [{"action": "end", "transition": ":success"}]}},
    )


def flags(actors: int) -> Any:
    """Every actor may do everything, and each response has a field for each flag."""
    people = {f"p{index}": {} for index in range(actors)}
    flags = {f"f{index}": {"type": "boolean"} for index in range(30)}
    schema = {"type": "object", "properties": flags, "required": list(flags)}
    actions = {
        f"a{index}": {"actors": list(people), "responses": {"ok": {"schema": schema, "update": "assets.flags"}}}
        for index in range(20)
    }
    moves = [{"condition": {"<eval>": f"assets.flags.f{index}"}, "transition": f"s{index}"} for index in range(30)]
    state = {"actions": list(actions), "transitions": [*moves, {"transition": ":success"}]}
    return scenario(
        actors=people,
        assets={"flags": {"properties": flags}},
        actions=actions,
        states={
            "initial": state,
            **{f"s{index}": {**state, "transitions": moves[:5]} for index in range(10)},
            **{f"s{index}": {"actions": ["a0"], "transition": ":success"} for index in range(10, 30)},
        },
    )


def doubled_text() -> Any:
    """Data that is doubled by each response, and decides."""
    text = {"<merge>": [{"<ref>": "assets.text"}, {"<ref>": "assets.text"}]}
    return scenario(
        assets={"text": {"type": "string", "default": "x"}},
        actions={
            "go": {"actor": "one", "update": {"select": "assets.text", "data": text}},
            "end": {"actor": "one", "condition": {"<eval>": "length(assets.text) > 10000000"}},
        },
    )


def doubled_texts() -> Any:
    """Texts that are doubled one by one: every order of doing so waits to be looked at."""
    names = [f"t{index}" for index in range(6)]
    double = {
        name: {
            "actor": "one",
            "update": {
                "select": f"assets.{name}",
                "data": {"<merge>": [{"<ref>": f"assets.{name}"}, {"<ref>": f"assets.{name}"}]},
            },
        }
        for name in names
    }
    long = " && ".join(f"length(assets.{name}) > 10000000" for name in names)
    return scenario(
        assets={name: {"type": "string", "default": "x" * 8_000} for name in names},
        actions={**double, "end": {"actor": "one", "condition": {"<eval>": long}}},
        states={"initial": {"actions": [*names, "end"], "transitions": [{"action": "end", "transition": ":success"}]}},
    )


def history() -> Any:
    """Every order of events is a configuration of its own."""
    names = [f"a{index}" for index in range(20)]
    return scenario(
        actions={
            **{name: {"actor": "one"} for name in names},
            "end": {"actor": "one", "condition": {"<eval>": "previous[3].action.key == 'a0'"}},
        },
        states={"initial": {"actions": [*names, "end"], "transitions": [{"action": "end", "transition": ":success"}]}},
    )


def answered(schema: Any, condition: str = "assets.data") -> Any:
    """A response whose data decides, by a schema for which data has to be made."""
    return scenario(
        assets={"data": {}},
        actions={
            "go": {"actor": "one", "responses": {"ok": {"schema": schema, "update": "assets.data"}}},
            "end": {"actor": "one", "condition": {"<eval>": condition}},
        },
    )


def lists(levels: int, items: int) -> Any:
    schema: Any = {"const": 1}
    for _ in range(levels):
        schema = {"type": "array", "minItems": items, "items": schema}
    return {"type": "object", "properties": {"a": schema}, "required": ["a"]}


def wide(members: int) -> Any:
    names = [f"m{index}" for index in range(members)]
    return {"type": "object", "properties": {name: {"enum": [1, 2, 3]} for name in names}, "required": names}


def timeouts() -> Any:
    """States that time alone leads through."""
    states = {
        f"s{index}": {"timeout": "PT1M", "transitions": [{"action": ":timeout", "transition": f"s{index + 1}"}]}
        for index in range(240)
    }
    return scenario(
        states={
            "initial": {"action": "go", "transition": "s0"},
            **states,
            "s240": {"action": "go", "transition": ":success"},
        }
    )


def heavy_step() -> Any:
    """Each response uses up what a step may cost."""
    heavy = {"<eval>": "length(map(&length(map(&(@ * @), $.definitions.a)), definitions.a))"}
    return scenario(
        definitions={"a": list(range(170))},
        assets={"made": {}},
        actions={
            "go": {"actor": "one", "update": {"select": "assets.made.n", "data": {"<eval>": "assets.made.n + 1 || 1"}}},
            "end": {"actor": "one", "condition": {"<eval>": f"assets.made.n > 200000 && {heavy['<eval>']}"}},
            "look": {"actor": "one", "condition": heavy},
        },
        states={
            "initial": {"actions": ["go", "end", "look"], "transitions": [{"action": "end", "transition": ":success"}]}
        },
    )


def compared(old: Any, new: Any) -> Attack:
    """Return a bomb that is two scenarios to compare."""

    def attack() -> str:
        found = comparison.compare(load(old), load(new), limits=SMALL)
        return f"{len(found.changes)} changes, {len(found.possible)} newly possible, {found.bound}"

    return attack


def written(count: int, step: int) -> Any:
    """Many transitions, in an order of their own."""
    moves = [{"condition": {"<eval>": f"`{(index * step) % 499}`"}, "transition": ":success"} for index in range(count)]
    return scenario(states={"initial": {"actions": ["go", "end"], "transitions": moves}})


def enumerated(count: int, step: int) -> Any:
    return scenario(assets={"a": {"enum": [(index * step) % 4999 for index in range(count)]}})


def repeated(step: int) -> Any:
    """A list of two values, in an order in which nearly everything might match nearly everything."""
    return scenario(definitions={"a": [(index * index // step + index // 3) % 2 for index in range(4900)]})


def differing(old: Any, new: Any) -> Attack:
    """Return a bomb that is two texts to compare."""
    return lambda: f"{len(differences(read(old)[0], read(new)[0]))} differences"


def generated(make: Callable[[], Any], bound: int = 50) -> Attack:
    """Return a bomb for which tests are generated, and whose mutants are counted."""

    def attack() -> str:
        loaded: Scenario = load(make())
        found = generate("bomb", loaded, bound)
        changed = sum(1 for _ in mutants(loaded))
        Coverage().report({})
        return f"{len(found.texts)} features, {changed} mutants"

    return attack


BOMBS: dict[str, Attack] = {
    "counters": explored(lambda: counters(6)),
    "actors who may do everything": explored(lambda: flags(24)),
    "text that doubles and decides": explored(doubled_text),
    "texts that double in every order": explored(doubled_texts, Limits(configurations=300, steps=800)),
    "every order of twenty actions": explored(history),
    "lists of lists to be made": explored(lambda: answered(lists(7, 32))),
    "lists of lists that decide nothing": explored(lambda: answered(lists(6, 32), "assets.data.b")),
    "objects with many choices to be made": explored(lambda: answered(wide(200))),
    "data made by references that double": explored(lambda: answered(doubling(20, leaf={"type": "integer"}))),
    "data made by choices that double": explored(lambda: answered(doubling(20, "anyOf", {"type": "integer"}))),
    "text of a billion characters to be made": explored(
        lambda: answered(
            {"type": "object", "properties": {"a": {"type": "string", "minLength": 10**9}}, "required": ["a"]}
        )
    ),
    "text for nested repetitions to be made": explored(
        lambda: answered(
            {"type": "object", "properties": {"a": {"pattern": "^(((a{10}){10}){9}b?){1}$"}}, "required": ["a"]}
        )
    ),
    "time that leads through all states": explored(timeouts),
    "responses that use up a step": explored(heavy_step, Limits(configurations=40, steps=8)),
    "scenarios that count differently": compared(counters(3), counters(4)),
    "actors who may do everything, compared": compared(flags(8), flags(7)),
    "transitions in another order": differing(written(500, 7), written(500, 11)),
    "lists of two values each": differing(repeated(7), repeated(11)),
    "enumerations in another order": differing(enumerated(4900, 7), enumerated(4900, 11)),
    "tests for counters": generated(lambda: counters(4)),
    "tests for texts that double": generated(doubled_texts, 300),
    "tests for lists of lists": generated(lambda: answered(lists(6, 64))),
    "tests for actors who may do everything": generated(lambda: flags(6)),
    "tests for objects with many choices": generated(lambda: answered(wide(300))),
}
