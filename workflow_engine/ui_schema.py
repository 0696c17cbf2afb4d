"""The hints of a form (`ui_schema`): which there are, and what is wrong with those that somebody wrote. Pure.

```
{ "order": [ name of a field … ], name of a field: { "widget": …, and for an object the same again } }
```

Hints never decide what is valid; what a user interface does not know it leaves out.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from workflow_engine.errors import Path, quote

ORDER, WIDGET = "order", "widget"

WIDGETS: Mapping[str, str] = {
    "textarea": "several lines of text",
    "identity": "choose a member of the chain",
    "file-hash": "choose a file, whose SHA-256 is filled in",
}
"""The widgets that user interfaces know, and what each means."""

MAX_DEPTH = 8
"""Objects within objects that are shown as fields; what is deeper is left to the schema."""


def members_of(value: Any) -> Mapping[str, Any]:
    """Return an object's members; of everything else, none."""
    return value if isinstance(value, Mapping) else {}


def ui_faults(schema: Any, hints: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield what is wrong with a `ui_schema`: places below it, and sentences.

    Args:
        schema: The JSON Schema of the form; None or a boolean has no fields.
        hints: The `ui_schema`.
    """
    yield from _faults(members_of(schema), hints, (), MAX_DEPTH)


def _faults(schema: Mapping[str, Any], hints: Mapping[str, Any], place: Path, depth: int) -> Iterator[tuple[Path, str]]:
    properties = members_of(schema.get("properties"))
    yield from _order_faults(hints.get(ORDER), properties, place)
    for name, hint in hints.items():
        if name == ORDER or name.startswith("x-") or (name == WIDGET and place):
            continue
        here = (*place, name)
        if name not in properties:
            yield here, f"The form has no field {quote(name)}."
        elif not isinstance(hint, Mapping):
            yield here, 'Hints on a field should be an object, such as {"widget": "textarea"}.'
        else:
            yield from _widget_faults(hint, here)
            if depth > 1:
                yield from _faults(members_of(properties[name]), hint, here, depth - 1)


def _order_faults(order: Any, properties: Mapping[str, Any], place: Path) -> Iterator[tuple[Path, str]]:
    if order is None:
        return
    if not isinstance(order, list):
        yield (*place, ORDER), "The order of the fields should be a list of their names."
        return
    for index, name in enumerate(order):
        if not isinstance(name, str) or name not in properties:
            shown = quote(name) if isinstance(name, str) else "of this kind"
            yield (*place, ORDER, index), f"The form has no field {shown}."
        elif name in order[:index]:
            yield (*place, ORDER, index), f"The field {quote(name)} stands twice in the order."


def _widget_faults(hint: Mapping[str, Any], place: Path) -> Iterator[tuple[Path, str]]:
    widget = hint.get(WIDGET)
    if widget is not None and (not isinstance(widget, str) or widget not in WIDGETS):
        shown = quote(widget) if isinstance(widget, str) else "of this kind"
        yield (*place, WIDGET), f"There is no widget {shown}; there are {', '.join(WIDGETS)}."
