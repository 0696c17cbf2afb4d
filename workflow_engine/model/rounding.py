"""What of a value tells configurations apart: what lies far beyond everything it is compared with is one."""

from collections.abc import Iterator
from typing import Any

from workflow_engine.model.reads import LINKED, Mark, Place, position
from workflow_engine.model.trying import Samples
from workflow_engine.operators import paths

NEAR = 100
"""Numbers this near to a constant are told apart: what counts up or down to it is followed step by step."""

FAR = ":far"
"""Stands for every number and every item beyond."""


def value_at(place: Place, context: Any) -> Any:
    """Return what stands at a place of the projection, or None."""
    value = context
    for name in place:
        value = paths.member(value, name)
    return value


def numbers_in(samples: Samples) -> Iterator[float]:
    """Yield every number that is tried."""
    todo: list[Any] = list(samples.values.values())
    while todo:
        part = todo.pop()
        if isinstance(part, (list, dict)):
            todo.extend(part.values() if isinstance(part, dict) else part)
        elif isinstance(part, (int, float)) and not isinstance(part, bool):
            yield part


def rounded(value: Any, constants: frozenset[Any], known: frozenset[float]) -> Any:
    """Return a value in which what lies far beyond all constants is one: numbers far away, items past the last.

    Numbers that are tried themselves are kept: there are not too many of them.
    """
    if Mark.WHOLE not in constants and not isinstance(value, (list, dict)):
        return position(value, constants)
    if isinstance(value, bool) or value is None or isinstance(value, str) or constants >= LINKED:
        return value
    numbers = [item for item in constants if isinstance(item, (int, float)) and not isinstance(item, bool)]
    if isinstance(value, (int, float)):
        is_near = not numbers or min(numbers) - NEAR <= value <= max(numbers) + NEAR
        return value if is_near or value in known else FAR
    if isinstance(value, list):
        most = max(3, *(int(min(number, 64)) + 2 for number in numbers)) if numbers else 3
        return [*(rounded(item, constants, known) for item in value[:most]), *([FAR] if len(value) > most else [])]
    return {name: rounded(item, constants, known) for name, item in sorted(value.items())}
