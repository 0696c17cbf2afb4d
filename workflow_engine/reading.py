"""Reading a document member by member: where each value stands, and what is wrong with it.

A reader is a function from a `Cursor` to a value of the normal form. It never raises for what it finds: it notes a
problem at the place and gives a default, so that one pass finds all problems of a document. Along the way the cursor
keeps, for every part that moved (array to map, short to full form), the place it came from; `Reading.locate` leads from
a path in the normal form back to the document as it was given.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from workflow_engine.advice import nearest
from workflow_engine.errors import Path, Problem, json_path, quote

FORM = "form"
"""Rule name of everything that is not of the shape the dialect gives it."""

MAX_INTEGER = 1_000_000
"""Bound of the whole numbers of a scenario (priorities): far more than anybody ranks."""


@dataclass(slots=True, kw_only=True)
class Reading:
    """What one pass over a document found.

    Attributes:
        strict: Unknown members are problems (our own dialect); else they are kept.
        problems: Problems of form, in the order of the document.
        origins: Path in the normal form to path in the given document, where they differ.
        spellings: Names that the given document has at these paths of it, where they were written anew.
    """

    strict: bool
    problems: list[Problem] = field(default_factory=list)
    origins: dict[Path, Path] = field(default_factory=dict)
    spellings: dict[Path, str] = field(default_factory=dict)

    def locate(self, path: Path) -> Path:
        """Return where a part of the normal form stands in the document as given."""
        for length in range(len(path), 0, -1):
            origin = self.origins.get(path[:length])
            if origin is not None:
                return self.as_given(origin + path[length:])
        return self.as_given(path)

    def as_given(self, path: Path) -> Path:
        """Return a path of the document in the spelling of the document."""
        if not self.spellings:
            return path
        return tuple(self.spellings.get(path[: index + 1], key) for index, key in enumerate(path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A value at its place.

    Attributes:
        value: The JSON value; None where the member is absent or null, which is the same.
        given: Its path in the document as given.
        normal: Its path in the normal form.
        reading: Where findings go.
    """

    value: Any
    given: Path
    normal: Path
    reading: Reading

    def problem(self, message: str) -> None:
        """Note a problem of form at this place."""
        self.reading.problems.append(
            Problem(rule=FORM, severity="error", path=json_path(self.reading.as_given(self.given)), message=message)
        )

    def child(self, key: str | int, value: Any, *, name: str | int | None = None) -> "Cursor":
        """Return the cursor of a member: `key` in the document as given, `name` (else `key`) in the normal form."""
        given, normal = (*self.given, key), (*self.normal, key if name is None else name)
        if given != self.reading.locate(normal):
            self.reading.origins[normal] = given
        return Cursor(value=value, given=given, normal=normal, reading=self.reading)

    def moved(self, *names: str | int) -> "Cursor":
        """Return the same value at a deeper place of the normal form (it becomes part of a list or object)."""
        normal = (*self.normal, *names)
        if self.given != self.reading.locate(normal):
            self.reading.origins[normal] = self.given
        return Cursor(value=self.value, given=self.given, normal=normal, reading=self.reading)

    def with_value(self, value: Any) -> "Cursor":
        """Return another value at the same place."""
        return Cursor(value=value, given=self.given, normal=self.normal, reading=self.reading)


Reader = Callable[[Cursor], Any]


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object: how its value is read, and the short name it may have instead."""

    read: Reader
    short: str | None = None


def is_instruction(value: Any) -> bool:
    """Tell whether a value is a data instruction: an object with an operator (`<name>`) among its keys."""
    return isinstance(value, dict) and any(is_operator(key) for key in value)


def is_operator(key: str) -> bool:
    """Tell whether an object key is written as a data operator."""
    return len(key) > 2 and key[0] == "<" and key[-1] == ">"


def members_of(cursor: Cursor, what: str) -> Mapping[str, Any]:
    """Return the members of an object; absent and (as PHP writes an empty object) `[]` are empty."""
    if cursor.value is None or cursor.value == []:
        return {}
    if isinstance(cursor.value, dict):
        return cursor.value
    cursor.problem(f"{what} should be an object ({{…}}), not {describe(cursor.value)}.")
    return {}


def read_record(cursor: Cursor, members: Mapping[str, Member], what: str, *, keyed: bool = False) -> dict[str, Any]:
    """Read an object with known members, every one of which stands in the result.

    Members that are not known are kept, or, in a strict reading, are problems unless their names start with `x-`. The
    `key` of an object that is `keyed`, an item of a collection, is left out: it is the key of the item.
    """
    given = members_of(cursor, what)
    result: dict[str, Any] = {}
    known: set[str] = {"key"} if keyed else set()
    for name, member in members.items():
        known |= {name, member.short} if member.short else {name}
        result[name] = member.read(_member(cursor, given, name, member.short))
    for name, value in given.items():
        if name in known:
            continue
        if cursor.reading.strict and not name.startswith("x-"):
            cursor.child(name, value).problem(_unknown(name, known, what))
        else:
            result[name] = value
    return result


def _member(cursor: Cursor, given: Mapping[str, Any], name: str, short: str | None) -> Cursor:
    if short is None or given.get(short) is None:
        return cursor.child(name, given.get(name))
    if given.get(name) is not None:
        cursor.child(short, given[short]).problem(f'Give either "{short}" or "{name}", not both.')
        return cursor.child(name, given[name])
    return cursor.child(short, given[short], name=name)


def _unknown(name: str, known: set[str], what: str) -> str:
    close = nearest(name, sorted(known))
    advice = ' Members of your own start with "x-".' if close is None else f' Did you mean "{close}"?'
    return f"{what} has no member {quote(name)}.{advice}"


def items_of(cursor: Cursor, what: str) -> Iterator[tuple[str, Cursor]]:
    """Yield the items of a collection with their keys: an object by key, or an array of objects with a `key`."""
    if isinstance(cursor.value, list):
        yield from _items_of_list(cursor, what)
        return
    for key, value in members_of(cursor, what).items():
        item = cursor.child(key, value)
        inner = value.get("key") if isinstance(value, dict) else None
        if inner is not None and inner != key:
            item.problem(f'The key {quote(key)} differs from the "key" inside.')
        yield key, item


def _items_of_list(cursor: Cursor, what: str) -> Iterator[tuple[str, Cursor]]:
    seen: set[str] = set()
    for index, value in enumerate(cursor.value):
        key = value.get("key") if isinstance(value, dict) else None
        if key is None and not cursor.reading.strict:
            key = str(index)
        if not isinstance(key, str):
            cursor.child(index, value).problem(f'Each item of {what} needs a "key" (text).')
        elif key in seen:
            cursor.child(index, value).problem(f"The key {quote(key)} stands twice in {what}.")
        else:
            seen.add(key)
            yield key, cursor.child(index, value, name=key)


def read_text(cursor: Cursor) -> Any:
    """Read a text or a data instruction that gives one; None when absent."""
    if cursor.value is None or isinstance(cursor.value, str) or is_instruction(cursor.value):
        return cursor.value
    cursor.problem(f"This should be text or a data instruction, not {describe(cursor.value)}.")
    return None


def read_string(cursor: Cursor) -> str | None:
    """Read a plain text; None when absent."""
    if cursor.value is None or isinstance(cursor.value, str):
        return cursor.value
    cursor.problem(f"This should be text, not {describe(cursor.value)}.")
    return None


def read_strings(cursor: Cursor) -> list[str]:
    """Read a list of texts; a single text is a list of one, absent is empty."""
    if cursor.value is None:
        return []
    if isinstance(cursor.value, str):
        return [cursor.moved(0).value]
    if not isinstance(cursor.value, list):
        cursor.problem(f"This should be a list of names, not {describe(cursor.value)}.")
        return []
    names: list[str] = []
    for index, item in enumerate(cursor.value):
        if isinstance(item, str):
            names.append(cursor.child(index, item, name=len(names)).value)
        else:
            cursor.child(index, item).problem(f"This should be a name (text), not {describe(item)}.")
    return names


def read_any(cursor: Cursor) -> Any:
    """Keep a value as it is."""
    return cursor.value


def read_flag(default: bool) -> Reader:
    """Return a reader of true or false."""

    def read(cursor: Cursor) -> bool:
        if isinstance(cursor.value, bool):
            return cursor.value
        if cursor.value is not None:
            cursor.problem(f"This should be true or false, not {describe(cursor.value)}.")
        return default

    return read


def read_integer(default: int) -> Reader:
    """Return a reader of whole numbers (1.0 is one; true is not)."""

    def read(cursor: Cursor) -> int:
        value = cursor.value
        if value is None:
            return default
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value == value // 1:
            if abs(value) <= MAX_INTEGER:
                return int(value)
            cursor.problem(f"The number should lie between -{MAX_INTEGER} and {MAX_INTEGER}.")
            return default
        cursor.problem(f"This should be a whole number, not {describe(value)}.")
        return default

    return read


def read_choice(choices: tuple[str, ...], default: str) -> Reader:
    """Return a reader of one of a few words."""

    def read(cursor: Cursor) -> str:
        if cursor.value is None:
            return default
        if isinstance(cursor.value, str) and cursor.value in choices:
            return cursor.value
        cursor.problem(f"This should be one of {', '.join(choices)}, not {describe(cursor.value)}.")
        return default

    return read


def describe(value: Any) -> str:
    """Name a JSON value in a message: its kind, and short texts and numbers themselves."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {quote(value)}"
    if isinstance(value, (int, float)):
        return f"the number {str(value)[:32]}"
    if isinstance(value, list):
        return "a list"
    return "a data instruction" if is_instruction(value) else "an object"
