"""Properties of a scenario as they are written: reading them, and what they name (`docs/checks.md`). Pure.

Here is only their form. Whether the names in them exist is the business of `checks.properties`, whether they hold that
of `model.properties`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflow_engine.reading import Cursor, describe, is_instruction, members_of, read_string

WAY = "always a way to"

KINDS = ("never", "only", "always", WAY)
"""What a property can say; each has exactly one of them."""

MAX_PROPERTIES = 64
"""Of one scenario; each is a search of its own."""

_MEMBERS = ("title", *KINDS, "after", "for")


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What a property names.

    Attributes:
        name: As it is written, for people.
        state: Key of a state, where it is one.
        action: Key of an action, where it is one.
        response: Key of the response that is meant, or None for any.
        actor: Key of the actor who gives it, or None for anybody.
        condition: A condition over the process, where it is one.
    """

    name: str
    state: str | None = None
    action: str | None = None
    response: str | None = None
    actor: str | None = None
    condition: Any = None


def read_happening(value: Any) -> Happening:
    """Read what a property of the normal form names.

    A text is taken both as a state and as an action: no key can be that of both (`checks.properties`).
    """
    if not isinstance(value, str):
        return Happening(name="the condition", condition=value)
    actor, colon, rest = value.partition(": ")
    action, dot, response = (rest if colon else value).partition(".")
    return Happening(
        name=value,
        state=None if colon or dot else value,
        action=action,
        response=response if dot else None,
        actor=actor if colon else None,
    )


def read_properties(cursor: Cursor) -> list[dict[str, Any]] | None:
    """Read the properties of a scenario; None where there are none."""
    if cursor.value is None:
        return None
    if not isinstance(cursor.value, list):
        cursor.problem(f"The properties of a scenario should be a list of objects, not {describe(cursor.value)}.")
        return None
    if len(cursor.value) > MAX_PROPERTIES:
        cursor.problem(f"A scenario has at most {MAX_PROPERTIES} properties, not {len(cursor.value)}.")
        return None
    return [_property(cursor.child(index, item)) for index, item in enumerate(cursor.value)]


def _property(cursor: Cursor) -> dict[str, Any]:
    given: Mapping[str, Any] = {
        name: value for name, value in members_of(cursor, "A property").items() if value is not None
    }
    for name in given:
        if name not in _MEMBERS and not name.startswith("x-"):
            cursor.child(name, given[name]).problem(
                f"A property has no member {describe(name)[9:]}. It has {', '.join(_MEMBERS)}."
            )
    kinds = [kind for kind in KINDS if kind in given]
    if len(kinds) != 1:
        cursor.problem(f"A property says exactly one of: {', '.join(KINDS)}.")
        return {"never": ""}
    kind = kinds[0]
    _check_members(cursor, given, kind)
    form: dict[str, Any] = {kind: _happening(cursor.child(kind, given[kind]), is_state=kind == "always")}
    if "after" in given:
        form["after"] = _happening(cursor.child("after", given["after"]), is_state=False)
    for name in ("title", "for"):
        text = read_string(cursor.child(name, given.get(name)))
        if text is not None:
            form[name] = text
    return {**form, **{name: value for name, value in given.items() if name.startswith("x-")}}


def _check_members(cursor: Cursor, given: Mapping[str, Any], kind: str) -> None:
    if kind == "only" and "after" not in given:
        cursor.problem('A property that says "only" needs "after": what has to happen first.')
    if "for" in given and kind != WAY:
        cursor.problem(f'"for" belongs to "{WAY}"; write "actor: action" to name who does something.')


def _happening(cursor: Cursor, *, is_state: bool) -> Any:
    """Read a text or a condition; `always` takes a condition alone, as a process does not stay in one state."""
    value = cursor.value
    if is_instruction(value) or (isinstance(value, str) and not is_state):
        return value
    texts = "" if is_state else '":success" (a state), "inspect.approved" (an action and its response), or '
    cursor.problem(f'This should be {texts}a condition ({{"<eval>": …}}), not {describe(value)}.')
    return ""
