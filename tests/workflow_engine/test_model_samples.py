"""Made-up data: it fits, by another library too, and it lies where answers can change."""

import json
from typing import Any

import jsonschema_rs
import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_engine.model.reads import Mark, position
from workflow_engine.model.samples import MAX_VALUES, Wanted, values_for, wanted
from workflow_engine.pattern_text import text_for

LEAVES = st.sampled_from(
    [
        {"type": "boolean"},
        {"type": "integer", "minimum": 3, "maximum": 9},
        {"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.01},
        {"type": "string", "minLength": 2, "maxLength": 5},
        {"type": "string", "pattern": "^[A-Z]{2}[0-9]{3}$"},
        {"type": "string", "format": "date"},
        {"enum": ["red", "green", 3, None]},
        {"const": {"a": [1]}},
        {"type": ["null", "integer"]},
        {"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer", "minimum": 5}]},
        {"allOf": [{"type": "integer", "minimum": 2}, {"maximum": 4}]},
        {"$ref": "#/$defs/part"},
    ]
)


@st.composite
def schemas(draw: st.DrawFn) -> dict[str, Any]:
    members = draw(st.dictionaries(st.sampled_from("abcd"), LEAVES, min_size=1))
    required = draw(st.lists(st.sampled_from(sorted(members)), unique=True))
    form: dict[str, Any] = {"type": "object", "properties": members, "required": required}
    if draw(st.booleans()):
        form["additionalProperties"] = False
    if draw(st.booleans()):
        form["properties"] = {**members, "list": {"type": "array", "items": draw(LEAVES), "minItems": 1}}
    return {**form, "$defs": {"part": {"type": "string", "enum": ["x", "y"]}}}


@settings(max_examples=80, deadline=None)
@given(
    schema=schemas(),
    names=st.lists(st.sampled_from(["a", "b", "c", "list"])),
    constants=st.sets(st.sampled_from([4, 5.5, "red", "z"])),
)
def test_values_fit_their_schema_by_another_library(
    schema: dict[str, Any], names: list[str], constants: set[Any]
) -> None:
    matters = wanted({(name,): frozenset(constants) for name in names})
    found, _ = values_for(schema, matters)
    oracle = jsonschema_rs.Draft202012Validator(schema)
    assert 1 <= len(found) <= MAX_VALUES
    assert all(oracle.is_valid(value) for value in found)
    texts = [json.dumps(value, sort_keys=True) for value in found]
    assert len(set(texts)) == len(texts)


def values_of(schema: dict[str, Any], *constants: Any) -> list[Any]:
    form = {"type": "object", "properties": {"x": schema}, "required": ["x"]}
    return [value["x"] for value in values_for(form, wanted({("x",): frozenset(constants)}))[0]]


def test_one_number_is_tried_on_each_side_of_a_constant_and_at_it() -> None:
    found = values_of({"type": "integer", "minimum": 0, "maximum": 1000}, 100)
    assert sorted((value > 100) - (value < 100) for value in found) == [-1, 0, 1]


def test_bounds_are_tried_where_the_value_itself_matters() -> None:
    found = values_of({"type": "integer", "minimum": 0, "maximum": 1000}, 100, Mark.WHOLE)
    assert {0, 1, 99, 100, 101, 999, 1000} <= set(found)


def test_enumerations_and_booleans_are_whole_and_texts_have_one_other() -> None:
    assert values_of({"enum": ["a", "b", "c"]}, "a", "b", "c") == ["a", "b", "c"]
    assert values_of({"type": "boolean"}) == [True, False]
    assert "yes" in values_of({"type": "string"}, "yes")
    assert len(set(values_of({"type": "string"}, "yes")) - {"yes"}) >= 1


def test_optional_member_that_matters_is_present_and_absent() -> None:
    found, _ = values_for({"type": "object", "properties": {"x": {"const": 1}}}, wanted({("x",): frozenset()}))
    assert sorted(found, key=len) == [{}, {"x": 1}]


def test_data_without_a_schema_is_tried_with_nothing_first() -> None:
    assert values_for(None, None) == ([None], True)
    assert values_for(None, Wanted(members={"x": Wanted(frozenset({5}))}))[0][0] is None


def test_schema_that_nothing_fits_gives_nothing() -> None:
    assert values_for({"type": "integer", "minimum": 5, "maximum": 4}, None) == ([], True)
    assert values_for(False, None) == ([], True)


def test_examples_of_the_author_are_taken_first() -> None:
    found, _ = values_for({"type": "string", "pattern": "^(?:a|b)\\x41*$", "examples": ["bA"]}, None)
    assert found == ["bA"]


@pytest.mark.parametrize(
    "text",
    [
        "^[0-9a-f]{64}$",
        r"^\d{4} ?[A-Z]{2}$",
        "^(yes|no)$",
        r"^NL[0-9]{2}[A-Z]{4}\d{10}$",
        "[^a-c]+",
        r"a\.b",
        "(?:x{2,3}){2}",
    ],
)
def test_patterns_that_people_write_are_fitted(text: str) -> None:
    found = text_for(text)
    assert found is not None
    assert re2.search(text, found)


@settings(deadline=None)
@given(
    st.one_of(st.integers(-9, 9), st.sampled_from(["", "a", "b", "c"])),
    st.one_of(st.integers(-9, 9), st.sampled_from("abc")),
)
def test_values_in_the_same_position_compare_alike(value: Any, other: Any) -> None:
    constants = frozenset({-3, 4, "b"})
    if position(value, constants) == position(other, constants):
        assert isinstance(value, str) == isinstance(other, str)
        for constant in (item for item in constants if isinstance(item, str) == isinstance(value, str)):
            assert (value < constant, value == constant) == (other < constant, other == constant)
        assert (value == "") == (other == "")
