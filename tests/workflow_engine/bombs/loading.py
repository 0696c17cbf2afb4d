"""Scenarios that are to cost a lot when a node receives and checks them."""

from collections.abc import Callable
from typing import Any

from workflow_engine.checks import check

from .limits import Attack
from .parts import DRAFT_07, LTO, OWN, doubling, instructions, scenario


def checked(make: Callable[[], Any]) -> Attack:
    """Return a bomb that is a document to check."""

    def attack() -> str:
        report = check(make())
        first = report.problems[0] if report.problems else None
        return f"{'valid' if report.valid else 'refused'}, {len(report.problems)} findings" + (
            f": {first.rule}: {first.message[:100]}" if first else ""
        )

    return attack


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def unknown_names() -> Any:
    """References to what does not exist, each close to many names that do."""
    states = {f"{'abcdef' * 6}{index}": {} for index in range(230)}
    moves = [{"transition": f"{'abcdfe' * 6}{index}"} for index in range(680)]
    return scenario(states={**states, "initial": {"action": "go", "transitions": moves}})


def unknown_members() -> Any:
    return scenario(**{f"descriptio{index}": 1 for index in range(3000)})


def unknown_members_of_many() -> Any:
    return scenario(actions={f"a{index}": {f"descriptio{index}": 1, "titel": 2, "actros": 3} for index in range(1000)})


def misspelt() -> Any:
    return scenario(assets={"a": {f"additionalPropertie{index}": 1 for index in range(2200)}})


def unknown_assets() -> Any:
    reads = [{"<ref>": f"assets.{'abcdfe' * 6}{index}"} for index in range(500)]
    assets = {f"{'abcdef' * 6}{index}": {} for index in range(250)}
    return {**instructions(reads), "assets": assets}


def heavy_defaults() -> Any:
    """Very many defaults, each as costly to check as a schema can make it."""
    web = doubling(18)
    web["properties"] = {f"p{index}": {"$ref": "#/$defs/d0", "default": 1} for index in range(900)}
    return scenario(assets={"a": web})


def heavy_defaults_of_many() -> Any:
    return scenario(assets={f"a{index}": {**doubling(18), "default": index} for index in range(50)})


def mixed_enum() -> Any:
    return scenario(
        assets={"a": {"$schema": DRAFT_07, "enum": [{"a": index} if index % 2 else [index] for index in range(2400)]}}
    )


def repeated_required() -> Any:
    return scenario(assets={"a": {"required": [f"{index}" for index in range(4900)]}})


def large_patterns_of_schemas() -> Any:
    return scenario(
        assets={"a": {"patternProperties": {f"(?:\\pL{{200}}){{5}}{index}": True for index in range(2000)}}}
    )


def large_patterns_of_instructions() -> Any:
    reads = [
        {"<match>": {"input": {"<ref>": "title"}, "regex": f"(?:\\pL{{200}}){{5}}{index}"}} for index in range(700)
    ]
    return instructions(reads)


def constants() -> Any:
    """Very many instructions that depend on nothing, each costly."""
    heavy = {"<math>": " + ".join(["pow(9, 1000)"] * 40)}
    return instructions([heavy] * 90)


def expressions() -> Any:
    return instructions([{"<eval>": f"[{'a,' * 1900}a{index}]"} for index in range(15)])


def expressions_deep() -> Any:
    return instructions([{"<eval>": "(" * 39 + f"a{index}" + ")" * 39} for index in range(500)])


def number_of_digits(text: str) -> Any:
    return instructions([{"<eval>": text}])


def embedded() -> Any:
    inner = {"$schema": OWN, "actors": {"a": {}}, "states": {"initial": {"transition": ":success", "action": "b"}}}
    return scenario(scenarios={f"s{index}": inner for index in range(500)})


def embedded_deep() -> Any:
    inner = scenario()
    for _ in range(20):
        inner = scenario(scenarios={"s": inner})
    return inner


def many_transitions() -> Any:
    states = {
        f"s{index}": {"actions": ["go"], "transitions": [{"transition": f"s{(index * 7 + n) % 250}"} for n in range(9)]}
        for index in range(250)
    }
    return scenario(
        states={**states, "initial": {"action": "go", "transition": "s0"}},
        actions={"go": {"actor": "one", "system": True}},
    )


def doubled_references() -> Any:
    return scenario(assets={"a": {**doubling(400)}})


def circle() -> Any:
    return scenario(assets={"a": {"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [True, {"$ref": "#/$defs/a"}]}}}})


def choices() -> Any:
    one: Any = {"type": "integer"}
    for _ in range(13):
        one = {"oneOf": [one, {"anyOf": [{"const": 1}] * 20}]}
    return scenario(assets={"a": {**one, "default": 1}})


def huge_numbers() -> Any:
    return scenario(actors={"one": {"priority": 10**4000}})


def infinite_numbers() -> Any:
    return scenario(actors={"one": {"priority": float("inf")}}, x=1e308 * 10)


def old_spellings() -> Any:
    return {**scenario(), "$schema": LTO, "actions": {"go": {"actor": "one", "data": [{"_ref": "a.b"}] * 3900}}}


def templates() -> Any:
    texts = [{"<tpl>": "{{#a}}" * 30 + "{{b}}" * 300 + "{{/a}}" * 30 + str(index)} for index in range(30)]
    return instructions(texts)


def hints() -> Any:
    fields = {f"field{index}": {"widget": "textaera"} for index in range(1000)}
    response = {"schema": {"properties": {f"fields{index}": {} for index in range(1000)}}, "ui_schema": fields}
    return scenario(actions={"go": {"actor": "one", "responses": {"ok": response}}, "end": {"actor": "one"}})


BOMBS: dict[str, Attack] = {
    "lists nested a hundred thousand deep": checked(lambda: nested(100_000)),
    "lists nested as deep as is let in": checked(lambda: scenario(definitions={"a": nested(44)})),
    "half a million values": checked(lambda: scenario(definitions={"a": [0] * 500_000})),
    "text of ten million characters": checked(lambda: scenario(title="x" * 10_000_000)),
    "names that are almost those of states": checked(unknown_names),
    "members that are almost those of scenarios": checked(unknown_members),
    "members that are almost those of actions": checked(unknown_members_of_many),
    "members that are almost keywords": checked(misspelt),
    "assets that are almost there": checked(unknown_assets),
    "hints for fields that are almost there": checked(hints),
    "defaults in a web of references": checked(heavy_defaults),
    "assets with a default in a web of references each": checked(heavy_defaults_of_many),
    "default for a pattern that would be tried again and again": checked(
        lambda: scenario(assets={"a": {"type": "string", "pattern": "^(a+)+$", "default": "a" * 40 + "!"}})
    ),
    "enumeration of unlike values": checked(mixed_enum),
    "thousands of required members": checked(repeated_required),
    "patterns that compile large in schemas": checked(large_patterns_of_schemas),
    "patterns that compile large in instructions": checked(large_patterns_of_instructions),
    "constants that are costly": checked(constants),
    "expressions as long as they may be": checked(expressions),
    "expressions as deep as they may be": checked(expressions_deep),
    "templates in sections": checked(templates),
    "number with four thousand digits in an expression": checked(lambda: number_of_digits("9" * 4000)),
    "number beyond all doubles in an expression": checked(lambda: number_of_digits("`1e400`")),
    "number with four thousand digits": checked(huge_numbers),
    "numbers without an end": checked(infinite_numbers),
    "hundreds of embedded scenarios": checked(embedded),
    "scenario in a scenario in a scenario": checked(embedded_deep),
    "states that all lead to each other": checked(many_transitions),
    "references that double four hundred times": checked(doubled_references),
    "reference that comes back to itself": checked(circle),
    "choices between choices": checked(choices),
    "old spellings by the thousand": checked(old_spellings),
}
