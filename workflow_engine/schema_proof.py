"""Seeing at a glance that a value fits a JSON Schema.

`jsonschema` is the judge (`workflow_engine.schema`): what does not fit, and why, is said by it alone. But nearly every
value fits, and nearly every schema is made of few keywords, for which that is seen in a fraction of the time. A proof
is a function from a value to what the judge would charge for finding that it fits, or to `UNKNOWN`. It never errs
towards fitting: with a keyword that is not in the tables below, or a value of a kind it does not know, it says
`UNKNOWN`.

The price is exact (`schema_keywords` charges 1 for each keyword, for each member that the keyword or the value has, and
for the weight of a pattern), because the limit on work is one that all nodes have to find exceeded at the same value.
A proof that becomes dearer than all that a verdict may cost is given up: nobody pays for the time that it takes.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from workflow_engine import schema_keywords
from workflow_engine.schema_formats import FORMATS
from workflow_engine.schema_keywords import MAX_WORK, is_multiple, matches

UNKNOWN = -1
"""It may fit or not."""

Proof = Callable[[Any], int]
"""From a value to the price of the judge's verdict that it fits, or to `UNKNOWN`."""

_Test = Callable[[Any], bool]
_Schema = Mapping[str, Any]

_KINDS: Mapping[type, str] = {
    dict: "object", list: "array", str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null",
}  # fmt: skip

_LOOKED_AT = frozenset(
    {
        *("type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "pattern", "format", "minItems", "maxItems", "uniqueItems", "items"),
        *("properties", "required", "additionalProperties", "minProperties", "maxProperties"),
    }
)
"""The keywords that proofs are made of; each means the same in all versions of JSON Schema that are read here."""


def proof_of(document: Any, keywords: Collection[str]) -> Proof:
    """Return the proof for a schema whose form was checked before.

    Args:
        document: The schema: an object, true or false.
        keywords: Those that the judge evaluates; all other members of a schema mean nothing.
    """
    if document is False:
        return unknown
    evaluated = {} if document is True else {name: value for name, value in document.items() if name in keywords}
    if not evaluated:
        return _nothing_to_show
    if not evaluated.keys() <= _LOOKED_AT or isinstance(evaluated.get("items"), list):
        return unknown
    by_kind: dict[type, Proof] = {}

    def prove(value: Any) -> int:
        kind = type(value)
        proof = by_kind.get(kind)
        if proof is None:
            proof = _proof_of_kind(kind, evaluated, keywords) if _may_be(kind, evaluated) else unknown
            by_kind[kind] = proof
        return proof(value)

    return prove


def _nothing_to_show(_value: Any) -> int:
    return 0


def unknown(_value: Any) -> int:
    """The proof of nothing: leave every value to the judge."""
    return UNKNOWN


def _may_be(kind: type, schema: _Schema) -> bool:
    """Tell whether a kind is known, and some value of it is of a type that the schema allows."""
    if kind not in _KINDS:
        return False
    wanted = schema.get("type", list(_KINDS.values()))
    names = wanted if isinstance(wanted, list) else [wanted]
    return _KINDS[kind] in names or (kind in (int, float) and not {"integer", "number"}.isdisjoint(names))


def _proof_of_kind(kind: type, schema: _Schema, keywords: Collection[str]) -> Proof:
    """Return the proof for the values of one kind."""
    fixed = sum(1 + (len(value) if isinstance(value, (list, dict)) else 0) for value in schema.values())
    tests = tuple(_tests(kind, schema))
    if kind is dict:
        return _of_objects(schema, tests, fixed, keywords)
    if kind is list:
        return _of_lists(schema, tests, fixed, keywords)
    return _of_texts(schema, tests, fixed) if kind is str else _of_scalars(tests, fixed)


def _of_scalars(tests: Sequence[_Test], fixed: int) -> Proof:
    def prove(value: Any) -> int:
        for test in tests:
            if not test(value):
                return UNKNOWN
        return fixed

    return prove


def _of_texts(schema: _Schema, tests: Sequence[_Test], fixed: int) -> Proof:
    count = len(schema)
    match = schema_keywords.price_of_match(schema["pattern"]) if "pattern" in schema else _free

    def prove(value: Any) -> int:
        for test in tests:
            if not test(value):
                return UNKNOWN
        return fixed + count * (len(value) >> 8) + match(value)

    return prove


def _free(_text: str) -> int:
    return 0


def _of_lists(schema: _Schema, tests: Sequence[_Test], fixed: int, keywords: Collection[str]) -> Proof:
    item, count = proof_of(schema.get("items", True), keywords), len(schema)

    def prove(value: Any) -> int:
        for test in tests:
            if not test(value):
                return UNKNOWN
        price = fixed + count * len(value)
        for part in value:
            found = item(part)
            price += found
            if found < 0 or price > MAX_WORK:
                return UNKNOWN
        return price

    return prove


def _of_objects(schema: _Schema, tests: Sequence[_Test], fixed: int, keywords: Collection[str]) -> Proof:
    members = {name: proof_of(part, keywords) for name, part in schema.get("properties", {}).items()}
    other, count = proof_of(schema.get("additionalProperties", True), keywords), len(schema)

    def prove(value: Any) -> int:
        for test in tests:
            if not test(value):
                return UNKNOWN
        price = fixed + count * len(value)
        for name, part in value.items():
            found = members.get(name, other)(part)
            price += found
            if found < 0 or price > MAX_WORK:
                return UNKNOWN
        return price

    return prove


def _tests(kind: type, schema: _Schema) -> list[_Test]:
    """Return what is tested of the values of one kind, their parts aside."""
    makers = {**_OF_ALL, **_OF_KIND.get(kind, {})}
    return [makers[name](value) for name, value in schema.items() if name in makers and not _is_idle(kind, name, value)]


def _is_idle(kind: type, name: str, value: Any) -> bool:
    """Tell whether a test of the type would say nothing new, as the kind was looked at before."""
    return name == "type" and not (kind is float and "number" not in (value if isinstance(value, list) else [value]))


def _is_whole(_names: Any) -> _Test:
    return lambda value: bool(value.is_integer())


def _one_of(values: list[Any]) -> _Test:
    """Scalars only: a list or object among them costs the judge more the later it stands."""
    if any(isinstance(value, (list, dict)) for value in values):
        return lambda _value: False
    known = frozenset(map(schema_keywords.hash_key, values))
    return lambda value: not isinstance(value, (list, dict)) and schema_keywords.hash_key(value) in known


def _differ(wanted: bool) -> _Test:
    """Scalars only, for the same reason."""
    if not wanted:
        return lambda _value: True

    def test(value: list[Any]) -> bool:
        if any(isinstance(item, (list, dict)) for item in value):
            return False
        return len(set(map(schema_keywords.hash_key, value))) == len(value)

    return test


def _format(name: str) -> _Test:
    checked = FORMATS.checkers.get(name)
    return (lambda _value: True) if checked is None else (lambda value: bool(checked[0](value)))


_Maker = Callable[[Any], _Test]
"""From the value of a keyword to the test that it makes."""

_OF_ALL: Mapping[str, _Maker] = {
    "type": _is_whole,
    "enum": _one_of,
    "const": lambda wanted: _one_of([wanted]),
}
_OF_NUMBERS: Mapping[str, _Maker] = {
    "minimum": lambda limit: lambda value: value >= limit,
    "maximum": lambda limit: lambda value: value <= limit,
    "exclusiveMinimum": lambda limit: lambda value: value > limit,
    "exclusiveMaximum": lambda limit: lambda value: value < limit,
    "multipleOf": lambda divisor: lambda value: is_multiple(value, divisor),
}
_OF_KIND: Mapping[type, Mapping[str, _Maker]] = {
    int: _OF_NUMBERS,
    float: _OF_NUMBERS,
    str: {
        "minLength": lambda limit: lambda value: len(value) >= limit,
        "maxLength": lambda limit: lambda value: len(value) <= limit,
        "pattern": lambda pattern: lambda value: matches(pattern, value),
        "format": _format,
    },
    list: {
        "minItems": lambda limit: lambda value: len(value) >= limit,
        "maxItems": lambda limit: lambda value: len(value) <= limit,
        "uniqueItems": _differ,
    },
    dict: {
        "required": lambda names: lambda value: all(name in value for name in names),
        "minProperties": lambda limit: lambda value: len(value) >= limit,
        "maxProperties": lambda limit: lambda value: len(value) <= limit,
    },
}
"""By keyword, for the values of each kind; what a keyword does not apply to fits it."""
