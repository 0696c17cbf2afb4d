"""How LTO wrote data operators before `<…>`: `_ref` for `<ref>`. Its engine still runs them, so its dialect keeps them.

The normal form has one spelling. Only what is evaluated is read so: states and actions, not schemas and constants,
where such a member is an ordinary name.
"""

from collections.abc import Mapping
from typing import Any

from workflow_engine.errors import Path

OLD_OPERATORS = frozenset({"_ref", "_switch", "_src", "_merge", "_jmespath", "_tpl", "_transformation"})
"""Every old spelling. `_src` is here to be recognised; like `<src>` it is refused."""

MAX_DEPTH = 64
"""Levels that are looked into: those of the strict JSON reader. Nothing deeper becomes a scenario."""


def respell(scenario: Mapping[str, Any], place: Path = ()) -> tuple[dict[str, Any], dict[Path, str]]:
    """Return a scenario with the operators of its states and actions in the present spelling.

    Where both spellings of an operator stand in one object, the old one is left for the check to refuse.

    Args:
        scenario: A scenario of LTO's dialect. It is not changed.
        place: Where it stands in the document.

    Returns:
        The scenario, and the old names by the paths of the present ones.
    """
    spellings: dict[Path, str] = {}
    evaluated = {
        name: _respelt(scenario[name], (*place, name), spellings, MAX_DEPTH)
        for name in ("states", "actions")
        if name in scenario
    }
    return {**scenario, **evaluated}, spellings


def _respelt(value: Any, place: Path, spellings: dict[Path, str], depth: int) -> Any:
    if depth == 0:
        return value
    if isinstance(value, list):
        return [_respelt(item, (*place, index), spellings, depth - 1) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    result = {}
    for key, item in value.items():
        name = f"<{key[1:]}>" if key in OLD_OPERATORS and key != "_src" else key
        if name in value:
            name = key
        if name != key:
            spellings[(*place, name)] = key
        result[name] = _respelt(item, (*place, name), spellings, depth - 1)
    return result
