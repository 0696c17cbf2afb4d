"""The JSON Schemas of actors, assets and responses, and durations."""

from collections.abc import Iterator
from typing import Any

from eventchain.core.errors import InvalidError
from workflow_engine import schema
from workflow_engine.advice import nearest
from workflow_engine.checks.report import Finding
from workflow_engine.checks.view import View
from workflow_engine.durations import add_duration
from workflow_engine.errors import InvalidDataError, InvalidSchemaError, Path, quote
from workflow_engine.schema_form import resolve, subschemas

_FAR_AHEAD = 32_503_680_000_000
"""The year 3000, in milliseconds since 1970: a timeout that can be added here can be added to any event."""


def bad_schema(view: View) -> Iterator[Finding]:
    """A JSON Schema that is malformed, refers outside itself, or uses what is not evaluated."""
    for place, document in _schemas(view):
        try:
            schema.compile_schema(document)
        except InvalidSchemaError as error:
            yield (*place, *error.place), f"{error.message} {error.hint or ''}".rstrip()


def bad_default(view: View) -> Iterator[Finding]:
    """A default that does not fit its own JSON Schema."""
    for place, document in _schemas(view):
        try:
            validator = schema.compile_schema(document)
        except InvalidSchemaError:
            continue
        for at, part in _parts(document):
            if "default" not in part:
                continue
            try:
                validator.part(at).validate(part["default"])
            except InvalidDataError as error:
                yield (*place, *at, "default"), f"The default does not fit. {error.message}"


def actor_type(view: View) -> Iterator[Finding]:
    """An actor whose data is not an object has no place for its identity."""
    for key, document in view.form["actors"].items():
        if document.get("type", "object") != "object":
            yield (
                ("actors", key, "type"),
                f'The data of an actor is an object; the type of {quote(key)} should be "object".',
            )


def misspelt_keyword(view: View) -> Iterator[Finding]:
    """A member of a JSON Schema that means nothing and looks like one that does."""
    for place, document in _schemas(view):
        for at, part in _parts(document):
            for name in part:
                close = None if name in _KEYWORDS else nearest(name, _KEYWORDS, cutoff=0.8)
                if close is not None:
                    yield (*place, *at, name), f"{quote(name)} has no effect. Did you mean {quote(close)}?"


def bad_duration(view: View) -> Iterator[Finding]:
    """A timeout that is not an ISO 8601 duration of whole numbers."""
    for key, state in view.states.items():
        timeout = state["timeout"]
        if not isinstance(timeout, str):
            continue
        try:
            add_duration(_FAR_AHEAD, timeout)
        except InvalidError:
            message = f"{quote(timeout)} is not a duration. Write P14D for 14 days, PT8H for 8 hours, P1M for a month."
            yield ("states", key, "timeout"), message


def _schemas(view: View) -> Iterator[tuple[Path, Any]]:
    for collection in ("actors", "assets"):
        for key, document in view.form[collection].items():
            yield (collection, key), document
    for key, action in view.actions.items():
        for name, response in action["responses"].items():
            if view.is_own and response["schema"] is not None:
                yield ("actions", key, "responses", name, "schema"), response["schema"]


def _parts(document: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield a JSON Schema and all schemas in it that are objects, with their places."""
    todo: list[Path] = [()]
    while todo:
        place = todo.pop()
        part = resolve(document, place)
        if isinstance(part, dict):
            yield place, part
            todo.extend(child for child, _ in subschemas(part, place, draft_07=False))


_KEYWORDS = (
    "$comment", "$defs", "$id", "$ref", "$schema", "additionalItems", "additionalProperties", "allOf", "anyOf", "const",
    "contains", "contentEncoding", "contentMediaType", "contentSchema", "default", "definitions", "dependencies",
    "dependentRequired", "dependentSchemas", "deprecated", "description", "else", "enum", "examples",
    "exclusiveMaximum", "exclusiveMinimum", "format", "if", "items", "locked_in", "maxContains", "maxItems",
    "maxLength", "maxProperties", "maximum", "minContains", "minItems", "minLength", "minProperties", "minimum",
    "multipleOf", "not", "oneOf", "pattern", "patternProperties", "prefixItems", "priority", "properties",
    "propertyNames", "readOnly", "required", "then", "title", "type", "uniqueItems", "writeOnly",
)  # fmt: skip
