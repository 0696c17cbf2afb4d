"""Forms: what a user interface needs to ask for the data of a response (paper sections 1.3 and 5.2).

A form is the JSON Schema of the data, with hints (`ui_schema`) on how to show it. `form_of` makes one JSON document of
both, in the order in which fields are shown and with their defaults, so that a user interface needs no knowledge of the
contract and none of JSON Schema beyond what it wants to check before it sends:

```
{ "$schema": "urn:livecontract:form:1", "action", "response", "title"?, "label"?, "description"?,
  "schema": JSON Schema or true, "defaults": JSON, "fields": [ field … ] }
field  { "name", "title", "description"?, "required", "type"?, "widget"?, "default"?, "format"?,
         "options"?: [ value … ], "fields"?: [ field … ], "items"?: field }
```

An object has `fields`, a list the form of each of its `items`. A form without fields asks for nothing. What is valid is
decided by `schema` alone. Pure.
"""

from collections.abc import Mapping
from typing import Any

from eventchain.core.errors import NotFoundError
from workflow_engine.errors import quote
from workflow_engine.process import Process
from workflow_engine.scenario import Scenario
from workflow_engine.ui_schema import MAX_DEPTH, ORDER, WIDGET, WIDGETS, members_of
from workflow_engine.update import default_of

FORM = "urn:livecontract:form:1"
MAX_NAMED = 20
"""Keys that a refusal names at most."""

_COPIED = ("description", "default", "format")


class FormNotFoundError(NotFoundError):
    """The scenario has no such action, or the action no such response."""


def form_of(scenario: Scenario, action: str, response: str | None = None) -> dict[str, Any]:
    """Return the form of a response.

    Args:
        scenario: The scenario.
        action: Key of the action.
        response: Key of the outcome; the default one when absent.

    Raises:
        FormNotFoundError: The scenario has no such action, or the action no such response.
    """
    found = scenario.actions.get(action)
    if found is None:
        raise FormNotFoundError(f"The scenario has no action {quote(action)}.", hint=_there_are(scenario.actions))
    key = found.default_response if response is None else response
    outcome = found.responses.get(key)
    if outcome is None:
        raise FormNotFoundError(
            f"The action {quote(action)} has no response {quote(key)}.", hint=_there_are(found.responses)
        )
    document = outcome.schema_document
    schema = document if isinstance(document, Mapping) else {}
    texts = {"title": schema.get("title") or found.title, "label": found.label, "description": found.description}
    return {
        "$schema": FORM,
        "action": action,
        "response": outcome.key,
        **{name: text for name, text in texts.items() if isinstance(text, str)},
        "schema": True if document is None else document,
        "defaults": default_of({"type": "object", **schema} if "properties" in schema else schema),
        "fields": _fields(schema, outcome.ui_schema or {}, MAX_DEPTH),
    }


def _there_are(known: Mapping[str, Any]) -> str:
    return f"There are {', '.join(map(quote, list(known)[:MAX_NAMED]))}." if known else "There are none."


def form_in(process: Process, action: str, response: str | None = None) -> dict[str, Any]:
    """Return the form of a response in a process, with the texts of the action as they are now.

    Raises:
        FormNotFoundError: The scenario has no such action, or the action no such response.
    """
    form = form_of(process.scenario, action, response)
    instance = process.current.actions.get(action, {})
    texts = {name: instance[name] for name in ("title", "label", "description") if name in instance}
    return {**texts, **form}


def _fields(schema: Mapping[str, Any], hints: Mapping[str, Any], depth: int) -> list[dict[str, Any]]:
    """Return the fields of an object: those that `order` names, then the others by name."""
    properties = members_of(schema.get("properties"))
    given = hints.get(ORDER)
    order = [name for name in given if isinstance(name, str)] if isinstance(given, list) else []
    names = dict.fromkeys([*order, *sorted(properties)])
    required = schema.get("required")
    needed = required if isinstance(required, list) else []
    return [
        _field(name, properties[name], members_of(hints.get(name)), needed=name in needed, depth=depth)
        for name in names
        if name in properties
    ]


def _field(name: str, schema: Any, hints: Mapping[str, Any], *, needed: bool, depth: int) -> dict[str, Any]:
    part = members_of(schema)
    title = part.get("title")
    field = {"name": name, "title": title if isinstance(title, str) else name, "required": needed}
    field |= {key: part[key] for key in _COPIED if key in part}
    if isinstance(part.get("type"), str):
        field["type"] = part["type"]
    if hints.get(WIDGET) in WIDGETS:
        field[WIDGET] = hints[WIDGET]
    options = part.get("enum") if "const" not in part else [part["const"]]
    if isinstance(options, list):
        field["options"] = options
    if depth > 1 and "properties" in part:
        field["fields"] = _fields(part, hints, depth - 1)
    if depth > 1 and isinstance(part.get("items"), Mapping):
        field["items"] = _field(name, part["items"], {}, needed=False, depth=depth - 1)
    return field
