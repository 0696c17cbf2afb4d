"""Names that a scenario uses and that have to exist in it."""

from collections.abc import Iterable, Iterator

from workflow_engine.advice import nearest
from workflow_engine.checks.reads import reads
from workflow_engine.checks.report import Finding
from workflow_engine.checks.view import TIMEOUT, View
from workflow_engine.errors import quote
from workflow_engine.normalise import FINAL_STATES

MAX_KEY = 128
"""Characters of a key of a state, action, actor, asset or response."""


def missing(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that there is no such state (action, actor, asset), and which one may have been meant."""
    close = nearest(name, known)
    advice = "" if close is None else f" Did you mean {quote(close)}?"
    return f"There is no {kind} {quote(name)} in this scenario.{advice}"


def unknown_action(view: View) -> Iterator[Finding]:
    """An action that does not exist is listed in a state, allowed everywhere, or awaited by a transition."""
    for index, name in enumerate(view.form["allow_actions"]):
        if name not in view.actions:
            yield ("allow_actions", index), missing("action", name, view.actions)
    for key, state in view.states.items():
        for index, name in enumerate(state["actions"]):
            if name not in view.actions:
                yield ("states", key, "actions", index), missing("action", name, view.actions)
        for index, transition in enumerate(state["transitions"]):
            name = transition["action"]
            if name is not None and name != TIMEOUT and name not in view.actions:
                yield ("states", key, "transitions", index, "action"), missing("action", name, view.actions)


def unknown_response(view: View) -> Iterator[Finding]:
    """A transition waits for a response that its action cannot have, or a node would give one."""
    for key, state in view.states.items():
        for index, transition in enumerate(state["transitions"]):
            action, response = transition["action"], transition["response"]
            if response is None or action not in view.actions or view.can_answer(action, response):
                continue
            yield ("states", key, "transitions", index, "response"), _no_response(view, action, response)
    for key, action in view.actions.items():
        for name in ("determine_response", "trigger_response"):
            response = action.get(name)
            if isinstance(response, str) and not view.can_answer(key, response):
                yield ("actions", key, name), _no_response(view, key, response)


def _no_response(view: View, action: str, response: str) -> str:
    known = ", ".join(quote(name) for name in list(view.actions[action]["responses"])[:8]) or "none"
    return f"The action {quote(action)} has no response {quote(response)}; it has {known}."


def unknown_actor(view: View) -> Iterator[Finding]:
    """An action may be done by an actor who does not exist."""
    actors = view.form["actors"]
    for key, action in view.actions.items():
        names = action["actors"] if isinstance(action["actors"], list) else []
        for index, name in enumerate(names):
            if name not in actors:
                yield ("actions", key, "actors", index), missing("actor", name, actors)


def unknown_state(view: View) -> Iterator[Finding]:
    """A transition leads to a state that does not exist."""
    for key, state in view.states.items():
        for index, transition in enumerate(state["transitions"]):
            target = transition["transition"]
            if target not in view.states:
                yield ("states", key, "transitions", index, "transition"), missing("state", target, view.states)


def unknown_instructions_actor(view: View) -> Iterator[Finding]:
    """Instructions are for an actor who does not exist."""
    for key, state in view.states.items():
        for actor in state["instructions"]:
            if actor not in view.form["actors"]:
                yield ("states", key, "instructions", actor), missing("actor", actor, view.form["actors"])


def update_target(view: View) -> Iterator[Finding]:
    """An update changes something that responses may not change, or that does not exist."""
    for key, action in view.actions.items():
        for name, response in action["responses"].items():
            for index, update in enumerate(response["update"]):
                message = _target(view, update["select"])
                if message:
                    yield ("actions", key, "responses", name, "update", index, "select"), message


def _target(view: View, select: str) -> str | None:
    parts = select.split(".")
    if "" in parts or len(select) > 1024:
        return f"The place {quote(select)} is not a path of names with dots between them."
    root, rest = parts[0], parts[1:]
    place = ["actors", "", *rest[1:]] if rest[:1] == ["actor"] else parts
    if place[0] == "actors" and place[2:3] == ["key"]:
        return "The key of an actor never changes."
    if (root == "title" and not rest) or (root == "current" and rest[:1] == ["actor"]):
        return None
    if root in ("actors", "assets") and rest:
        known = view.form[root]
        return None if rest[0] in known else missing(root[:-1], rest[0], known)
    return (
        f"A response may not change {quote(select)}. It may change assets (assets.…), actors (actors.…), "
        "the actor who responded (current.actor) and the title."
    )


def shown_context(view: View) -> Iterator[Finding]:
    """What a signer is said to have seen does not exist."""
    for key, action in view.actions.items():
        for index, path in enumerate(action.get("context") or [] if view.is_own else []):
            message = _shown(view, path)
            if message:
                yield ("actions", key, "context", index), message


def _shown(view: View, path: str) -> str | None:
    parts = path.split(".")
    if "" in parts or len(path) > 1024 or parts[0] not in ("assets", "actors", "definitions", "current", "title"):
        return (
            f"{quote(path)} is not a path to what a signer sees: it starts with assets, actors, definitions, "
            "current or title, with dots between the names."
        )
    return known_part(view, parts)


def known_part(view: View, parts: list[str]) -> str | None:
    """Return what is wrong with a path into assets, actors or definitions, or None."""
    kinds = {"assets": "asset", "actors": "actor", "definitions": "definition"}
    if len(parts) < 2 or parts[0] not in kinds or parts[1] in view.form[parts[0]]:
        return None
    return missing(kinds[parts[0]], parts[1], view.form[parts[0]])


def unknown_path(view: View) -> Iterator[Finding]:
    """A data instruction or template reads an asset, actor or definition that does not exist."""
    for place, names in reads(view):
        message = known_part(view, names)
        if message:
            yield place, message


def bad_key(view: View) -> Iterator[Finding]:
    """A key that paths cannot name, or that means something else."""
    for name in ("actors", "assets", "actions", "states", "definitions"):
        for key in view.form[name]:
            message = _key(name, key)
            if message:
                yield (name, key), message
    for action, form in view.actions.items():
        for key in form["responses"]:
            if not key or len(key) > MAX_KEY:
                yield ("actions", action, "responses", key), _LENGTH


_LENGTH = f"A key has 1 to {MAX_KEY} characters."


def _key(collection: str, key: str) -> str | None:
    if not key or len(key) > MAX_KEY:
        return _LENGTH
    if collection in ("actors", "assets", "definitions") and "." in key:
        return f"The key {quote(key)} has a dot in it, so that no path can name it."
    if key.startswith(":") and key not in (FINAL_STATES if collection == "states" else ()):
        return f"Keys that start with a colon are the engine's own ({', '.join(FINAL_STATES)}, {TIMEOUT})."
    return None
