"""Example data for a JSON Schema: a few small values that fit it, for tests that are generated. Pure.

The values are made from what the schema says (constants, choices, limits, formats, patterns, which members have to be
there) and from hints, such as the numbers that conditions compare with. Each one is checked against the schema
before it is given, so a schema with demands that are not understood here gives fewer examples, never wrong ones.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from eventchain.core import canonical_json
from eventchain.core.errors import InvalidError
from workflow_engine import schema_form
from workflow_engine.errors import InvalidDataError, InvalidSchemaError
from workflow_engine.pattern_text import text_for
from workflow_engine.schema import Validator
from workflow_engine.schema_keywords import shared_work
from workflow_engine.value_size import size_within

MAX_EXAMPLES = 12
_MAX_DEPTH = 12
_MAX_ITEMS = 64
_MAX_PARTS = 5_000
"""Parts of a schema that are looked at; references may lead to the same part again and again."""

_MAX_SIZE = 10_000
"""JSON values in one example: as many as a response can carry, and parts that are shared counted each time."""

_MAX_VALUES = 500_000
"""The same for all that is made for one schema on the way."""

_MAX_TEXT = 10_000
_TEXT = "text"

FORMATS: Mapping[str, str] = {
    "date": "2026-12-01",
    "time": "09:00:00Z",
    "date-time": "2026-12-01T09:00:00Z",
    "duration": "P1D",
    "email": "person@example.com",
    "uri": "https://example.com/",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
}
"""A text of each format that schemas here are checked for."""

Hints = Sequence[Any]
"""Scalars that matter elsewhere, tried wherever they fit."""


def examples(validator: Validator, hints: Hints = (), most: int = MAX_EXAMPLES) -> list[Any]:
    """Return different values that fit a schema, the smallest first; none where none was found.

    Args:
        validator: The compiled schema.
        hints: Scalars to try as well.
        most: How many at most.
    """
    maker = _Maker(root=validator.document, hints=hints)
    found: dict[bytes, Any] = {}
    with shared_work():
        for value in maker.values(validator.document, _TEXT, 0):
            try:
                validator.validate(value)
                found.setdefault(canonical_json.encode(value), value)
            except (InvalidDataError, InvalidSchemaError, InvalidError):
                continue
            if len(found) == most:
                break
    return list(found.values())


class _Maker:
    """Makes values for the parts of one schema; they may still be wrong."""

    def __init__(self, root: Any, hints: Hints) -> None:
        self._root = root
        self._hints = hints
        self._parts = 0
        self._left = _MAX_VALUES

    def values(self, schema: Any, name: str, depth: int) -> list[Any]:
        """Return values for a part of the schema, the plainest first."""
        self._parts += 1
        if schema is False or depth > _MAX_DEPTH or self._parts > _MAX_PARTS:
            return []
        if not isinstance(schema, Mapping):
            return [name, *self._hints][:MAX_EXAMPLES]
        if isinstance(schema.get("$ref"), str):
            schema = {**self._referred(schema["$ref"]), **{key: item for key, item in schema.items() if key != "$ref"}}
        if "const" in schema:
            return [schema["const"]]
        if isinstance(schema.get("enum"), list):
            return list(schema["enum"])[:MAX_EXAMPLES]
        given = [schema["default"]] if "default" in schema else []
        if isinstance(schema.get("examples"), list):
            given += schema["examples"]
        made = [value for form in _forms(schema) for value in self._typed(form, name, depth)]
        return _distinct([value for value in (*given, *made) if self._is_small(value)])[:MAX_EXAMPLES]

    def _is_small(self, value: Any) -> bool:
        """Tell whether a value is of a size that can be looked at, as long as not too much was looked at already."""
        size = size_within(value, min(_MAX_SIZE, self._left))
        self._left -= min(_MAX_SIZE, self._left) if size is None else size
        return size is not None

    def _referred(self, reference: str) -> Mapping[str, Any]:
        parts = [unquote(part).replace("~1", "/").replace("~0", "~") for part in reference.split("/")[1:]]
        try:
            found = schema_form.resolve(self._root, tuple(parts))
        except LookupError:
            return {}
        return found if isinstance(found, Mapping) else {}

    def _typed(self, schema: Mapping[str, Any], name: str, depth: int) -> list[Any]:
        kinds = schema.get("type", _guessed(schema))
        made: list[Any] = []
        for kind in [kinds] if isinstance(kinds, str) else kinds:
            if kind == "object":
                made += self._objects(schema, depth)
            elif kind == "array":
                made += self._arrays(schema, name, depth)
            elif kind == "string":
                made += self._texts(schema, name)
            elif kind in ("integer", "number"):
                made += self._numbers(schema, whole=kind == "integer")
            else:
                made += [True, False] if kind == "boolean" else [None]
        return made

    def _objects(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        """Return an object with what it has to have, one with everything, and others that vary every member."""
        properties = schema.get("properties") or {}
        required = [key for key in schema.get("required") or () if isinstance(key, str)]
        parts = {**dict.fromkeys(required, True), **properties}
        choices = {key: self.values(part, _named(part, key), depth + 1) for key, part in parts.items()}
        known = {key: values for key, values in choices.items() if values}
        longest = max((len(values) for values in known.values()), default=0)
        return [
            {key: known[key][0] for key in required if key in known},
            *({key: values[turn % len(values)] for key, values in known.items()} for turn in range(max(longest, 1))),
            *(
                {key: known[key][turn % len(known[key])] for key in required if key in known}
                for turn in range(1, longest)
            ),
        ]

    def _arrays(self, schema: Mapping[str, Any], name: str, depth: int) -> list[Any]:
        least = schema.get("minItems", 0)
        if least > _MAX_ITEMS:
            return []
        first = [self.values(part, name, depth + 1) for part in schema.get("prefixItems") or ()]
        rest = self.values(schema.get("items", True), name, depth + 1)
        fixed = [values[0] for values in first if values]
        lists = []
        for count in sorted({least, max(least, 1), max(least, len(fixed) + 1)}):
            more = range(max(count - len(fixed), 0))
            lists.append([*fixed[:count], *(rest[0] for _ in more if rest)])
            lists.append([*fixed[:count], *(rest[turn % len(rest)] for turn in more if rest)])
        return lists

    def _texts(self, schema: Mapping[str, Any], name: str) -> list[Any]:
        found = []
        if isinstance(schema.get("format"), str) and schema["format"] in FORMATS:
            found.append(FORMATS[schema["format"]])
        if isinstance(schema.get("pattern"), str):
            found += [text for choice in range(4) if (text := text_for(schema["pattern"], choice)) is not None]
        least, most = schema.get("minLength", 0), int(min(schema.get("maxLength", len(name)), _MAX_TEXT))
        if least <= _MAX_TEXT and not found:
            found.append(
                (name * (1 + least // max(len(name), 1)))[: max(most, least)] if least > len(name) else name[:most]
            )
        return [*found, *(hint for hint in self._hints if isinstance(hint, str))]

    def _numbers(self, schema: Mapping[str, Any], *, whole: bool) -> list[Any]:
        step = Decimal(repr(schema.get("multipleOf", 1 if whole else 0)))
        low, high = _limit(schema, "minimum", "exclusiveMinimum"), _limit(schema, "maximum", "exclusiveMaximum")
        unit = step or Decimal(1)
        wanted = [value for value in (low, high) if value is not None]
        wanted += [Decimal(repr(hint)) for hint in self._hints if _is_number(hint)]
        start = low if low is not None and low > 0 else min(Decimal(1), high) if high is not None else Decimal(1)
        found = []
        for value in [
            start,
            start + unit,
            *wanted,
            *(value + unit for value in wanted),
            *(value - unit for value in wanted),
        ]:
            near = value if not step else (value / step).to_integral_value() * step
            found.append(int(near) if near == near.to_integral_value() else float(near))
        return found


def _forms(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the schema together with each of its alternatives, and what holds in any case."""
    base = dict(schema)
    for part in base.pop("allOf", None) or ():
        base = _both(base, part)
    found: list[Mapping[str, Any]] = [_both(base, part) for key in ("anyOf", "oneOf") for part in schema.get(key) or ()]
    found += [_both(base, schema[key]) for key in ("then", "else") if key in schema]
    return found or [base]


def _both(left: Mapping[str, Any], right: Any) -> dict[str, Any]:
    if not isinstance(right, Mapping):
        return dict(left)
    merged = {**left, **right}
    merged["properties"] = {**(left.get("properties") or {}), **(right.get("properties") or {})}
    merged["required"] = [*(left.get("required") or ()), *(right.get("required") or ())]
    for name in ("properties", "required"):
        if not merged[name]:
            del merged[name]
    return merged


def _guessed(schema: Mapping[str, Any]) -> str:
    """Return the kind of value that a schema without a type speaks of."""
    marks = {
        "object": ("properties", "required", "additionalProperties"),
        "array": ("items", "prefixItems", "minItems"),
        "number": ("minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum"),
    }
    return next((kind for kind, names in marks.items() if any(name in schema for name in names)), "string")


def _limit(schema: Mapping[str, Any], *names: str) -> Decimal | None:
    return next((Decimal(repr(schema[name])) for name in names if _is_number(schema.get(name))), None)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _named(schema: Any, key: str) -> str:
    title = schema.get("title") if isinstance(schema, Mapping) else None
    return title.rstrip("?") if isinstance(title, str) and title.strip() else key


def _distinct(values: Iterable[Any]) -> list[Any]:
    return list({repr(value): value for value in values}.values())
