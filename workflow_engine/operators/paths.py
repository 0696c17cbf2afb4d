"""Dot paths, the simple way to point at a value: `assets.offer.items.0.price`.

Names are separated by dots, list items are counted from 0; a leading `$.` means the same as none. There is no escape:
names with dots are reached with `<eval>`.
"""

from functools import lru_cache
from typing import Any

from workflow_engine.errors import InvalidInstructionError
from workflow_engine.history import History, plain

MAX_LENGTH = 1024


def parse(path: Any) -> tuple[str, ...]:
    """Split a dot path; `$` alone is the empty path (the whole).

    Raises:
        InvalidInstructionError: It is not text, too long, or has an empty part.
    """
    if not isinstance(path, str) or len(path) > MAX_LENGTH:
        raise InvalidInstructionError(f"a path should be text of at most {MAX_LENGTH} characters")
    return _parts(path)


@lru_cache(maxsize=256)
def _parts(path: str) -> tuple[str, ...]:
    if path == "$":
        return ()
    parts = tuple(path.removeprefix("$.").split("."))
    if not all(parts):
        raise InvalidInstructionError(f'the path "{path[:64]}" has an empty part')
    return parts


def find(path: Any, value: Any) -> Any:
    """Return what stands at a dot path below a value, or None where nothing does.

    Raises:
        InvalidInstructionError: The path is malformed.
    """
    for part in parse(path):
        value = member(value, part)
    return plain(value)


def member(value: Any, name: str) -> Any:
    """Return one member of an object, or one item of a list by its number as text; None where there is none."""
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, (list, History)):
        index = item_index(name)
        return value[index] if index is not None and index < len(value) else None
    return None


def item_index(name: str) -> int | None:
    """Return the number of a list item from its text (`0`, `17`), or None when it is no such number."""
    if len(name) <= 9 and name.isascii() and name.isdigit() and (name == "0" or name[0] != "0"):
        return int(name)
    return None
