"""Entering a state: its texts and actions, evaluated on the process (part of the machine; pure, consensus-critical).

In the condition of an action, `current.actor` is the actor who would do it: the condition is evaluated for each of the
action's actors, those who fail it are left out, and an action with nobody left is not available. In everything else
`current.actor` is the actor whose response led to the state. There is no `current.response` here.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from eventchain.core.entry import Entry
from eventchain.core.errors import InvalidError
from workflow_engine.durations import add_duration, to_iso
from workflow_engine.errors import InvalidInstructionError, json_path
from workflow_engine.history import History, Response
from workflow_engine.operators import Budget, evaluate, evaluate_text, holds
from workflow_engine.process import Process, context_of
from workflow_engine.process_parts import CurrentState, Parent
from workflow_engine.scenario import INITIAL_STATE, Action, Scenario, State
from workflow_engine.update import Projection


def begun(
    scenario: Scenario, data: Projection, entry: Entry, *, process_id: str, parent: Parent | None = None
) -> Process:
    """Return a process that an event has begun: with its first data, and not in a state that is evaluated yet."""
    nowhere = CurrentState(
        key=INITIAL_STATE,
        instructions={},
        actions={},
        due_date=None,
        actor=None,
        event=entry.hash,
        timestamp=entry.timestamp,
    )
    return Process(
        id=process_id,
        title=data.title,
        scenario=scenario,
        chain=entry.chain,
        actors=data.actors,
        assets=data.assets,
        previous=History(),
        current=nowhere,
        parent=parent,
    )


def enter(
    process: Process, key: str, entry: Entry, actor: str | None, budget: Budget, given: Response | None = None
) -> Process:
    """Return the process in a state that an event has led to. Its due date counts from the event's timestamp.

    Args:
        process: Before.
        key: Of the state.
        entry: The event.
        actor: Key of the actor whose response it is, or None.
        budget: Pays for what is evaluated.
        given: The response to record, if the event is one that is not recorded yet.

    Raises:
        InvalidInstructionError: A text, timeout, condition or property cannot be evaluated.
    """
    standing = partial(CurrentState, key=key, actor=actor, event=entry.hash, timestamp=entry.timestamp)
    state = process.scenario.states[key]
    return _evaluated(process, state, standing, given, budget, since=entry.timestamp, due_date=None)


def refresh(process: Process, answered: str, actor: str, given: Response, budget: Budget) -> Process:
    """Return the process in the same state after a response that led nowhere else: everything evaluated anew.

    The state counts as entered when it was: the due date stays, and what was answered since is remembered.

    Raises:
        InvalidInstructionError: A text, condition or property cannot be evaluated.
    """
    current = process.current
    keys = current.answered if answered in current.answered else (*current.answered, answered)
    standing = partial(
        CurrentState, key=current.key, actor=actor, event=current.event, timestamp=current.timestamp, answered=keys
    )
    state = process.scenario.states[current.key]
    return _evaluated(process, state, standing, given, budget, since=None, due_date=current.due_date)


def _evaluated(
    process: Process,
    state: State,
    standing: Callable[..., CurrentState],
    given: Response | None,
    budget: Budget,
    *,
    since: int | None,
    due_date: int | None,
) -> Process:
    """Return the process in a state whose texts, then due date, then actions are evaluated, each seeing the former.

    Args:
        process: Before.
        state: The state.
        standing: Makes the place of the process from what is evaluated.
        given: The response to record, or None.
        budget: Pays for what is evaluated.
        since: From when its timeout counts; None where the due date stays.
        due_date: What it is before that.
    """
    scenario = process.scenario
    offered = [scenario.actions[key] for key in scenario.action_keys(state.key) if key in scenario.actions]
    seen: dict[str, Any] = {}
    if _reads_process(state, offered):
        seen = context_of(process.standing_at(standing(instructions={}, actions={}, due_date=due_date), given))
    texts = _texts(state, seen, budget) if state.texts is None else state.texts
    if seen:
        seen["current"].update(texts)
    if since is not None:
        due_date = _due_date(state, since, seen, budget)
    if seen and due_date is not None:
        seen["current"]["due_date"] = to_iso(due_date)
    actions = _actions(offered, process, seen, budget)
    return process.standing_at(standing(**texts, due_date=due_date, actions=actions), given)


def _reads_process(state: State, offered: Sequence[Action]) -> bool:
    """Tell whether anything of a state or its actions is an instruction."""
    if state.texts is None or isinstance(state.timeout, (dict, list)):
        return True
    return any(action.offer.reads_process for action in offered)


def _texts(state: State, seen: dict[str, Any], budget: Budget) -> dict[str, Any]:
    """Return the texts of a state; those that are not given are left out."""
    place = ("states", state.key)
    instructions = {
        actor: evaluate_text(text, seen, budget, (*place, "instructions", actor))
        for actor, text in sorted(state.instructions.items())
    }
    texts = {
        "title": evaluate_text(state.title, seen, budget, (*place, "title")),
        "description": evaluate_text(state.description, seen, budget, (*place, "description")),
        "instructions": {actor: text for actor, text in instructions.items() if text is not None},
    }
    return {name: text for name, text in texts.items() if text is not None}


def _due_date(state: State, entered: int, seen: dict[str, Any], budget: Budget) -> int | None:
    if state.timeout is None:
        return None
    place = ("states", state.key, "timeout")
    timeout = evaluate(state.timeout, seen, budget, place)
    if timeout is None:
        return None
    if not isinstance(timeout, str):
        raise InvalidInstructionError("a timeout should be a duration such as P7D", path=json_path(place))
    try:
        return add_duration(entered, timeout)
    except InvalidError as error:
        raise InvalidInstructionError(error.message, path=json_path(place), hint=error.hint) from None


def _actions(
    offered: Sequence[Action], process: Process, seen: dict[str, Any], budget: Budget
) -> dict[str, Mapping[str, Any]]:
    """Return the available ones of the actions of a state, instantiated."""
    instances = [(action.key, _instance(action, process, seen, budget)) for action in offered]
    return {key: instance for key, instance in instances if instance is not None}


def _instance(action: Action, process: Process, seen: dict[str, Any], budget: Budget) -> Mapping[str, Any] | None:
    """Return an action as it is offered now, or None when nobody may do it."""
    if action.offer.actors and action.offer.actors <= process.actors.keys():
        return action.offer.instance
    actors = actors_of(action, process, seen, budget)
    if not actors:
        return None
    members: dict[str, Any] = {}
    for part in action.offer.parts:
        if part.price is not None:
            budget.spend(part.price)
            continue
        value = (evaluate_text if part.is_text else evaluate)(part.value, seen, budget, part.place)
        if value is not None:
            members[part.name] = value
    return {**members, **action.offer.fixed, "actors": list(actors)}


def actors_of(action: Action, process: Process, seen: dict[str, Any], budget: Budget) -> tuple[str, ...]:
    """Return the keys of the actors who may do an action now, in its order; unknown actors are passed over.

    Raises:
        InvalidInstructionError: Its actors or condition cannot be evaluated.
    """
    listed: Any = action.actors
    if not isinstance(listed, tuple):
        place = ("actions", action.key, "actors")
        listed = evaluate(listed, seen, budget, place)
        listed = [listed] if isinstance(listed, str) else listed
        if listed is not None and not isinstance(listed, list):
            raise InvalidInstructionError("the actors of an action should be a list of keys", path=json_path(place))
    known = dict.fromkeys([key for key in listed or () if isinstance(key, str) and key in process.actors])
    if isinstance(action.condition, bool):
        return tuple(known) if action.condition else ()
    return tuple([key for key in known if _holds_for(action, process, seen, key, budget)])


def _holds_for(action: Action, process: Process, seen: dict[str, Any], actor: str, budget: Budget) -> bool:
    asked = {**seen, "current": {**seen["current"], "actor": process.actors[actor]}}
    return holds(action.condition, asked, budget, ("actions", action.key, "condition"))
