"""How large a scenario may be. Looked at before anything else, so that nothing after it can be slow."""

from collections.abc import Iterator
from typing import Any

from eventchain.core import canonical_json
from eventchain.core.errors import InvalidJsonError
from workflow_engine.checks.report import Finding
from workflow_engine.checks.view import View

MAX_BYTES = 65_535
"""Of the canonical JSON: an event of the chain carries the scenario, and its data has a 16-bit length."""

MAX_DEPTH = 48
"""Levels of nesting; the strict reader's 64, less what a process and an event put around it."""

MAX_VALUES = 10_000
"""Values in the document; 65,535 bytes of real text hold far fewer."""

MAX_STATES = 256
MAX_ACTIONS = 256
MAX_RESPONSES = 32
MAX_ACTORS = 64
MAX_ASSETS = 256

_COUNTS = (("states", MAX_STATES), ("actions", MAX_ACTIONS), ("actors", MAX_ACTORS), ("assets", MAX_ASSETS))


def over_limit(document: Any) -> str | None:
    """Say which limit of size a document is over, or None."""
    level, count = [document], 0
    for _ in range(MAX_DEPTH + 1):
        level = [child for value in level for child in _children(value)]
        count += len(level)
        if count > MAX_VALUES:
            return f"The scenario holds more than {MAX_VALUES} values. Shorten it."
        if not level:
            return _over_bytes(document)
    return f"The scenario is nested deeper than {MAX_DEPTH} levels."


def _over_bytes(document: Any) -> str | None:
    try:
        size = len(canonical_json.encode(document))
    except InvalidJsonError as error:
        return f"The scenario holds a value that JSON cannot carry: {error.message}."
    if size > MAX_BYTES:
        return (
            f"The scenario has {size} bytes. An event of the chain, which has to carry it, holds at most {MAX_BYTES}: "
            "shorten its texts or link what is large."
        )
    return None


def too_many(view: View) -> Iterator[Finding]:
    """More states, actions, … than one scenario may have."""
    for name, most in _COUNTS:
        count = len(view.form[name])
        if count > most:
            yield (name,), f"The scenario has {count} {name}; at most {most} are allowed. Split it into sub-scenarios."
    for key, action in view.actions.items():
        if len(action["responses"]) > MAX_RESPONSES:
            yield ("actions", key, "responses"), f"An action has at most {MAX_RESPONSES} possible responses."


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
