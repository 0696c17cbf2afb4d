"""What is seen at a glance against the judge: whatever is proven fits, at the price that the judge charges for it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_engine import schema, schema_keywords
from workflow_engine.errors import InvalidDataError, InvalidSchemaError
from workflow_engine.schema_proof import UNKNOWN

NAMES = st.sampled_from(["a", "b", "c"])
NUMBERS = st.integers(-3, 4) | st.sampled_from([0.5, 1.0, 0.1, 0.3, -2.0, 1e300, 2**53])
TEXTS = st.sampled_from(["", "a", "ab", "2026-02-28", "2026-02-30", "P1D", "ä", "x" * 600])
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)
TYPES = st.sampled_from(["object", "array", "string", "number", "integer", "boolean", "null"])
SMALL = st.integers(0, 3)
SIMPLE: dict[str, st.SearchStrategy[Any]] = {
    "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
    "enum": st.lists(VALUES, min_size=1, max_size=4),
    "const": VALUES,
    "minimum": NUMBERS,
    "maximum": NUMBERS,
    "exclusiveMinimum": NUMBERS,
    "exclusiveMaximum": NUMBERS,
    "multipleOf": st.sampled_from([1, 2, 0.1, 0.5]),
    "minLength": SMALL,
    "maxLength": SMALL,
    "pattern": st.sampled_from(["a", "^b", "[0-9]+$"]),
    "format": st.sampled_from(["date", "duration", "email", "unheard-of"]),
    "minItems": SMALL,
    "maxItems": SMALL,
    "uniqueItems": st.booleans(),
    "required": st.lists(NAMES, unique=True, max_size=2),
    "minProperties": SMALL,
    "maxProperties": SMALL,
    "title": TEXTS,
    "default": VALUES,
}


def _larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    parts = {
        "items": inner,
        "properties": st.dictionaries(NAMES, inner, max_size=3),
        "additionalProperties": inner,
        "not": inner,
        "anyOf": st.lists(inner, min_size=1, max_size=2),
        "prefixItems": st.lists(inner, min_size=1, max_size=2),
        "patternProperties": st.dictionaries(st.just("a"), inner, max_size=1),
        "$ref": st.just("#"),
    }
    often = {name: parts[name] for name in ("items", "properties", "additionalProperties")}
    simple = st.fixed_dictionaries({}, optional=SIMPLE)
    pairs = (st.tuples(simple, st.fixed_dictionaries({}, optional=more)) for more in (often, often, parts))
    return st.one_of(*pairs).map(lambda pair: {**pair[0], **pair[1]})


ONE = st.one_of(*(values.map(lambda value, name=name: {name: value}) for name, values in SIMPLE.items()))
TWO = st.tuples(ONE, ONE).map(lambda pair: {**pair[0], **pair[1]})
SCHEMAS = st.recursive(st.booleans() | ONE | TWO | st.just({}), _larger, max_leaves=4)
DRAFT_07 = {"$schema": "http://json-schema.org/draft-07/schema#"}


def judged(validator: schema.Validator, value: Any) -> tuple[Any, int]:
    """What the library says, and the work it took."""
    with schema_keywords.limited_work("$") as left:
        problems = sorted(schema._deviations(validator._library, value, "$"))
    return problems, schema_keywords.MAX_WORK - left[0]


@given(SCHEMAS, VALUES, st.booleans())
def test_whatever_is_proven_fits_and_costs_what_the_judge_charges(document: Any, value: Any, is_old: bool) -> None:
    if is_old and isinstance(document, dict):
        document = {**document, **DRAFT_07}
    try:
        validator = schema.compile_schema(document)
    except InvalidSchemaError:
        return
    problems, work = judged(validator, value)
    price = validator._prove(value)
    assert price == UNKNOWN or (problems, price) == ([], work)
    if problems:
        with pytest.raises(InvalidDataError) as caught:
            validator.validate(value)
        assert list(caught.value.problems) == problems[: schema.MAX_PROBLEMS]
    else:
        validator.validate(value)


FORM = {
    "type": "object",
    "properties": {
        "item": {"type": "string", "minLength": 1, "maxLength": 40},
        "quantity": {"type": "integer", "minimum": 1, "exclusiveMaximum": 1000},
        "price": {"type": ["number", "null"], "multipleOf": 0.01},
        "delivery": {"type": "string", "format": "date"},
        "kind": {"enum": ["new", "used", None, 1]},
        "code": {"pattern": "^[A-Z]+$"},
        "lines": {"type": "array", "items": {"type": "object"}, "minItems": 1, "maxItems": 3},
        "marks": {"type": "array", "uniqueItems": True},
        "sure": {"const": True},
    },
    "required": ["item", "quantity"],
    "additionalProperties": False,
}
GOOD = {
    "item": "chair",
    "quantity": 3,
    "price": 19.99,
    "delivery": "2026-02-28",
    "kind": 1.0,
    "code": "A",
    "lines": [{"a": [1]}],
    "marks": [1, True, "1"],
    "sure": True,
}


def test_ordinary_form_is_proven() -> None:
    validator = schema.compile_schema(FORM)
    assert validator._prove(GOOD) == judged(validator, GOOD)[1]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("item", ""),
        ("item", "x" * 41),
        ("quantity", 0),
        ("quantity", 1000),
        ("quantity", 1.5),
        ("quantity", True),
        ("price", 0.001),
        ("price", "1"),
        ("delivery", "2026-02-30"),
        ("kind", True),
        ("kind", "old"),
        ("code", "a"),
        ("lines", []),
        ("lines", [{}] * 4),
        ("lines", [1]),
        ("marks", [1, 1.0]),
        ("sure", 1),
        ("other", 1),
    ],
)
def test_every_deviation_is_left_to_the_judge(member: str, value: Any) -> None:
    validator = schema.compile_schema(FORM)
    assert validator._prove({**GOOD, member: value}) == UNKNOWN
    with pytest.raises(InvalidDataError):
        validator.validate({**GOOD, member: value})


def test_large_schema_is_left_to_the_judge() -> None:
    large = {"properties": {f"member-{number}": {"minLength": 1} for number in range(400)}}
    validator = schema.compile_schema(large)
    assert validator._prove({}) == UNKNOWN
    validator.validate({"member-1": "x"})
    with pytest.raises(InvalidDataError):
        validator.validate({"member-1": ""})


class Subclass(dict[str, Any]):
    """No JSON value as it is read."""


@pytest.mark.parametrize("value", [(), {1}, Subclass(), object()])
def test_value_of_another_kind_is_left_to_the_judge(value: Any) -> None:
    assert schema.compile_schema({"minProperties": 1})._prove(value) == UNKNOWN


@pytest.mark.slow
@pytest.mark.parametrize(("length", "fits"), [(83_332, True), (83_333, False)])
def test_limit_of_work_is_where_the_judge_has_it(length: int, fits: bool) -> None:
    validator = schema.compile_schema({"type": "array", "items": {"type": "integer"}})
    for check in (validator.validate, validator.judge):
        if fits:
            check([1] * length)
        else:
            with pytest.raises(InvalidDataError, match="too much work"):
                check([1] * length)


def test_proof_that_becomes_dearer_than_any_verdict_is_given_up() -> None:
    prove = schema.compile_schema({"items": {"type": "array", "items": {"type": "integer"}}})._prove
    assert prove([[1] * 100] * 100) > 0
    assert prove([[1] * 100] * 1000) == UNKNOWN


def test_nothing_is_proven_where_no_budget_is_left() -> None:
    """A proof is no way to go on working when a verdict could not be paid for."""
    validator, asked = schema.compile_schema({"type": "integer"}), list[Any]()
    watched = schema.Validator(validator.document, validator._library, lambda value: asked.append(value) or 1)
    with schema_keywords.shared_work(3):
        watched.validate(5)
        assert asked == [5]
        for _ in range(2):
            with pytest.raises(InvalidDataError, match="too much work"):
                schema.validate({"allOf": [True, True]}, 5)
        with pytest.raises(InvalidDataError, match="too much work"):
            watched.validate(6)
    assert asked == [5]
