"""How large a JSON value is, counted no further than somebody cares. Pure.

Values that are made up share their parts: a list of 32 times the same list of 32 times the same list is small in memory
and has no end when it is written. So whoever makes values asks before writing, comparing or checking them.
"""

from typing import Any

CHARACTERS = 64
"""Characters of a text that count like one value."""


def size_within(value: Any, most: int) -> int | None:
    """Return how many values a value has, itself and long texts included; None where they are more than `most`."""
    count, todo = 0, [value]
    while todo:
        part = todo.pop()
        count += 1
        if isinstance(part, str):
            count += len(part) // CHARACTERS
        elif isinstance(part, (list, dict)):
            if len(part) > most:
                return None
            todo.extend(part.values() if isinstance(part, dict) else part)
        if count + len(todo) > most:
            return None
    return count
