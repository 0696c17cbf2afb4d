"""Scenarios that are to cost a lot when a process is started, or takes a response."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from eventchain.core import canonical_json
from workflow_engine import simulate, view
from workflow_engine.compiling import load
from workflow_engine.golden_flow import golden_flow
from workflow_engine.process import Process
from workflow_engine.proofs import group, sigma, statement

from .limits import Attack
from .parts import doubling, instructions, scenario

GO = {"actor": "one", "action": "go"}


def played(make: Callable[[], Any], responses: Sequence[Any] = (GO,)) -> Attack:
    """Return a bomb that is a scenario, and the responses that are played on it."""
    return lambda: told(simulate.play(load(make()), responses))


def told(process: Process) -> str:
    """Say how large a process has become, its form for people included."""
    size = len(canonical_json.encode(view.complete(process)))
    ahead = len(golden_flow(process))
    return f"in {process.current.key} after {len(process.previous)} responses, {size} bytes, {ahead} states ahead"


def heavy_assets() -> Any:
    """Every asset is as costly to check as a schema can make it."""
    web = doubling(13, leaf={"minimum": 0})
    return scenario(
        assets={f"a{index}": {**web, "type": "integer"} for index in range(40)},
        actions={
            "go": {"actor": "one", "update": [{"select": f"assets.a{index}", "data": 1} for index in range(40)]},
            "end": {"actor": "one"},
        },
    )


def doubled_data() -> Any:
    """A response that writes twice what is there."""
    data = {"<merge>": [{"<ref>": "assets.text"}, {"<ref>": "assets.text"}, "x"]}
    return scenario(
        assets={"text": {"type": "string", "default": "x"}},
        actions={"go": {"actor": "one", "update": {"select": "assets.text", "data": data}}, "end": {"actor": "one"}},
    )


def copied_data() -> Any:
    """A long text, and two hundred actions that each write it to an asset of their own."""
    double = {"<merge>": [{"<ref>": "assets.long"}, {"<ref>": "assets.long"}]}
    copies = {
        f"a{index}": {"actor": "one", "update": {"select": f"assets.a{index}", "data": {"<ref>": "assets.long"}}}
        for index in range(200)
    }
    actions = {
        "go": {"actor": "one", "update": {"select": "assets.long", "data": double}},
        "end": {"actor": "one"},
        **copies,
    }
    return scenario(
        assets={
            "long": {"type": "string", "default": "x" * 10_000},
            **{f"a{index}": {"type": "string"} for index in range(200)},
        },
        actions=actions,
        states={"initial": {"actions": [*actions], "transitions": [{"action": "end", "transition": ":success"}]}},
    )


COPYING = [GO] * 5 + [{"actor": "one", "action": f"a{index}"} for index in range(200)]


def many_writes() -> Any:
    """An object that grows with each response, and a response that writes to it a thousand times."""
    writes = [{"select": f"assets.large.m{index}", "data": 1} for index in range(1000)]
    return scenario(
        assets={"large": {}},
        actions={
            "go": {"actor": "one", "update": "assets.large"},
            "write": {"actor": "one", "update": writes},
            "end": {"actor": "one"},
        },
        states={
            "initial": {"actions": ["go", "write", "end"], "transitions": [{"action": "end", "transition": ":success"}]}
        },
    )


GROWING = [{**GO, "data": {f"{part}-{index}": 1 for index in range(9_000)}} for part in range(9)]


def long_titles() -> Any:
    """A small response whose title, which the history keeps, is as long as a text can be made."""
    title = {"<merge>": [{"<ref>": "definitions.long.scalar"}] * 9}
    return scenario(
        definitions={"long": {"scalar": "x" * 20_000}},
        actions={"go": {"actor": "one", "responses": {"ok": {"title": title}}}, "end": {"actor": "one"}},
    )


def conditions_on_history(condition: str) -> Any:
    """Each of a hundred actions asks for each of 32 actors what the whole history says."""
    actors = {f"p{index}": {} for index in range(32)}
    actions = {f"a{index}": {"actors": list(actors), "condition": {"<eval>": condition}} for index in range(100)}
    first = {"go": {"actor": "one"}, "end": {"actor": "one"}}
    return scenario(
        actors={"one": {}, **actors},
        actions={**first, **actions},
        states={
            "initial": {"actions": ["go", "end"], "transitions": [{"action": "end", "transition": "asking"}]},
            "asking": {"actions": ["end", *actions], "transitions": [{"action": "end", "transition": ":success"}]},
        },
    )


def many_transitions() -> Any:
    """Every transition has a condition of its own, which is not met."""
    moves = [{"action": "go", "condition": {"<ref>": "assets.x"}, "transition": ":failed"}] * 680
    return scenario(
        assets={"x": {"type": "boolean"}},
        states={
            "initial": {"actions": ["go", "end"], "transitions": [*moves, {"action": "end", "transition": ":success"}]}
        },
    )


def heavy_response(schema: Any) -> Any:
    return scenario(actions={"go": {"actor": "one", "responses": {"ok": {"schema": schema}}}, "end": {"actor": "one"}})


def answered(schema: Any, data: Any) -> Attack:
    """Return a bomb that is data for a schema."""
    return lambda: told(simulate.play(load(heavy_response(schema)), [{**GO, "data": data}]))


def nested_lists(levels: int, width: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value] * width
    return value


def one_of(levels: int) -> Any:
    """Every level has alternatives that all fail at the bottom."""
    part: Any = {"const": 2}
    for _ in range(levels):
        part = {"oneOf": [{"items": part}, {"items": {"allOf": [part, part]}}]}
    return part


def proven() -> Process:
    """Very many proofs with as many targets as there may be, all of which hold."""
    blinding = group.scalar_of(7)
    values = list(range(statement.MAX_VALUES))
    claim = {"commitment": statement.commit(3, blinding).hex(), "values": values}
    seed, challenge = bytes(sigma.SEED_SIZE), "5" * 2 * sigma.CHALLENGE_SIZE
    moves = {
        "announcement": sigma.announce(claim, blinding, seed),
        "challenge": challenge,
        "answer": sigma.answer(claim, blinding, seed, challenge),
    }
    proof = {"<proof>": {name: {"<ref>": f"definitions.{name}.scalar"} for name in moves} | {"statement": claim}}
    made = instructions([proof] * 40, definitions={name: {"scalar": text} for name, text in moves.items()})
    return simulate.play(load(made), [GO])


DEPENDENT = {
    "$defs": {
        "d": {"dependentSchemas": {f"m{index}": {"$ref": "#/$defs/e"} for index in range(300)}},
        "e": {"properties": {f"m{index}": {"type": "integer"} for index in range(300)}},
    },
    "$ref": "#/$defs/d",
}

RIPE = "a" * 40 + "!"
"""What takes an engine that backtracks longer than the world stands, for the pattern `^(a+)+$`."""

MIXED = "".join("ab"[(index * index // 7 + index // 3) % 2] for index in range(60_000))
"""A text of which no part is like the one before, so that the library finds no short way through it."""

BACK_TO_ROOT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "properties": {"a": {"$ref": "#"}},
    "pattern": "^(a+)+$",
}

TWINS = [{f"k{index:05}": index if index else which for index in range(35_000)} for which in (-1, -2)]
"""Large objects of which the first members differ."""

BOMBS: dict[str, Attack] = {
    "assets that are each costly to check": played(heavy_assets),
    "text doubled by each response": played(doubled_data, [GO] * 60),
    "long text copied to two hundred assets": played(copied_data, COPYING),
    "thousand writes to a large object": played(many_writes, [*GROWING, {"actor": "one", "action": "write"}]),
    "title that the history keeps": played(long_titles, [GO] * 300),
    "history counted by a hundred actions for 32 actors": played(
        lambda: conditions_on_history("length(previous[?action.key == 'go']) > 1000"),
        [GO] * 200 + [{**GO, "action": "end"}],
    ),
    "history sorted by a hundred actions for 32 actors": played(
        lambda: conditions_on_history("sort_by(previous, &timestamp)[0].x"), [GO] * 2000 + [{**GO, "action": "end"}]
    ),
    "history compared with itself": played(
        lambda: conditions_on_history("previous[?contains($.previous, @)]"), [GO] * 1000 + [{**GO, "action": "end"}]
    ),
    "large objects compared for every item": played(
        lambda: instructions(
            {"<eval>": "current.response.data.l[?$.current.response.data.a == $.current.response.data.b]"}
        ),
        [{**GO, "data": {"a": TWINS[0], "b": TWINS[1], "l": [0] * 20_000}}],
    ),
    "conditions that nobody meets": played(many_transitions, [GO] * 5),
    "products of wildcards": played(
        lambda: instructions({"<eval>": "definitions.a" + "|[*].[@,@][]" * 30}, definitions={"a": list(range(3000))})
    ),
    "wildcards over everything": played(
        lambda: instructions(
            {"<eval>": "map(&map(&map(&[*].*, $.definitions.a), $.definitions.a), $.definitions.a)"},
            definitions={"a": list(range(3000))},
        )
    ),
    "chains of sort and map": played(
        lambda: instructions(
            {"<eval>": "definitions.a" + "|sort(map(&to_string(@), @))|reverse(@)" * 17},
            definitions={"a": list(range(3000))},
        )
    ),
    "lists joined to lists": played(
        lambda: instructions({"<eval>": "definitions.a" + "|[@,@,@,@][]" * 36}, definitions={"a": list(range(3000))})
    ),
    "objects that hold themselves": played(
        lambda: instructions({"<eval>": "definitions.a" + "|{a:@,b:@}" * 36}, definitions={"a": ["x" * 1000]})
    ),
    "transformations of transformations": played(
        lambda: instructions(
            functools.reduce(
                lambda inner, _: {"<encode>": {"input": inner, "algo": "base64"}},
                range(14),
                {"<ref>": "definitions.a.scalar"},
            ),
            definitions={"a": {"scalar": "x" * 50_000}},
        )
    ),
    "templates in templates": played(
        lambda: instructions(
            {"<tpl>": "{{#definitions.a}}" * 4 + "x" * 100 + "{{/definitions.a}}" * 4},
            definitions={"a": list(range(3000))},
        )
    ),
    "digits of a number without an end": played(lambda: instructions({"<math>": "pow(pow(9, 1000), 1000)"})),
    "proofs by the hundred": lambda: told(proven()),
    "alternatives of alternatives": answered(one_of(5), nested_lists(9, 2)),
    "references that double": answered(doubling(30, leaf={"minimum": 5}), 1),
    "references that double, in a choice": answered(doubling(30, "anyOf", leaf={"minimum": 5}), 1),
    "members that all depend on each other": answered(DEPENDENT, {f"m{index}": "x" for index in range(300)}),
    "unlike values to be different": answered(
        {"uniqueItems": True}, [[[index], {"a": index}] for index in range(3000)]
    ),
    "names against patterns": answered(
        {"patternProperties": {f"^(a|b)*{index}(c|d)*$": {"type": "null"} for index in range(900)}},
        {f"{'ab' * 20}{index}": None for index in range(900)},
    ),
    "text against a pattern with many states": answered(
        {"type": "string", "pattern": "(?:[ab]*a[ab]{60}){12}c"}, MIXED
    ),
    "texts against a pattern with many states": answered(
        {"items": {"type": "string", "pattern": "(?:[ab]*a[ab]{60}){12}c"}},
        [MIXED[start : start + 100] for start in range(0, 50_000, 100)],
    ),
    "pattern that would be tried again and again": answered({"pattern": "^(a+)+$"}, RIPE),
    "pattern at the root, which a member refers to": answered(BACK_TO_ROOT, {"a": {"a": RIPE}}),
    "large list that fits none of many types": answered(
        doubling(10, "anyOf", {"type": "string"}), [[[["x" * 10] * 4000]]]
    ),
    "member that needs thousands of others": answered(
        doubling(13, "anyOf", {"dependentRequired": {"a": [f"m{index}" for index in range(4000)]}, "type": "string"}),
        {"a": 1},
    ),
    "short texts against a large pattern": answered(
        {"type": "array", "items": {"type": "string", "pattern": "^([a-b]?[a-c]?){300}y?$"}},
        ["ab" * (index % 9) for index in range(90_000)],
    ),
    "large numbers that are multiples": answered(
        {"type": "array", "items": {"type": "number", "multipleOf": 1e-300}}, [1.7e300] * 150_000
    ),
    "number with a huge exponent": answered({"multipleOf": 5e-324}, 1.7e308),
    "huge enumeration for every item": answered(
        {"items": {"enum": [[index] for index in range(2000)]}}, [[index] for index in range(5000)]
    ),
    "items that contain each other": answered(
        {"$defs": {"a": {"contains": {"$ref": "#/$defs/a"}, "minContains": 0}}, "$ref": "#/$defs/a"},
        nested_lists(12, 2),
    ),
}
