"""Entering a state: its texts and actions, evaluated on the process (part of the machine; pure, consensus-critical).

In the condition of an action, `current.actor` is the actor who would do it: the condition is evaluated for each of the
action's actors, those who fail it are left out, and an action with nobody left is not available. In everything else
`current.actor` is the actor whose response led to the state. There is no `current.response` here.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from eventchain.core.entry import Entry
from eventchain.core.errors import InvalidError
from workflow_engine.durations import add_duration, to_iso
from workflow_engine.errors import InvalidInstructionError, json_path
from workflow_engine.operators import Budget, evaluate, evaluate_text, holds
from workflow_engine.process import CurrentState, Process, context_of
from workflow_engine.scenario import Action, State


def enter(process: Process, key: str, entry: Entry, actor: str | None, budget: Budget) -> Process:
    """Return the process in a state that an event has led to. Its due date counts from the event's timestamp.

    Raises:
        InvalidInstructionError: A text, timeout, condition or property cannot be evaluated.
    """
    bare = CurrentState(
        key=key, instructions={}, actions={}, due_date=None, actor=actor, event=entry.hash, timestamp=entry.timestamp
    )
    return _evaluated(process, bare, budget, is_new=True)


def refresh(process: Process, answered: str, actor: str, budget: Budget) -> Process:
    """Return the process in the same state after a response that led nowhere else: everything evaluated anew.

    The state counts as entered when it was: the due date stays, and what was answered since is remembered.

    Raises:
        InvalidInstructionError: A text, condition or property cannot be evaluated.
    """
    keys = tuple(dict.fromkeys((*process.current.answered, answered)))
    bare = replace(
        process.current, title=None, description=None, instructions={}, actions={}, actor=actor, answered=keys
    )
    return _evaluated(process, bare, budget, is_new=False)


def _evaluated(process: Process, bare: CurrentState, budget: Budget, *, is_new: bool) -> Process:
    """Return the process in a state whose texts, then due date, then actions are evaluated, each seeing the former."""
    state = process.scenario.states[bare.key]
    process = replace(process, current=bare)
    seen = context_of(process)
    texts = _texts(state, seen, budget)
    seen["current"].update(texts)
    due_date = _due_date(state, bare.timestamp, seen, budget) if is_new else bare.due_date
    if due_date is not None:
        seen["current"]["due_date"] = to_iso(due_date)
    actions = _actions(process, seen, budget)
    return replace(process, current=replace(bare, **texts, due_date=due_date, actions=actions))


def _texts(state: State, seen: dict[str, Any], budget: Budget) -> dict[str, Any]:
    """Return the texts of a state; those that are not given are left out."""
    path = json_path(("states", state.key))
    instructions = {
        actor: evaluate_text(text, seen, budget, path + json_path(("instructions", actor))[1:])
        for actor, text in sorted(state.instructions.items())
    }
    texts = {
        "title": evaluate_text(state.title, seen, budget, f"{path}.title"),
        "description": evaluate_text(state.description, seen, budget, f"{path}.description"),
        "instructions": {actor: text for actor, text in instructions.items() if text is not None},
    }
    return {name: text for name, text in texts.items() if text is not None}


def _due_date(state: State, entered: int, seen: dict[str, Any], budget: Budget) -> int | None:
    if state.timeout is None:
        return None
    path = json_path(("states", state.key, "timeout"))
    timeout = evaluate(state.timeout, seen, budget, path)
    if timeout is None:
        return None
    if not isinstance(timeout, str):
        raise InvalidInstructionError("a timeout should be a duration such as P7D", path=path)
    try:
        return add_duration(entered, timeout)
    except InvalidError as error:
        raise InvalidInstructionError(error.message, path=path, hint=error.hint) from None


def _actions(process: Process, seen: dict[str, Any], budget: Budget) -> dict[str, Mapping[str, Any]]:
    """Return the available actions of the state, instantiated."""
    actions: dict[str, Mapping[str, Any]] = {}
    for key in process.scenario.action_keys(process.current.key):
        action = process.scenario.actions.get(key)
        instance = None if action is None else _instance(action, process, seen, budget)
        if instance is not None:
            actions[key] = instance
    return actions


def _instance(action: Action, process: Process, seen: dict[str, Any], budget: Budget) -> dict[str, Any] | None:
    """Return an action as it is offered now, or None when nobody may do it."""
    actors = actors_of(action, process, seen, budget)
    if not actors:
        return None
    path = json_path(("actions", action.key))
    texts = {
        name: evaluate_text(text, seen, budget, f"{path}.{name}")
        for name, text in (("title", action.title), ("label", action.label), ("description", action.description))
    }
    properties = {
        name: evaluate(value, seen, budget, path + json_path((name,))[1:])
        for name, value in sorted(action.properties.items())
    }
    return {
        **{name: value for name, value in (properties | texts).items() if value is not None},
        "$schema": action.schema,
        "key": action.key,
        "actors": list(actors),
        "responses": {key: _offered(response.title) for key, response in sorted(action.responses.items())},
        "default_response": action.default_response,
        "performative": action.is_performative,
        "system": action.is_system,
    }


def _offered(title: Any) -> dict[str, Any]:
    return {"title": title} if isinstance(title, str) else {}


def actors_of(action: Action, process: Process, seen: dict[str, Any], budget: Budget) -> tuple[str, ...]:
    """Return the keys of the actors who may do an action now, in its order; unknown actors are passed over.

    Raises:
        InvalidInstructionError: Its actors or condition cannot be evaluated.
    """
    path = json_path(("actions", action.key))
    listed: Any = action.actors
    if not isinstance(listed, tuple):
        listed = evaluate(listed, seen, budget, f"{path}.actors")
        listed = [listed] if isinstance(listed, str) else listed
        if listed is not None and not isinstance(listed, list):
            raise InvalidInstructionError("the actors of an action should be a list of keys", path=f"{path}.actors")
    known = list(dict.fromkeys(item for item in listed or () if isinstance(item, str)))
    known = [key for key in known if key in process.actors]
    if isinstance(action.condition, bool):
        return tuple(known) if action.condition else ()
    return tuple(key for key in known if _holds_for(action, process, seen, key, budget))


def _holds_for(action: Action, process: Process, seen: dict[str, Any], actor: str, budget: Budget) -> bool:
    asked = {**seen, "current": {**seen["current"], "actor": process.actors[actor]}}
    return holds(action.condition, asked, budget, json_path(("actions", action.key, "condition")))
