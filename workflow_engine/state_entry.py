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
from workflow_engine.durations import add_duration
from workflow_engine.errors import InvalidInstructionError, json_path
from workflow_engine.operators import Budget, evaluate, evaluate_text, holds
from workflow_engine.process import CurrentState, Process, context_of
from workflow_engine.scenario import Action


def enter(process: Process, key: str, entry: Entry, actor: str | None, budget: Budget) -> Process:
    """Return the process in a state that an event has led to. Its due date counts from the event's timestamp.

    Raises:
        InvalidInstructionError: A text, timeout, condition or property cannot be evaluated.
    """
    current = CurrentState(
        key=key, instructions={}, actions={}, due_date=None, actor=actor, event=entry.hash, timestamp=entry.timestamp
    )
    entered = _with_texts(replace(process, current=current), budget)
    due_date = _due_date(entered, budget)
    entered = replace(entered, current=replace(entered.current, due_date=due_date))
    return _with_actions(entered, budget)


def refresh(process: Process, answered: str, actor: str, budget: Budget) -> Process:
    """Return the process in the same state after a response that led nowhere else: everything evaluated anew.

    The state counts as entered when it was: the due date stays, and what was answered since is remembered.

    Raises:
        InvalidInstructionError: A text, condition or property cannot be evaluated.
    """
    keys = tuple(dict.fromkeys((*process.current.answered, answered)))
    current = replace(
        process.current, title=None, description=None, instructions={}, actions={}, actor=actor, answered=keys
    )
    return _with_actions(_with_texts(replace(process, current=current), budget), budget)


def _with_texts(process: Process, budget: Budget) -> Process:
    state = process.scenario.states[process.current.key]
    seen, path = context_of(process), json_path(("states", state.key))
    instructions = {
        actor: evaluate_text(text, seen, budget, path + json_path(("instructions", actor))[1:])
        for actor, text in sorted(state.instructions.items())
    }
    current = replace(
        process.current,
        title=evaluate_text(state.title, seen, budget, f"{path}.title"),
        description=evaluate_text(state.description, seen, budget, f"{path}.description"),
        instructions={actor: text for actor, text in instructions.items() if text is not None},
    )
    return replace(process, current=current)


def _due_date(process: Process, budget: Budget) -> int | None:
    state = process.scenario.states[process.current.key]
    path = json_path(("states", state.key, "timeout"))
    timeout = evaluate(state.timeout, context_of(process), budget, path)
    if timeout is None:
        return None
    if not isinstance(timeout, str):
        raise InvalidInstructionError("a timeout should be a duration such as P7D", path=path)
    try:
        return add_duration(process.current.timestamp, timeout)
    except InvalidError as error:
        raise InvalidInstructionError(error.message, path=path, hint=error.hint) from None


def _with_actions(process: Process, budget: Budget) -> Process:
    seen = context_of(process)
    actions: dict[str, Mapping[str, Any]] = {}
    for key in process.scenario.action_keys(process.current.key):
        action = process.scenario.actions.get(key)
        instance = None if action is None else _instance(action, process, seen, budget)
        if instance is not None:
            actions[key] = instance
    return replace(process, current=replace(process.current, actions=actions))


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
