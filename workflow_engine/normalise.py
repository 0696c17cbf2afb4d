"""The normal form of a scenario: full form, every default explicit, and the name made from it.

Two dialects are read (`docs/scenarios.md`), in short or full form, with collections as objects or as arrays of objects
with a `key`:

- LTO v0.2.0, whose unknown members are kept;
- our own, `urn:livecontract:scenario:1`, which adds what the paper asks for and refuses unknown members that do not
  start with `x-`.

The normal form is a document of the same dialect, so normalising it again changes nothing. The order of a state's
actions and transitions is meaning and is kept; the order of object members is not, and nothing may depend on it:
canonical JSON sorts them. A scenario's id is the base58 SHA-256 of the canonical JSON of its normal form (paper
section 5: a data object is named by its hash).
"""

from collections.abc import Mapping
from typing import Any

from eventchain.core import base58, canonical_json
from workflow_engine.action_kinds import (
    ACTION_KINDS,
    KIND_MEMBERS,
    LTO_ACTION,
    LTO_ACTION_URL,
    OWN_ACTION,
    STEP_KINDS,
    action_kind,
)
from workflow_engine.errors import InvalidScenarioError
from workflow_engine.members import (
    read_condition,
    read_context,
    read_display,
    read_instructions,
    read_names_or_instruction,
    read_object,
    read_optional_flag,
    read_update,
)
from workflow_engine.old_spellings import respell
from workflow_engine.property_form import read_properties
from workflow_engine.reading import (
    Cursor,
    Member,
    Reader,
    Reading,
    describe,
    items_of,
    members_of,
    read_any,
    read_choice,
    read_flag,
    read_integer,
    read_record,
    read_string,
    read_strings,
    read_text,
)
from workflow_engine.schedule import read_schedule

LTO_SCENARIO = "https://specs.livecontracts.io/v0.2.0/scenario/schema.json#"
OWN_SCENARIO = "urn:livecontract:scenario:1"

FINAL_STATES = (":success", ":failed", ":cancelled")
"""States every scenario has; a process in one of them is finished."""

DRAFT_07 = "http://json-schema.org/draft-07/schema#"
DRAFT_2020_12 = "https://json-schema.org/draft/2020-12/schema"

LOCKED_IN = "locked_in"
"""Member of an asset in our own dialect: the states in which no response may change it."""

_WHEN = ("immediately", "anchored", "settled")

_NEWER = ("schedule", "chain", "accepts")
"""Members of an action that stand in the normal form only where they are given: scenarios without keep their ids."""


def normalise(document: Any) -> dict[str, Any]:
    """Return the normal form of a scenario.

    Raises:
        InvalidScenarioError: The document is not of the form of either dialect; it carries every problem of form.
            References, expressions and the rest are the business of `workflow_engine.checks`.
    """
    normal_form, reading = read(document)
    if reading.problems:
        raise InvalidScenarioError(reading.problems)
    return normal_form


def scenario_id(normal_form: Mapping[str, Any]) -> str:
    """Return the id of a scenario from its normal form: base58 of the SHA-256 of its canonical JSON.

    Raises:
        InvalidJsonError: The normal form holds values without a canonical form.
    """
    return base58.encode(canonical_json.digest(normal_form))


def read(document: Any) -> tuple[dict[str, Any], Reading]:
    """Read a document as far as it goes: the normal form, and what was found on the way.

    The problems of the reading are those of form only. Where something was wrong, the normal form has a default.
    """
    strict = isinstance(document, dict) and document.get("$schema") == OWN_SCENARIO
    reading = Reading(strict=strict)
    cursor = Cursor(value=document, given=(), normal=(), reading=reading)
    return read_scenario(cursor), reading


def read_scenario(cursor: Cursor, *, keyed: bool = False) -> dict[str, Any]:
    """Read a scenario of the dialect that the reading is for."""
    own = cursor.reading.strict
    if not isinstance(cursor.value, dict):
        cursor.problem(f"A scenario should be an object ({{…}}), not {describe(cursor.value)}.")
        return read_scenario(cursor.with_value({"$schema": OWN_SCENARIO if own else LTO_SCENARIO}), keyed=keyed)
    if not own:
        document, spellings = respell(cursor.value, cursor.given)
        cursor.reading.spellings.update(spellings)
        cursor = cursor.with_value(document)
    form = read_record(cursor, _OWN_SCENARIO if own else _LTO_SCENARIO, "A scenario", keyed=keyed)
    for key in FINAL_STATES:
        if key not in form["states"]:
            state = cursor.child("states", None).child(key, None)
            form["states"][key] = _state(state)
    if own and form["properties"] is None:
        del form["properties"]
    return form


def _sub_scenario(cursor: Cursor) -> dict[str, Any]:
    """Read an embedded scenario, of either dialect, with what was found in it noted in the outer reading."""
    outer = cursor.reading
    own = isinstance(cursor.value, dict) and cursor.value.get("$schema") == OWN_SCENARIO
    inner = Reading(strict=own, problems=outer.problems, origins=outer.origins, spellings=outer.spellings)
    return read_scenario(
        Cursor(value=cursor.value, given=cursor.given, normal=cursor.normal, reading=inner), keyed=True
    )


def _dialect(cursor: Cursor) -> str:
    value = cursor.value
    if value == OWN_SCENARIO:
        return OWN_SCENARIO
    if isinstance(value, str) and value.removesuffix("#") == LTO_SCENARIO.removesuffix("#"):
        return LTO_SCENARIO
    known = f'This node reads "{OWN_SCENARIO}" and "{LTO_SCENARIO}"'
    if value is None:
        cursor.problem(f'The scenario does not say which form it has. {known}; write one of them as "$schema".')
    elif isinstance(value, str) and "/v0.1.0/scenario/" in value[:100]:
        cursor.problem(
            f"This is a scenario of version 0.1.0. {known}. To bring it to v0.2.0: name the first state "
            '"initial" instead of ":initial", write "projection" for "jmespath", "current.response.data" for '
            '"response.data" and "title" for "name", give the kind of an action as a path '
            '(".../v0.2.0/action/http/schema.json#") and drop "default_action".'
        )
    else:
        cursor.problem(f"This names a form of scenario that is not known here: {describe(value)}. {known}.")
    return LTO_SCENARIO


def _keyed(read_item: Reader, what: str) -> Reader:
    def read_collection(cursor: Cursor) -> dict[str, Any]:
        return {key: read_item(item) for key, item in items_of(cursor, what)}

    return read_collection


def _data_schema(cursor: Cursor) -> dict[str, Any]:
    """Read the JSON Schema of an actor or asset; the two defaults are the dialect and `type: object`."""
    form = {name: value for name, value in members_of(cursor, "A definition").items() if name != "key"}
    form["$schema"] = form.get("$schema") or _json_schema_dialect(cursor)
    if form.get("type") is None and "$ref" not in form:
        form["type"] = "object"
    return form


def _json_schema_dialect(cursor: Cursor) -> str:
    return DRAFT_2020_12 if cursor.reading.strict else DRAFT_07


def _actor(cursor: Cursor) -> dict[str, Any]:
    form = _data_schema(cursor)
    if cursor.reading.strict:
        form["priority"] = read_integer(0)(cursor.child("priority", form.get("priority")))
    return form


def _definition(cursor: Cursor) -> Any:
    value = cursor.value
    if isinstance(value, dict):
        return {name: member for name, member in value.items() if name != "key"}
    if cursor.reading.strict or isinstance(value, list) or value is None:
        return value
    return {"scalar": value}


def _response_schema(cursor: Cursor) -> Any:
    value = cursor.value
    if value is None or isinstance(value, bool):
        return value
    if not isinstance(value, dict):
        cursor.problem(f"A JSON Schema should be an object, true or false, not {describe(value)}.")
        return None
    return {**value, "$schema": value.get("$schema") or _json_schema_dialect(cursor)}


def _action(cursor: Cursor) -> dict[str, Any]:
    given = members_of(cursor, "An action")
    schema = _action_schema(cursor.child("$schema", given.get("$schema")))
    kind = action_kind(schema)
    members = _own_action(kind) if cursor.reading.strict else _LTO_ACTION
    short = {name: cursor.child(name, given[name]) for name in ("display", "update") if given.get(name) is not None}
    rest = {name: value for name, value in given.items() if name not in ("display", "update")}
    form = read_record(cursor.with_value(rest), members, "An action", keyed=True)
    responses = cursor.child("responses", {"ok": {}} if given.get("responses") is None else given["responses"])
    form["responses"] = {key: _response(item, short) for key, item in items_of(responses, "responses")}
    if cursor.reading.strict and form["performative"] is None:
        form["performative"] = not form["system"]
    for name in _NEWER if cursor.reading.strict else ():
        if form.get(name, ...) is None:
            del form[name]
    return {**form, "$schema": schema}


def _action_schema(cursor: Cursor) -> str:
    value, own = cursor.value, cursor.reading.strict
    if value is None:
        return f"{OWN_ACTION}manual" if own else LTO_ACTION.format("")
    if not isinstance(value, str):
        cursor.problem(f"The kind of an action should be text, not {describe(value)}.")
        return _action_schema(cursor.with_value(None))
    match = LTO_ACTION_URL.fullmatch(value)
    if match and own:
        return OWN_ACTION + (match.group(1) or "manual")
    if match:
        return LTO_ACTION.format(f"{match.group(1)}/" if match.group(1) else "")
    if own and value not in [OWN_ACTION + kind for kind in ACTION_KINDS]:
        kinds = ", ".join(OWN_ACTION + kind for kind in ACTION_KINDS)
        cursor.problem(f"The kind of an action should be one of {kinds}, not {describe(value)}.")
    return value


def _steps(cursor: Cursor) -> list[dict[str, Any]]:
    """Read the steps of a sequence; members that are not given are left out."""
    if cursor.value is None or isinstance(cursor.value, list):
        return [_step(cursor.child(index, item)) for index, item in enumerate(cursor.value or ())]
    cursor.problem(f"The steps of a sequence should be a list, not {describe(cursor.value)}.")
    return []


def _step(cursor: Cursor) -> dict[str, Any]:
    given = cursor.value.get("$schema") if isinstance(cursor.value, dict) else None
    kind = action_kind(given) if isinstance(given, str) else "manual"
    if kind not in STEP_KINDS:
        kinds = ", ".join(OWN_ACTION + name for name in STEP_KINDS)
        cursor.child("$schema", given).problem(f"The kind of a step should be one of {kinds}, not {describe(given)}.")
        return {}
    members = {name: Member(read_any) for name in ("$schema", *KIND_MEMBERS[kind])}
    form = read_record(cursor, members, "A step")
    return {**{name: value for name, value in form.items() if value is not None}, "$schema": OWN_ACTION + kind}


def _response(cursor: Cursor, short: Mapping[str, Cursor]) -> dict[str, Any]:
    """Read a possible response; `display` and `update` of its action hold where it has none itself."""
    own = cursor.reading.strict
    form = read_record(cursor, _OWN_RESPONSE if own else _LTO_RESPONSE, "A response", keyed=True)
    given = cursor.value if isinstance(cursor.value, dict) else {}
    for name, read_member in (("display", read_display), ("update", read_update)):
        if name in short and given.get(name) is None:
            source = short[name]
            place = Cursor(
                value=source.value, given=source.given, normal=(*cursor.normal, name), reading=cursor.reading
            )
            form[name] = read_member(place.moved())
    return form


def _transitions(cursor: Cursor) -> list[dict[str, Any]]:
    value = cursor.value
    if value is None:
        return []
    if isinstance(value, list):
        return [_transition(cursor.child(index, item)) for index, item in enumerate(value)]
    return [_transition(cursor.moved(0))]


def _transition(cursor: Cursor) -> dict[str, Any]:
    if isinstance(cursor.value, str):
        form = read_record(cursor.with_value({}), _TRANSITION, "A transition")
        return {**form, "transition": cursor.moved("transition").value}
    form = read_record(cursor, _TRANSITION, "A transition")
    if form["transition"] is None:
        cursor.problem('A transition needs "transition": the state that it leads to.')
        form["transition"] = ""
    return form


def _state(cursor: Cursor) -> dict[str, Any]:
    return read_record(cursor, _STATE, "A state", keyed=True)


_LTO_RESPONSE = {"title": Member(read_text), "display": Member(read_display), "update": Member(read_update)}
_OWN_RESPONSE = {**_LTO_RESPONSE, "schema": Member(_response_schema), "ui_schema": Member(read_object)}


def _default_response(cursor: Cursor) -> str:
    return read_string(cursor) or "ok"


_LTO_ACTION = {
    "$schema": Member(read_any),
    "title": Member(read_text),
    "label": Member(read_text),
    "description": Member(read_text),
    "actors": Member(read_names_or_instruction, short="actor"),
    "condition": Member(read_condition),
    "responses": Member(read_any),
    "default_response": Member(_default_response),
    "determine_response": Member(read_text),
}


def _own_action(kind: str) -> Mapping[str, Member]:
    return {
        **_LTO_ACTION,
        "priority": Member(read_integer(0)),
        "system": Member(read_flag(kind != "manual")),
        "performative": Member(read_optional_flag),
        "context": Member(read_context),
        "when": Member(read_choice(_WHEN, "immediately")),
        "schedule": Member(read_schedule),
        **{name: Member(_KIND_READERS.get(name, read_any)) for name in KIND_MEMBERS[kind]},
    }


_KIND_READERS: Mapping[str, Reader] = {"steps": _steps, "change": read_object, "remove": read_optional_flag}

_TRANSITION = {
    "action": Member(read_string),
    "response": Member(read_string),
    "condition": Member(read_condition),
    "transition": Member(read_string),
}

_STATE = {
    "title": Member(read_text),
    "description": Member(read_text),
    "instructions": Member(read_instructions),
    "actions": Member(read_strings, short="action"),
    "transitions": Member(_transitions, short="transition"),
    "timeout": Member(read_text),
    "display": Member(read_display),
}

_LTO_SCENARIO = {
    "$schema": Member(_dialect),
    "id": Member(read_string),
    "title": Member(read_string),
    "description": Member(read_string),
    "actors": Member(_keyed(_actor, "actors")),
    "actions": Member(_keyed(_action, "actions")),
    "allow_actions": Member(read_strings),
    "states": Member(_keyed(_state, "states")),
    "assets": Member(_keyed(_data_schema, "assets")),
    "definitions": Member(_keyed(_definition, "definitions")),
}
_OWN_SCENARIO = {
    **_LTO_SCENARIO,
    "scenarios": Member(_keyed(_sub_scenario, "scenarios")),
    "properties": Member(read_properties),
}
