"""Actions that change somebody's identity: whether they can be done, and who is waited for when somebody is removed."""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from workflow_engine.action_kinds import DONE_BY_IDENTITY_EVENT, action_kind
from workflow_engine.checks.report import Finding
from workflow_engine.checks.view import TIMEOUT, View
from workflow_engine.errors import Path, quote
from workflow_engine.normalise import OWN_SCENARIO
from workflow_engine.reading import is_instruction

DONE = "ok"
"""The response that the event is which changes the identity."""

FIXED = ("$schema", "id", "process", "action")
"""Members of that event that no `change` gives."""

_MEMBERS = ("node", "signkeys", "encryptkey", "privileges")
"""Members of an identity that mean something to nodes; all others are information."""

_ACTOR = re.compile(r"actors\.([^.\s]+)\.identity\.id")


def actor_changed(form: Mapping[str, Any]) -> str | None:
    """Return the key of the actor whose identity an action names, or None where that is not plain."""
    found = _ACTOR.fullmatch(_path(form))
    return found.group(1) if found else None


def _path(form: Mapping[str, Any]) -> str:
    """Return the path by which an action names an identity; empty where it does not name it by a path."""
    given = form.get("identity")
    path = given.get("<ref>", given.get("<eval>")) if isinstance(given, Mapping) and len(given) == 1 else None
    return path if isinstance(path, str) else ""


def bad_identity_action(view: View) -> Iterator[Finding]:
    """An action that is to change an identity, and can never be done."""
    for key, form, kind in _actions(view):
        place: Path = ("actions", key)
        if not view.is_own:
            yield (
                (*place, "$schema"),
                (
                    f"The {kind} action {quote(key)} changes only who agreed by something performative, which only "
                    f'scenarios of "{OWN_SCENARIO}" tell apart.'
                ),
            )
            continue
        if DONE not in form["responses"]:
            yield (
                (*place, "responses"),
                f'The {kind} action {quote(key)} needs a response "{DONE}": the event that changes the identity is it.',
            )
        if _ACTOR.fullmatch(f"{_path(form)}.id"):
            yield (
                (*place, "identity"),
                f"The {kind} action {quote(key)} names an identity by its id: write {quote(_path(form) + '.id')}.",
            )
        if form["determine_response"] is not None:
            yield (
                (*place, "determine_response"),
                f"What comes of the {kind} action {quote(key)} is told by what was done; nothing else determines it.",
            )
        for member, message in _faults(form) if kind == "identity" else ():
            yield (*place, *member), f"The identity action {quote(key)} {message}"


def _faults(form: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    change, removes = form.get("change"), form.get("remove")
    if (change is None) == (removes is not True):
        yield (), 'says in "change" what becomes of the identity, or "remove": true, and not both.'
    elif change is not None and not is_instruction(change):
        if not isinstance(change, dict) or not change:
            yield ("change",), "changes nothing."
        for name in change if isinstance(change, dict) else ():
            close = difflib.get_close_matches(name[:64].lower(), _MEMBERS, n=1, cutoff=0.85)
            if name in FIXED:
                yield ("change", name), f"cannot change {quote(name)} of an identity."
            elif close and name not in _MEMBERS:
                yield ("change", name), f"would note {quote(name)} as information. Did you mean {quote(close[0])}?"


def unsigned_change(view: View) -> Iterator[Finding]:
    """An action changes somebody who never agrees to the scenario by doing something binding in it."""
    for key, form, _ in _actions(view):
        actor = actor_changed(form)
        if actor in view.form["actors"] and not any(_binds(view, name, str(actor)) for name in view.actions):
            yield (
                ("actions", key, "identity"),
                (
                    f"{quote(str(actor))} does nothing binding in this scenario, so {quote(key)} is refused, unless "
                    "that party starts the process: nobody is changed who has not agreed to the scenario."
                ),
            )


def _binds(view: View, action: str, actor: str) -> bool:
    form = view.actions[action]
    if view.is_system(action) or (view.is_own and not form["performative"]):
        return False
    return not isinstance(form["actors"], list) or actor in form["actors"]


def removed_actor(view: View) -> Iterator[Finding]:
    """Somebody is removed, and afterwards everybody waits for that party alone, without a deadline."""
    for key, form, _ in _actions(view):
        actor = actor_changed(form) if form.get("remove") is True else None
        if actor is None or _is_played_again(form, actor):
            continue
        for state in sorted(_states_after(view, key)):
            if not view.is_final(state) and view.states[state]["timeout"] is None and _waits_for(view, state, actor):
                yield (
                    ("states", state),
                    (
                        f"After {quote(key)} nobody plays {quote(actor)} any more, and in the state {quote(state)} "
                        "nobody else can do anything. Give it a timeout, or let somebody else play the role."
                    ),
                )


def _actions(view: View) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    for key, form in view.actions.items():
        kind = action_kind(form["$schema"])
        if kind in DONE_BY_IDENTITY_EVENT:
            yield key, form, kind


def _is_played_again(form: Mapping[str, Any], actor: str) -> bool:
    """Tell whether the response that follows may bind somebody else to an actor."""
    updates = form["responses"].get(DONE, {}).get("update", ())
    return any(item["select"] in (f"actors.{actor}", f"actors.{actor}.identity") for item in updates)


def _states_after(view: View, action: str) -> set[str]:
    """Return the states that can follow an action that was done, at once or later; conditions are ignored."""
    found: set[str] = set()
    todo = [
        transition["transition"]
        for key, state in view.states.items()
        if key in view.reachable and action in view.available(key)
        for transition in state["transitions"]
        if transition["action"] in (None, action) and transition["response"] in (None, DONE)
    ]
    while todo:
        key = todo.pop()
        if key in view.states and key not in found:
            found.add(key)
            todo.extend(edge.target for edge in view.edges[key])
    return found


def _waits_for(view: View, state: str, actor: str) -> bool:
    leading = {transition["action"] for transition in view.states[state]["transitions"]} - {TIMEOUT}
    can_lead = [name for name in view.available(state) if None in leading or name in leading]
    return bool(can_lead) and all(view.actions[name]["actors"] == [actor] for name in can_lead)
