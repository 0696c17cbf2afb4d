"""What differs between two scenarios as they are written: in their normal forms, place by place (structure alone).

Everything that means the same has the same normal form, so what is found is a difference in meaning or in words. Lists
whose order matters, as those of transitions, are compared item by item, with what was put in or taken out in between.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from eventchain.core import canonical_json
from workflow_engine.errors import Path, json_path

Kind = Literal["added", "removed", "changed"]

MAX_SHOWN = 120
"""Characters of a value in a sentence."""


MAX_PAIRS = 10_000
"""Pairs of items in two lists, beside what they begin and end with alike: matching more is cubic, so they are compared
one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place at which two documents differ.

    Attributes:
        kind: What happened there.
        path: JSON path; of what was added in the new document, of what was removed or changed in the old one.
        old: What stood there; None where it was added.
        new: What stands there; None where it was removed.
    """

    kind: Kind
    path: str
    old: Any
    new: Any

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        values = {"added": ("new",), "removed": ("old",), "changed": ("old", "new")}[self.kind]
        return {"kind": self.kind, "path": self.path, **{name: getattr(self, name) for name in values}}

    def __str__(self) -> str:
        """Return one line: `+ $.states.a: …`, `- …` or `~ …: … → …`."""
        if self.kind == "changed":
            return f"~ {self.path}: {_shown(self.old)} → {_shown(self.new)}"
        sign, value = ("+", self.new) if self.kind == "added" else ("-", self.old)
        return f"{sign} {self.path}: {_shown(value)}"


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Return what differs between two normal forms, sorted by place."""
    return tuple(_compare(old, new, ()))


def _compare(old: Any, new: Any, path: Path) -> Iterator[Difference]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            place = (*path, key)
            if key not in new or (new[key] is None and old.get(key) is not None):
                yield _difference("removed", place, old=old[key])
            elif key not in old or (old[key] is None and new[key] is not None):
                yield _difference("added", place, new=new[key])
            else:
                yield from _compare(old[key], new[key], place)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _compare_lists(old, new, path)
    elif canonical_json.encode(old) != canonical_json.encode(new):
        yield _difference("changed", path, old=old, new=new)


def _compare_lists(old: Sequence[Any], new: Sequence[Any], path: Path) -> Iterator[Difference]:
    for first, last, start, end in _parts_that_differ(old, new):
        paired = min(last - first, end - start)
        for index in range(paired):
            yield from _compare(old[first + index], new[start + index], (*path, first + index))
        for index in range(first + paired, last):
            yield _difference("removed", (*path, index), old=old[index])
        for index in range(start + paired, end):
            yield _difference("added", (*path, index), new=new[index])


def _parts_that_differ(old: Sequence[Any], new: Sequence[Any]) -> Iterator[tuple[int, int, int, int]]:
    """Yield where two lists differ: from and to which item of the old one, and of the new one."""
    before, after = ([canonical_json.encode(item) for item in items] for items in (old, new))
    start, most = 0, min(len(before), len(after))
    while start < most and before[start] == after[start]:
        start += 1
    end = 0
    while end < most - start and before[-1 - end] == after[-1 - end]:
        end += 1
    before, after = before[start : len(before) - end], after[start : len(after) - end]
    if len(before) * len(after) > MAX_PAIRS:
        yield start, start + len(before), start, start + len(after)
        return
    for tag, *places in SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes():
        if tag != "equal":
            first, last, from_new, to_new = (place + start for place in places)
            yield first, last, from_new, to_new


def _difference(kind: Kind, path: Path, *, old: Any = None, new: Any = None) -> Difference:
    return Difference(kind=kind, path=json_path(path), old=old, new=new)


def _shown(value: Any) -> str:
    text = canonical_json.encode(value).decode("utf-8", "replace")
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
