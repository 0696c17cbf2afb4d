"""Members that are read and that no schema knows, although the schema leaves room for them.

A schema that lists members and does not close itself (`additionalProperties: false`) allows others. So a name that it
does not list is told only where no update can write it, or where it looks like a typing error: it is very near to a
listed one, and written by name nowhere. A process can be started with such a member all the same, so this is no error.
Whoever acts (`current.actor`) is looked at as each actor who may be meant, and told only where all of them lack it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from workflow_engine.advice import nearest
from workflow_engine.checks import shape as shapes
from workflow_engine.checks.reads import reads, without_room
from workflow_engine.checks.report import Finding
from workflow_engine.checks.shape import Shape
from workflow_engine.checks.view import View
from workflow_engine.errors import Path, quote
from workflow_engine.process import ACTOR_MEMBERS
from workflow_engine.reading import is_instruction

CUTOFF = 0.8
"""How much alike a misspelt name and the one that was meant are: one letter of five."""

MAX_JUDGED = 128
"""Unknown members of one scenario that are compared with all its updates; the rest is passed over."""

_WHOEVER = ("current", "actor")
_ANSWER = ("current", "response", "data")
_OPENING = frozenset({"unevaluatedProperties", "propertyNames", "default", "const", "enum", "$dynamicRef"})
"""Keywords with which the members that a schema lists do not say which there are."""


class Unknown(NamedTuple):
    """A member that a schema does not know.

    Attributes:
        place: Of its name in the path that is read.
        close: The listed one that is like it, if there is one.
        is_unwritten: No update can write it.
    """

    place: int
    close: str | None
    is_unwritten: bool


class Update(NamedTuple):
    """An update instruction: the place it selects, itself, and the schema of its response (one dialect has none)."""

    place: Sequence[str | None]
    instruction: Mapping[str, Any]
    schema: Any


def misspelt_read(view: View) -> Iterator[Finding]:
    """A member is read that no schema knows, and that nothing writes or that is very near to a known one."""
    judge = _Judge(view, tuple(_updates(view)))
    for place, names in reads(view):
        if names[:1] in (["assets"], ["actors"]):
            found = judge.unknown(names) if without_room(view, names) is None else None
            message = None if found is None else _sentence(names, found, names[1:2])
        elif tuple(names[:3]) == _ANSWER:
            message = _of_response(judge, place, names)
        else:
            message = _of_whoever(judge, place, names)
        if message is not None:
            yield place, message


def _of_whoever(judge: "_Judge", place: Path, names: Sequence[str]) -> str | None:
    """Return what is wrong with a path into `current.actor`: what is so for each actor who may stand there."""
    if tuple(names[:2]) != _WHOEVER or len(names) < 3:
        return None
    actors, found = _who(judge.view, place), []
    for key in actors:
        unknown = judge.unknown(["actors", key, *names[2:]])
        if unknown is None:
            return None
        found.append(unknown)
    if not found:
        return None
    first = next((item for item in found if item.close is not None), found[0])
    return _sentence(names, first._replace(is_unwritten=all(item.is_unwritten for item in found)), actors)


def _who(view: View, place: Path) -> list[str]:
    """Return the actors whom `current.actor` may mean at a place: those of the action where it is sure, else all."""
    everybody = list(view.form["actors"])
    if place[0] != "actions" or place[2] not in ("condition", "responses"):
        return everybody
    names = view.actions[str(place[1])]["actors"]
    is_sure = isinstance(names, list) and names and all(name in view.form["actors"] for name in names)
    return list(dict.fromkeys(names)) if is_sure else everybody


def _of_response(judge: "_Judge", place: Path, names: Sequence[str]) -> str | None:
    """Return what is wrong with a path into the data of a response, where that response itself reads it."""
    if place[0] != "actions" or place[2] != "responses":
        return None
    schema = judge.view.actions[str(place[1])]["responses"][str(place[3])].get("schema")
    found = judge.unlisted(names, len(_ANSWER), schema, (*map(str, place[1:4]),))
    return None if found is None else _sentence(names, found, [str(place[3])])


@dataclass(slots=True)
class _Judge:
    """What of one scenario decides whether a member may be there, and what was decided."""

    view: View
    updates: Sequence[Update]
    found: dict[tuple[str, ...], Unknown | None] = field(default_factory=dict)

    def unknown(self, names: Sequence[str]) -> Unknown | None:
        """Return the first name of a path that the schema of its actor or asset does not know; None if it may be right.

        Args:
            names: They start with `actors` or `assets`.
        """
        kind, key = names[0], names[1] if len(names) > 1 else ""
        is_engine = kind == "actors" and names[2:3] and names[2] in ACTOR_MEMBERS
        schema = self.view.form[kind].get(key)
        return None if is_engine else self.unlisted(names, 2, schema)

    def unlisted(self, names: Sequence[str], start: int, schema: Shape, owner: Sequence[str] = ()) -> Unknown | None:
        """Return the first name of a path that a schema does not list; None where it may be right.

        Args:
            names: The path from the root of the process.
            start: Place of the first name below what the schema describes.
            schema: Describes it.
            owner: The action and response whose data it is, if it is that.
        """
        for place, name in enumerate(names[start:], start=start):
            listed = _listed(schema)
            if listed is None:
                return None
            if name not in listed:
                return self._judged(tuple(names[: place + 1]), schema, tuple(owner))
            schema = listed[name]
        return None

    def _judged(self, names: tuple[str, ...], schema: Shape, owner: tuple[str, ...]) -> Unknown | None:
        if (*owner, *names) not in self.found:
            if len(self.found) >= MAX_JUDGED:
                return None
            self.found[*owner, *names] = self._judge(names, schema)
        return self.found[*owner, *names]

    def _judge(self, names: tuple[str, ...], schema: Shape) -> Unknown | None:
        listed = schema["properties"]
        if "additionalProperties" in schema:
            return Unknown(len(names) - 1, nearest(names[-1], listed), is_unwritten=False)
        how = self._written(names)
        close = nearest(names[-1], listed, cutoff=CUTOFF)
        if how == "names" or (how == "maybe" and (close is None or _is_named_elsewhere(self.view, names[-1]))):
            return None
        return Unknown(len(names) - 1, close or nearest(names[-1], listed), is_unwritten=how == "no")

    def _written(self, names: tuple[str, ...]) -> str:
        """Tell what stands at a place from the start or is written there by all updates together (see `_brings`)."""
        if names[:3] == _ANSWER:
            return "maybe"
        written = {_brings(update, names) for update in self.updates}
        is_handed = names[0] == "assets" and names[1] in self.view.shared
        has_default = '"default":' in json.dumps(self.view.form[names[0]][names[1]])
        if "names" in written:
            return "names"
        return "maybe" if "maybe" in written or is_handed or has_default else "no"


def _listed(part: Shape) -> Mapping[str, Any] | None:
    """Return the members that a schema lists; None where it lists none, or says in other ways what there is."""
    if shapes.declares(part, "") is None or shapes.kind(part) not in (None, "object"):
        return None
    is_plain = part.get("additionalProperties", False) is False and _OPENING.isdisjoint(part)
    properties: Mapping[str, Any] = part["properties"]
    return properties if is_plain else None


def _is_named_elsewhere(view: View, name: str) -> bool:
    """Tell whether some schema or definition of the scenario has a member of this name, which an update might copy."""
    parts = [view.form["actors"], view.form["assets"], view.form["definitions"]]
    parts += [response.get("schema") for action in view.actions.values() for response in action["responses"].values()]
    return f"{json.dumps(name)}:" in json.dumps(parts)


def _updates(view: View) -> Iterator[Update]:
    """Yield every update instruction of a scenario; those of whoever acts count as for any actor (None)."""
    for action in view.actions.values():
        for response in action["responses"].values():
            for update in response["update"]:
                place = update["select"].removeprefix("$.").split(".")
                if tuple(place[:2]) == _WHOEVER:
                    place = ["actors", None, *place[2:]]
                yield Update(place, update, response.get("schema"))


def _brings(update: Update, names: Sequence[str]) -> str:
    """Tell what an update writes at a place: `no`thing, `maybe` something, or it `names` the place."""
    place, instruction = update.place, update.instruction
    if any(one not in (other, None) for one, other in zip(place, names, strict=False)):
        return "no"
    if len(place) >= len(names):
        return "names"
    rest, data = names[len(place) :], instruction["data"]
    if data is not None:
        return _in_data(data, rest, update.schema)
    if instruction["projection"] is not None:
        return _in_text(instruction["projection"], rest[-1])
    return _in_schema(update.schema, rest)


def _in_schema(schema: Any, names: Sequence[str]) -> str:
    """Tell whether data that fits a schema can have something at a path."""
    for name in names:
        declared = shapes.declares(schema, name)
        schema = shapes.member(schema, name)
        if schema is shapes.NOTHING:
            return "no"
        if not declared:
            return "maybe"
    return "names"


def _in_data(data: Any, names: Sequence[str], schema: Any) -> str:
    """Tell whether the data of an update can have something at a path."""
    if not names:
        return "names"
    if is_instruction(data):
        whole = data.get("<ref>") if len(data) == 1 else None
        prefix = "current.response.data"
        if isinstance(whole, str) and f"{whole}.".startswith(f"{prefix}."):
            below = [name for name in whole[len(prefix) :].split(".") if name]
            return _in_schema(schema, [*below, *names])
        return _in_text(data, names[-1])
    if isinstance(data, Mapping):
        return _in_data(data[names[0]], names[1:], schema) if names[0] in data else "no"
    return "no"


def _in_text(value: Any, name: str) -> str:
    return "names" if json.dumps(name)[1:-1] in json.dumps(value) else "maybe"


def _sentence(names: Sequence[str], found: Unknown, owners: Sequence[str]) -> str:
    whole, name = quote(".".join(names[: found.place + 1])), quote(names[found.place])
    known = f"the schema of {quote(owners[0])} does not know" if len(owners) == 1 else "no schema of its actors knows"
    unwritten = " and no update writes" if found.is_unwritten else ""
    advice = f" Did you mean {quote(found.close)}?" if found.close else ""
    return f"{whole} reads {name}, which {known}{unwritten}.{advice}"
