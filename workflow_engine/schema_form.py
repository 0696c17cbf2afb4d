"""Which JSON Schemas are accepted: limits, references, patterns, and what is not evaluated here.

One walk over a schema and all of its parts. The walk knows which members hold schemas, so that what looks like a
reference inside `const`, `enum`, `default` or `examples` is left alone.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from workflow_engine.errors import InvalidSchemaError, Path, quote
from workflow_engine.pattern_weight import MAX_WEIGHT, REPEAT_LESS, pattern_weight
from workflow_engine.schema_keywords import is_readable_pattern

MAX_NODES = 5_000
"""Values within one schema: several hundred fields of a form."""

MAX_DEPTH = 32
"""Levels of nesting of a schema; each level of a form takes two."""

IN_PLACE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else")
"""Members whose schemas apply to the same value."""

_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"})
_SINGLE = frozenset(
    {"additionalItems", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else"}
)
_REFUSED = frozenset({"$dynamicRef", "$recursiveRef", "unevaluatedItems", "unevaluatedProperties"})
_ONLY_AT_ROOT = frozenset({"$schema", "$id", "$vocabulary"})
_INDEX = re.compile(r"0|[1-9]\d{0,5}", re.ASCII)
_ANCHORS = frozenset({"$anchor", "$dynamicAnchor", "$recursiveAnchor"})


def check_limits(document: Any) -> None:
    """Refuse a schema that is too large or too deep, before anything recurses into it.

    Raises:
        InvalidSchemaError: It is.
    """
    count, level = 0, [document]
    for _ in range(MAX_DEPTH + 1):
        level = [child for value in level for child in _children(value)]
        count += len(level)
        if not level:
            return
        if count > MAX_NODES:
            raise InvalidSchemaError(f"The JSON Schema holds more than {MAX_NODES} values.", place=())
    raise InvalidSchemaError(f"The JSON Schema is nested deeper than {MAX_DEPTH} levels.", place=())


def check(document: Any, *, draft_07: bool) -> None:
    """Refuse references that leave the schema or run in circles, patterns RE2 cannot read, and unknown machinery.

    Raises:
        InvalidSchemaError: Something of the kind; the path starts at the schema.
    """
    todo: list[Path] = [()]
    edges: dict[Path, list[Path]] = {}
    while todo:
        place = todo.pop()
        if place in edges:
            continue
        schema = resolve(document, place)
        edges[place] = []
        if not isinstance(schema, dict):
            continue
        target = _check_reference(document, schema, place)
        if target is not None:
            edges[place].append(target)
            todo.append(target)
            if draft_07:
                todo.extend(child for child, _ in subschemas(schema, place, draft_07=draft_07))
                continue
        _check_members(schema, place, draft_07=draft_07)
        for child, in_place in subschemas(schema, place, draft_07=draft_07):
            todo.append(child)
            if in_place:
                edges[place].append(child)
    _check_circles(edges)


def subschemas(schema: dict[str, Any], place: Path, *, draft_07: bool) -> Iterator[tuple[Path, bool]]:
    """Yield the places of the schemas directly inside a schema, and whether each applies to the same value."""
    for name, value in schema.items():
        in_place = name in IN_PLACE
        if name in _LISTS and isinstance(value, list):
            yield from (((*place, name, index), in_place) for index in range(len(value)))
        elif name in _MAPS and isinstance(value, dict):
            same = name in ("dependentSchemas", "dependencies")
            yield from (((*place, name, key), same) for key, item in value.items() if not isinstance(item, list))
        elif name == "items" and draft_07 and isinstance(value, list):
            yield from (((*place, name, index), False) for index in range(len(value)))
        elif name in _SINGLE or name == "items":
            yield (*place, name), in_place


def resolve(document: Any, place: Path) -> Any:
    """Return the part of a document at a place.

    Raises:
        LookupError: There is none.
    """
    value = document
    for key in place:
        found: Any = value if isinstance(value, dict if isinstance(key, str) else list) else {}
        value = found[key]
    return value


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _check_reference(document: Any, schema: dict[str, Any], place: Path) -> Path | None:
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return None
    where = (*place, "$ref")
    if reference != "#" and not reference.startswith("#/"):
        raise InvalidSchemaError(
            f"The reference {quote(reference)} leaves the schema; nothing is ever fetched.",
            place=where,
            hint='Copy what it means into "$defs" of the same schema and refer to it as "#/$defs/name".',
        )
    try:
        target = _target(document, reference)
    except LookupError:
        raise InvalidSchemaError(f"The reference {quote(reference)} leads to no schema.", place=where) from None
    return target


def _target(document: Any, reference: str) -> Path:
    """Return the place that a JSON pointer (RFC 6901), written as a URI fragment, leads to.

    Raises:
        LookupError: It leads to nothing, or to what is no schema.
    """
    value, place = document, list[str | int]()
    for part in reference.split("/")[1:]:
        token = unquote(part).replace("~1", "/").replace("~0", "~")
        key = int(token) if isinstance(value, list) and _INDEX.fullmatch(token) else token
        value = resolve(value, (key,))
        place.append(key)
    if not isinstance(value, (dict, bool)):
        raise LookupError(reference)
    return tuple(place)


def _check_members(schema: dict[str, Any], place: Path, *, draft_07: bool) -> None:
    for name in schema:
        if name in _REFUSED or (name in _ANCHORS and not draft_07) or (name in _ONLY_AT_ROOT and place):
            at = "below the root of a schema" if name in _ONLY_AT_ROOT else "in a schema"
            raise InvalidSchemaError(f"{name} is not evaluated {at} here.", place=(*place, name))
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        _check_pattern(pattern, (*place, "pattern"))
    for pattern in schema.get("patternProperties", {}):
        _check_pattern(pattern, (*place, "patternProperties", pattern))


def _check_pattern(pattern: str, place: Path) -> None:
    if pattern_weight(pattern) > MAX_WEIGHT:
        raise InvalidSchemaError(
            f"The pattern {quote(pattern)} is too large with its repetitions written out.",
            place=place,
            hint=f"{REPEAT_LESS} How long a text is says minLength and maxLength.",
        )
    if not is_readable_pattern(pattern):
        raise InvalidSchemaError(
            f"The pattern {quote(pattern)} cannot be read.",
            place=place,
            hint="Patterns are RE2's: no look-ahead, look-behind or back references.",
        )


def _check_circles(edges: dict[Path, list[Path]]) -> None:
    """Refuse a schema that comes back to itself without going deeper into the value."""
    done: set[Path] = set()
    for start, first in edges.items():
        if start in done:
            continue
        path, stack = {start: None}, [(start, iter(first))]
        while stack:
            place, targets = stack[-1]
            target = next(targets, None)
            if target is None:
                stack.pop()
                path.pop(place)
                done.add(place)
            elif target in path:
                raise InvalidSchemaError("The reference comes back to itself without going into the data.", place=place)
            elif target not in done:
                path[target] = None
                stack.append((target, iter(edges[target])))
