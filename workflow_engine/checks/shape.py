"""What stands where in a process, as a JSON Schema: as far as a scenario says so, and never more than is sure.

`ANY` is the shape of what nobody knows, `NOTHING` that of a place at which nothing ever stands. A schema that combines
others (`$ref`, `anyOf`, …) counts as unknown.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from workflow_engine.normalise import FINAL_STATES

Shape = Any
"""A JSON Schema, or `NOTHING`."""

ANY: Shape = True
NOTHING: Shape = False

_TEXT: Shape = {"type": "string"}
_COMBINING = frozenset(
    {
        *("$ref", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "patternProperties"),
        *("dependentSchemas", "dependencies"),
    }
)


def process_shape(form: Mapping[str, Any]) -> Shape:
    """Return the shape of what expressions see of a process of a scenario, given by its normal form."""
    definitions = {key: {"const": value} for key, value in form["definitions"].items()}
    states = _one_of({*form["states"], *FINAL_STATES})
    actor = {"key": _one_of(form["actors"]), "title": ANY, "identity": closed({"id": _TEXT})}
    response = {
        "action": closed({"$schema": _TEXT, "key": ANY, "title": _TEXT, "label": _TEXT}),
        "key": ANY,
        "actor": closed({**actor, "key": _TEXT}),
        "data": ANY,
        "title": _TEXT,
    }
    given = {"display": _TEXT, "timestamp": {"type": "integer"}, "event": _TEXT, "deviation": _TEXT, "reason": _TEXT}
    current = {
        "key": states,
        "title": _TEXT,
        "description": _TEXT,
        "instructions": ANY,
        "actions": ANY,
        "due_date": _TEXT,
        "actor": ANY,
        "entered": closed({"event": _TEXT, "timestamp": {"type": "integer"}}),
        "answered": {"type": "array", "items": _TEXT},
        "response": closed(response),
    }
    return closed(
        {
            **dict.fromkeys(("id", "title", "scenario", "chain"), _TEXT),
            "actors": closed({key: _actor(schema, actor) for key, schema in form["actors"].items()}),
            "assets": closed(form["assets"]),
            "definitions": closed(definitions),
            "previous": {"type": "array", "items": closed({**response, **given})},
            "current": closed(current),
        }
    )


def closed(properties: Mapping[str, Shape]) -> Shape:
    """Return the shape of an object that has these members and no others."""
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _actor(schema: Any, engine: Mapping[str, Shape]) -> Shape:
    """Return the shape of an actor: what its schema says, and what the engine keeps."""
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(schema, Mapping) or not isinstance(properties, Mapping | None):
        return ANY
    return {**schema, "properties": {**dict.fromkeys(engine, ANY), **(properties or {})}}


def _one_of(values: Iterable[str]) -> Shape:
    return {"type": "string", "enum": sorted(values)}


def _is_known(shape: Shape) -> bool:
    return isinstance(shape, Mapping) and _COMBINING.isdisjoint(shape)


def kind(shape: Shape) -> str | None:
    """Return the one JSON type that values of a shape have, or None where there may be several."""
    if not _is_known(shape):
        return None
    found = shape.get("type")
    if isinstance(found, str):
        return "number" if found == "integer" else found
    values = allowed(shape)
    kinds = {type_of(value) for value in values or ()}
    return kinds.pop() if len(kinds) == 1 else None


def type_of(value: Any) -> str:
    """Return the JSON type of a value."""
    if isinstance(value, bool):
        return "boolean"
    names = {str: "string", int: "number", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "null")


def allowed(shape: Shape) -> list[Any] | None:
    """Return the values that a shape allows where it lists them, else None."""
    if not _is_known(shape):
        return None
    if "const" in shape:
        return [shape["const"]]
    values = shape.get("enum")
    return values if isinstance(values, list) else None


def declares(shape: Shape, name: str) -> bool | None:
    """Tell whether a shape names a member; None where it names none at all."""
    properties = shape.get("properties") if _is_known(shape) else None
    return None if not isinstance(properties, Mapping) or not properties else name in properties


def member(shape: Shape, name: str) -> Shape:
    """Return the shape of a member; of everything that is surely no object that is nothing."""
    if not _is_known(shape):
        return shape if shape is NOTHING else ANY
    values = allowed(shape)
    if values is not None:
        return _constant(values[0], name) if len(values) == 1 else ANY
    if kind(shape) not in (None, "object"):
        return NOTHING
    properties = shape.get("properties")
    if isinstance(properties, Mapping) and name in properties:
        return properties[name]
    return NOTHING if shape.get("additionalProperties") is False else ANY


def _constant(value: Any, name: str) -> Shape:
    return {"const": value[name]} if isinstance(value, Mapping) and name in value else NOTHING


def item(shape: Shape) -> Shape:
    """Return the shape of the items of a list."""
    if not _is_known(shape):
        return ANY
    values = allowed(shape)
    if values is not None:
        found = values[0] if len(values) == 1 and isinstance(values[0], list) else []
        return _alike(found)
    return shape.get("items", ANY) if "prefixItems" not in shape else ANY


def _alike(values: list[Any]) -> Shape:
    """Return the shape of constants: of objects the members that one of them has, of others their type."""
    if values and all(isinstance(value, Mapping) for value in values):
        return closed({name: ANY for value in values for name in value})
    kinds = {type_of(value) for value in values}
    return {"type": kinds.pop()} if len(kinds) == 1 else ANY
