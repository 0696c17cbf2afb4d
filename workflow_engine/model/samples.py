"""Values to try: examples of a JSON Schema at which an answer of the scenario can change.

Where a value matters (`Wanted`), enumerations and booleans are taken whole, numbers at the bounds of the schema and at,
below and above the constants they are compared with, texts at these constants and at one other text, optional members
present and absent, lists empty and with one and two items. Where it does not matter, one value has to do. What comes
out is checked with the real validator: an example that does not fit is dropped, never mended.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice, product
from typing import Any, TypeGuard

from eventchain.core import canonical_json
from eventchain.core.errors import InvalidJsonError
from workflow_engine import schema as json_schema
from workflow_engine.errors import InvalidDataError, InvalidSchemaError
from workflow_engine.model.reads import Mark, position
from workflow_engine.pattern_text import text_for
from workflow_engine.schema_keywords import shared_work
from workflow_engine.value_size import size_within

MAX_VALUES = 64
"""Values tried for one response: all that matters in forms that people fill in."""

_MAX_CHOICES = 32
_MAX_DEPTH = 8
_MAX_DRAFTS = 4_000
"""Parts of a schema looked at for one response; a schema that refers to itself many times would have no end."""


_MAX_SIZE = 10_000
"""JSON values in one draft: as many as a response can carry, and parts that are shared counted each time."""

_MAX_SIZES = 500_000
"""The same for all drafts of one response, and the parts that they are made of."""


class _Absence(Enum):
    ABSENT = "absent"


_ABSENT = _Absence.ABSENT

_FORMATS: Mapping[str, tuple[str, str]] = {
    "date": ("2020-01-01", "2030-01-01"),
    "time": ("12:00:00Z", "13:00:00Z"),
    "date-time": ("2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z"),
    "duration": ("P1D", "P30D"),
    "email": ("someone@example.com", "another@example.com"),
    "uri": ("https://example.com/", "https://example.org/"),
    "uuid": ("00000000-0000-4000-8000-000000000000", "00000000-0000-4000-8000-000000000001"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much a value matters.

    Attributes:
        constants: What it is compared with.
        members: Which of its members matter, by name; empty where it matters as a whole.
    """

    constants: frozenset[Any] = frozenset()
    members: Mapping[str, "Wanted"] = field(default_factory=dict)


def wanted(places: Mapping[tuple[str, ...], frozenset[Any]]) -> Wanted | None:
    """Return places that matter (none below another) as a tree, or None when nothing does."""
    if not places:
        return None
    if () in places:
        return Wanted(places[()])
    names = dict.fromkeys(place[0] for place in sorted(places))
    members = {
        name: wanted({place[1:]: constants for place, constants in places.items() if place[0] == name})
        for name in names
    }
    return Wanted(members={name: inner for name, inner in members.items() if inner is not None})


def values_for(schema: Any, matters: Wanted | None) -> tuple[list[Any], bool]:
    """Return values that fit a schema, and whether these are all that the rules above ask for.

    Args:
        schema: A JSON Schema, or None for any data: no data at all is then the first value.
        matters: What of the value matters, or None.
    """
    with shared_work():
        return _values_for(schema, matters)


def _values_for(schema: Any, matters: Wanted | None) -> tuple[list[Any], bool]:
    drafts: Iterable[Any] = _Sampler(schema).drafts(schema, matters, 0) if schema is not None else ()
    if schema is None:
        drafts = [None, *(_free(matters, 0) if matters else ())]
    validator = None
    if schema is not None:
        try:
            validator = json_schema.compile_schema(schema)
        except InvalidSchemaError:
            return [], True
    fitting = (value for value in _distinct(islice(drafts, 4 * MAX_VALUES)) if _fits(validator, value))
    found = list(islice(fitting, MAX_VALUES + 1))
    return found[:MAX_VALUES], len(found) <= MAX_VALUES


def _fits(validator: json_schema.Validator | None, value: Any) -> bool:
    try:
        if validator is not None:
            validator.validate(value)
    except (InvalidDataError, InvalidSchemaError):
        return False
    return True


def _distinct(values: Iterable[Any]) -> Iterator[Any]:
    seen: set[bytes] = set()
    for value in values:
        try:
            text = canonical_json.encode(value)
        except InvalidJsonError:
            continue
        if text not in seen:
            seen.add(text)
            yield value


def _free(matters: Wanted, depth: int) -> Iterator[Any]:
    """Yield values for what no schema describes."""
    if matters.members:
        options = [list(_free(inner, depth + 1)) for inner in matters.members.values()]
        yield from _combined(list(matters.members), [[_ABSENT, *values] for values in options])
        return
    yield from (True, False)
    yield from _numbers({}, matters.constants, 1)
    yield from (text for text in sorted(item for item in matters.constants if isinstance(item, str)))
    yield "other"


def _combined(names: list[str], options: list[list[Any]]) -> Iterator[dict[str, Any]]:
    """Yield objects with every combination of members, or, where these are too many, with one changed at a time."""
    count = 1
    for values in options:
        count *= len(values)
    if count <= 4 * MAX_VALUES:
        choices: Iterable[tuple[Any, ...]] = product(*options)
    else:
        first = tuple(values[0] for values in options)
        changed = (
            (*first[:index], value, *first[index + 1 :]) for index, values in enumerate(options) for value in values[1:]
        )
        choices = [first, *changed]
    for choice in choices:
        yield {name: value for name, value in zip(names, choice, strict=True) if value is not _ABSENT}


def _numbers(schema: Mapping[str, Any], constants: frozenset[Any], step: float) -> Iterator[Any]:
    """Yield numbers at, below and above what they are compared with and bounded by."""
    numbers = [item for item in constants if isinstance(item, (int, float)) and not isinstance(item, bool)]
    bounds = [
        schema[name]
        for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
        if _is_number(schema.get(name))
    ]
    yield from bounds
    for number in sorted(numbers):
        yield from (number, number - step, number + step)
    yield from (bound + change for bound in bounds for change in (step, -step))
    yield from (0, 1, step)


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


class _Sampler:
    """Makes drafts of values for one schema, references inside it followed."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._left = _MAX_DRAFTS
        self._size = _MAX_SIZES

    def drafts(self, schema: Any, matters: Wanted | None, depth: int) -> Iterator[Any]:
        """Yield values, most of which fit."""
        self._left -= 1
        if self._left < 0:
            return
        if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
            yield from _free(matters, depth) if matters else (None, "text", 1, {})
            return
        schema = self._resolved(schema)
        if "const" in schema:
            yield schema["const"]
        elif isinstance(schema.get("enum"), list):
            yield from schema["enum"][: _MAX_CHOICES if matters else 1]
        else:
            examples = schema.get("examples")
            yield from examples if isinstance(examples, list) else ()
            if "default" in schema:
                yield schema["default"]
            for branch in self._branches(schema):
                yield from self._of_type(branch, matters, depth)

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a schema with its `$ref` and `allOf` put into it, as far as simple merging goes."""
        merged: dict[str, Any] = dict(schema)
        for _ in range(_MAX_DEPTH):
            reference, parts = merged.pop("$ref", None), merged.pop("allOf", None)
            if reference is None and parts is None:
                break
            added = [self._at(reference)] if isinstance(reference, str) else []
            for part in [*added, *(parts if isinstance(parts, list) else [])]:
                if isinstance(part, Mapping):
                    merged = _merged(merged, part)
        return merged

    def _at(self, reference: str) -> Any:
        value = self._root
        for name in reference.removeprefix("#").strip("/").split("/") if reference != "#" else ():
            member = name.replace("~1", "/").replace("~0", "~")
            value = value.get(member) if isinstance(value, Mapping) else None
        return value

    def _branches(self, schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        for keyword in ("oneOf", "anyOf"):
            branches = schema.get(keyword)
            if isinstance(branches, list):
                outer = {name: value for name, value in schema.items() if name != keyword}
                for branch in branches[:_MAX_CHOICES]:
                    if isinstance(branch, Mapping):
                        yield self._resolved(_merged(outer, branch))
                return
        yield schema

    def _of_type(self, schema: Mapping[str, Any], matters: Wanted | None, depth: int) -> Iterator[Any]:
        if "const" in schema or isinstance(schema.get("enum"), list):
            yield from self.drafts(schema, matters, depth + 1)
            return
        kinds = schema.get("type") or _implied(schema, matters)
        for kind in kinds if isinstance(kinds, list) else [kinds]:
            if kind == "object":
                yield from self._objects(schema, matters, depth)
            elif kind == "array":
                yield from self._arrays(schema, matters, depth)
            elif kind in ("integer", "number"):
                step = schema.get("multipleOf", 1)
                yield from _numbers(
                    schema, matters.constants if matters else frozenset(), step if _is_number(step) else 1
                )
            elif kind == "string":
                yield from _texts(schema, matters)
            elif kind == "boolean":
                yield from (True, False)
            else:
                yield None

    def _objects(self, schema: Mapping[str, Any], matters: Wanted | None, depth: int) -> Iterator[Any]:
        given, required = schema.get("properties"), schema.get("required")
        properties: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
        needed = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
        inner: Mapping[str, Wanted] = matters.members if matters else {}
        if matters and not matters.members:
            inner = {name: Wanted(matters.constants) for name in properties}
        closed = schema.get("additionalProperties") is False and "patternProperties" not in schema
        names = [name for name in dict.fromkeys((*needed, *inner)) if name in properties or not closed]
        options: list[list[Any]] = []
        for name in names:
            part, matter = properties.get(name, True), inner.get(name)
            values = list(islice(self.drafts(part, matter, depth + 1), _MAX_CHOICES))
            if matter is None:
                values = [value for value in values if self._is_fine(part, value)][:1] or values[:1]
            elif not matter.members:
                values = self._distinguished(part, values, matter.constants)
            options.append(values if name in needed else [*values, _ABSENT])
        yield from filter(self._is_small, _combined(names, options))

    def _is_small(self, value: Any) -> bool:
        """Tell whether a value is of a size that can be looked at, as long as not too much was looked at already."""
        size = size_within(value, min(_MAX_SIZE, self._size))
        self._size -= min(_MAX_SIZE, self._size) if size is None else size
        return size is not None

    def _distinguished(self, schema: Any, values: list[Any], constants: frozenset[Any]) -> list[Any]:
        """Return the values that fit, one of those between which nothing makes a difference."""
        if Mark.WHOLE in constants:
            return values
        fitting = [value for value in values if self._is_fine(schema, value)]
        return list({repr(position(value, constants)): value for value in reversed(fitting)}.values())[::-1]

    def _is_fine(self, schema: Any, value: Any) -> bool:
        try:
            json_schema.validate({**self._definitions(), **schema} if isinstance(schema, Mapping) else schema, value)
        except (InvalidDataError, InvalidSchemaError):
            return False
        return True

    def _definitions(self) -> dict[str, Any]:
        root = self._root if isinstance(self._root, Mapping) else {}
        return {name: root[name] for name in ("$schema", "$defs", "definitions") if name in root}

    def _arrays(self, schema: Mapping[str, Any], matters: Wanted | None, depth: int) -> Iterator[Any]:
        least = schema.get("minItems")
        count = int(least) if _is_number(least) else 0
        items = list(islice(self.drafts(schema.get("items", True), matters, depth + 1), _MAX_CHOICES)) or [None]
        if count > _MAX_CHOICES:
            return
        lists = [[items[index % len(items)] for index in range(count)]]
        if matters:
            lists += [*([item] for item in items), [items[0], items[-1]]]
        elif items:
            lists.append([items[0]] * max(1, count))
        yield from filter(self._is_small, lists)


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**one, **other}
    for name in ("properties", "required"):
        first, second = one.get(name), other.get(name)
        if isinstance(first, Mapping) and isinstance(second, Mapping):
            merged[name] = {**first, **second}
        elif isinstance(first, list) and isinstance(second, list):
            merged[name] = [*first, *second]
    return merged


def _implied(schema: Mapping[str, Any], matters: Wanted | None) -> str:
    """Return the type that a schema without one probably means."""
    if "properties" in schema or "required" in schema or (matters and matters.members):
        return "object"
    if "items" in schema or "minItems" in schema:
        return "array"
    if any(name in schema for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")):
        return "number"
    return "string"


def _texts(schema: Mapping[str, Any], matters: Wanted | None) -> Iterator[str]:
    constants = sorted(item for item in (matters.constants if matters else ()) if isinstance(item, str))
    formats = _FORMATS.get(str(schema.get("format")))
    if formats is not None:
        yield from formats[: 2 if constants else 1]
    elif isinstance(schema.get("pattern"), str):
        made = text_for(schema["pattern"])
        if made is not None:
            yield made
            yield made.ljust(_length(schema), made[-1:] or "a")
    else:
        yield "text".ljust(_length(schema), "t")[: max(_length(schema), _most(schema))]
    yield from constants
    if matters and _length(schema) == 0 and formats is None:
        yield ""


def _length(schema: Mapping[str, Any]) -> int:
    least = schema.get("minLength")
    return min(int(least), 10_000) if _is_number(least) else 0


def _most(schema: Mapping[str, Any]) -> int:
    most = schema.get("maxLength")
    return max(0, min(int(most), 10_000)) if _is_number(most) else 4
