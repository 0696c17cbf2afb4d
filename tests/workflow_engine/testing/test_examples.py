"""Example data: always valid, by an independent library too, and there for what people write in schemas."""

import json
from typing import Any

import jsonschema_rs
import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

import scenarios
from workflow_engine import schema
from workflow_engine.compiling import load
from workflow_engine.errors import InvalidSchemaError
from workflow_engine.pattern_text import text_for
from workflow_engine.testing.examples import FORMATS, MAX_EXAMPLES, examples

from .features import TESTED


def made(document: Any, hints: tuple[Any, ...] = ()) -> list[Any]:
    return examples(schema.compile_schema(document), hints)


LENGTHS = st.tuples(st.integers(0, 9), st.integers(0, 20)).map(lambda p: {"minLength": p[0], "maxLength": p[0] + p[1]})
NUMBERS = st.tuples(st.integers(-50, 50), st.integers(0, 50)).map(lambda p: {"minimum": p[0], "maximum": p[0] + p[1]})
LEAVES = st.one_of(
    LENGTHS.map(lambda more: {"type": "string", **more}),
    NUMBERS.map(lambda more: {"type": "integer", **more}),
    NUMBERS.map(lambda more: {"type": "number", "multipleOf": 0.5, **more}),
    st.sampled_from(sorted(FORMATS)).map(lambda name: {"type": "string", "format": name}),
    st.lists(st.integers(-9, 9) | st.text(max_size=3), min_size=1, max_size=4).map(lambda values: {"enum": values}),
    st.just({"type": "boolean"}),
    st.just({"type": ["null", "string"]}),
)


def objects(inner: Any) -> Any:
    properties = st.dictionaries(st.sampled_from("abcdef"), inner, min_size=1, max_size=4)
    return properties.flatmap(
        lambda members: st.lists(st.sampled_from(sorted(members)), unique=True).map(
            lambda required: {
                "type": "object", "properties": members, "required": required, "additionalProperties": False
            }
        )
    )  # fmt: skip


SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: objects(inner) | inner.map(lambda item: {"type": "array", "items": item, "minItems": 2}),
    max_leaves=6,
)


@settings(max_examples=60)
@given(SCHEMAS)
def test_examples_fit_by_another_library_and_there_is_one(document: Any) -> None:
    values = made(document)
    assert values
    assert len(values) <= MAX_EXAMPLES
    oracle = jsonschema_rs.validator_for(document)
    assert all(oracle.is_valid(value) for value in values)
    assert len({json.dumps(value, sort_keys=True) for value in values}) == len(values)


@pytest.mark.parametrize(
    "document",
    [
        True,
        {},
        {"const": {"a": 1}},
        {"type": "object", "required": ["x"]},
        {"type": "object", "properties": {"x": {"$ref": "#/$defs/y"}}, "$defs": {"y": {"const": 3}}, "required": ["x"]},
        {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}], "properties": {"a": {}, "b": {}}},
        {"allOf": [{"properties": {"a": {"type": "integer"}}}, {"required": ["a"]}], "type": "object"},
        {"type": "array", "prefixItems": [{"const": 1}, {"const": 2}], "items": False, "minItems": 2},
        {"type": "array", "uniqueItems": True, "items": {"enum": [1, 2, 3]}, "minItems": 2},
        {"exclusiveMinimum": 3, "type": "integer"},
        {"maximum": -7, "type": "number"},
        {"type": "string", "pattern": "^[A-Z]{2}[0-9]{2}( [A-Z0-9]{4}){2}$"},
        {"type": "string", "examples": ["NL91 ABNA"], "pattern": r"\bABNA\b"},
        {"type": "string", "minLength": 2_000},
        {"properties": {"a": {"default": 7}}, "required": ["a"]},
        {"if": {"properties": {"a": {"const": 1}}}, "then": {"required": ["b"]}, "properties": {"a": {"const": 1}}},
    ],
)
def test_what_people_write_in_schemas_has_examples(document: Any) -> None:
    values = made(document)
    assert values
    assert all(jsonschema_rs.is_valid(document, value) for value in values)


def test_library_has_examples_for_every_response() -> None:
    for name in TESTED:
        for action in load(scenarios.load(name)).actions.values():
            for response in action.responses.values():
                assert response.schema is None or len(examples(response.schema)) >= 1


@pytest.mark.parametrize(
    "document", [False, {"not": {}}, {"type": "string", "pattern": r"\pL9"}, {"enum": [1], "type": "string"}]
)
def test_schema_that_is_not_understood_has_no_examples_rather_than_wrong_ones(document: Any) -> None:
    assert made(document) == []


def test_hints_are_tried_where_they_fit() -> None:
    document = {"type": "object", "properties": {"n": {"type": "integer"}, "t": {"type": "string"}}}
    values = made(document, (100, "blue"))
    assert {99, 100, 101} <= {value.get("n") for value in values}
    assert "blue" in {value.get("t") for value in values}


def test_smallest_example_is_first() -> None:
    document = {"properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a"], "type": "object"}
    assert made(document)[:2] == [{"a": "a"}, {"a": "a", "b": "b"}]


def test_schema_that_refers_to_itself_again_and_again_ends() -> None:
    members = {f"m{number}": {"$ref": "#"} for number in range(40)}
    assert made({"type": "object", "properties": members}) != []


COUNTS = st.sampled_from([0, 1, 2.0, 7, 2**53 - 1, 1e300])
LIMITS = st.sampled_from([0, -1, 0.1, 1e-300, 1e300, -1e308, 2**53 - 1])
KINDS = ["string", "integer", "number", "object", "array", "boolean", "null"]


def junk(inner: Any) -> Any:
    """Schemas that are right in form and odd in everything else."""
    some = st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(KINDS) | st.lists(st.sampled_from(KINDS), min_size=1, unique=True),
            **dict.fromkeys(["minLength", "maxLength", "minItems", "maxItems", "minProperties"], COUNTS),
            **dict.fromkeys(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"], LIMITS),
            "multipleOf": st.sampled_from([1, 0.1, 1e-300, 1e300, 3]),
            "required": st.lists(st.sampled_from("abcd"), unique=True),
            "pattern": st.sampled_from(["(a+)+$", "", "^.{3,}$", r"\bx", "[^a]"]),
            "format": st.sampled_from(["date", "uri", "none"]),
            **dict.fromkeys(["default", "const", "title"], st.sampled_from([None, "", "x?", 1.5, [], {}])),
            **dict.fromkeys(["enum", "examples"], st.lists(st.sampled_from([None, "", 1, [1], {"a": 1}]), min_size=1)),
            **dict.fromkeys(["items", "not", "if", "then", "else", "additionalProperties"], inner),
            **dict.fromkeys(["anyOf", "allOf", "oneOf", "prefixItems"], st.lists(inner, min_size=1, max_size=2)),
            "properties": some,
        },
    )


ODD = st.recursive(st.sampled_from([True, False, {}, {"$ref": "#"}]), junk, max_leaves=5)


@settings(max_examples=40)
@given(junk(ODD), st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.text(), max_size=3))
def test_any_schema_that_is_accepted_has_valid_examples_or_none(document: Any, hints: list[Any]) -> None:
    try:
        validator = schema.compile_schema(document)
    except InvalidSchemaError:
        return
    for value in examples(validator, hints):
        validator.validate(value)


# --- Patterns ---------------------------------------------------------------------------------------------------------

ATOMS = st.sampled_from(["a", "B", "7", r"\d", r"\w", r"\.", "[a-f]", "[^x-z]", ".", "[0-9_]", r"\s", "-", "é"])
COUNTS = st.sampled_from(["", "", "?", "*", "+", "{2}", "{1,3}", "{2,}", "+?"])
SEQUENCES = st.lists(st.tuples(ATOMS, COUNTS).map("".join), min_size=1, max_size=4).map("".join)
GROUPS = st.lists(SEQUENCES, min_size=1, max_size=3).map("|".join)
PATTERNS = st.lists(
    st.tuples(GROUPS, st.sampled_from(["(%s)", "(?:%s)", "(?P<n>%s)"]), COUNTS), min_size=1, max_size=1
).map(lambda parts: "".join((form % group) + count for group, form, count in parts))


@given(PATTERNS, st.integers(0, 5))
def test_text_matches_its_pattern_by_the_library_that_checks_it(pattern: str, choice: int) -> None:
    text = text_for(pattern, choice)
    assert text is not None
    assert re2.fullmatch(pattern, text), (pattern, text)


@pytest.mark.parametrize(
    "pattern",
    [
        "(?i)a", "[[:alpha:]]", r"\pL", "a{", "(a", "a)", "[a", "*", "a{99999999}", "a{5000}", "(" * 100,
        "((((a{1000}){1000}){1000}){1000})", "((((){4000}){4000}){4000})", "x" * 5_000, "a{2,x}", "\\",
    ],
)  # fmt: skip
def test_pattern_that_is_not_understood_or_too_long_gives_nothing(pattern: str) -> None:
    assert text_for(pattern) is None


@given(st.text("ab()[]{}|*+?^$.\\d-,0", max_size=12))
def test_any_pattern_gives_a_text_or_nothing(pattern: str) -> None:
    text = text_for(pattern, 1)
    assert text is None or isinstance(text, str)
