"""Reading members that several parts of a scenario have: texts, conditions, updates. Pure."""

from typing import Any

from workflow_engine.reading import (
    Cursor,
    Member,
    describe,
    is_instruction,
    members_of,
    read_any,
    read_choice,
    read_flag,
    read_record,
    read_string,
    read_strings,
    read_text,
)

_DISPLAY = ("always", "once", "never")
_UPDATE = {
    "select": Member(read_string),
    "patch": Member(read_flag(True)),
    "data": Member(read_any),
    "projection": Member(read_string),
}


def read_object(cursor: Cursor) -> dict[str, Any] | None:
    """Return an object, or None."""
    return None if cursor.value is None else dict(members_of(cursor, "This"))


def read_instructions(cursor: Cursor) -> dict[str, Any]:
    """Return the instructions of a state: a text for each actor."""
    given = members_of(cursor, "The instructions (one text per actor)")
    texts = {actor: read_text(cursor.child(actor, text)) for actor, text in given.items()}
    return {actor: text for actor, text in texts.items() if text is not None}


def read_names_or_instruction(cursor: Cursor) -> Any:
    """Return names, or the data instruction that gives them."""
    return cursor.value if is_instruction(cursor.value) else read_strings(cursor)


def read_condition(cursor: Cursor) -> Any:
    """Return a condition: true, false or a data instruction."""
    value = cursor.value
    if value is None or isinstance(value, bool) or is_instruction(value):
        return True if value is None else value
    cursor.problem(f'A condition should be true, false or a data instruction ({{"<eval>": …}}), not {describe(value)}.')
    return True


def read_display(cursor: Cursor) -> str:
    """Return when a state or response is shown."""
    if isinstance(cursor.value, bool) and not cursor.reading.strict:
        return "always" if cursor.value else "never"
    display: str = read_choice(_DISPLAY, "always")(cursor)
    return display


def read_context(cursor: Cursor) -> list[str] | None:
    """Return the parts of the process that are sent along with an action, or None."""
    return None if cursor.value is None else read_strings(cursor)


def read_update(cursor: Cursor) -> list[dict[str, Any]]:
    """Return the update instructions of a response, one by one."""
    if cursor.value is None:
        return []
    if not isinstance(cursor.value, list):
        return [_update_instruction(cursor.moved(0))]
    return [_update_instruction(cursor.child(index, item)) for index, item in enumerate(cursor.value)]


def _update_instruction(cursor: Cursor) -> dict[str, Any]:
    if isinstance(cursor.value, str):
        form = read_record(cursor.with_value({}), _UPDATE, "An update")
        return {**form, "select": cursor.moved("select").value}
    form = read_record(cursor, _UPDATE, "An update")
    if form["select"] is None:
        cursor.problem('An update needs "select": the place that it changes ("assets.offer").')
        form["select"] = ""
    return form


def read_optional_flag(cursor: Cursor) -> bool | None:
    """Return true, false or None."""
    return None if cursor.value is None else read_flag(False)(cursor)
