"""Actors and assets that nothing uses."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from workflow_engine.checks.report import Finding
from workflow_engine.checks.view import View
from workflow_engine.errors import quote

_MENTION = re.compile(r"(actors|assets)\.(\"|\\\")?([^\s.\"'`\[\](){}|,<>=!&\\]+)")


def unused_actor(view: View) -> Iterator[Finding]:
    """An actor who may do nothing and whom nothing mentions."""
    actions = view.actions.values()
    if any(not isinstance(action["actors"], list) for action in actions):
        return
    used = {name for action in actions for name in action["actors"]} | _mentioned(view, "actors") | set(_playing(view))
    for key in view.form["actors"]:
        if key not in used:
            yield ("actors", key), f"The actor {quote(key)} may do nothing, and nothing mentions it."


def _playing(view: View) -> Iterator[str]:
    """Yield the actors who play one of a sub-process."""
    for key, action in view.actions.items():
        inner, roles = view.inner_of(key), action.get("roles")
        if inner is not None:
            named = roles.values() if isinstance(roles, Mapping) else inner.form["actors"]
            yield from (name for name in named if isinstance(name, str))


def unused_asset(view: View) -> Iterator[Finding]:
    """An asset that nothing changes or reads."""
    used = _mentioned(view, "assets") | view.shared
    for key in view.form["assets"]:
        if key not in used:
            yield ("assets", key), f"The asset {quote(key)} is never changed and never read."


def _mentioned(view: View, collection: str) -> set[str]:
    parts: Mapping[str, Any] = {name: view.form[name] for name in ("actions", "states")}
    text = json.dumps(parts, ensure_ascii=False)
    return {match.group(3) for match in _MENTION.finditer(text) if match.group(1) == collection}
