"""The golden flow: the states a process will come through if everybody does the usual thing.

From the present state it follows the default action (the first that is available) and its default response, judging
every condition by the present data. It ends where no action or transition fits, at a final state, or where it comes to
a state a second time: that one is named once more, followed by `{"key": ":loop"}`. It is a forecast, derived whenever
it is asked for, never part of what instructions see, and a condition that cannot be evaluated just ends it.
"""

from typing import Any

from workflow_engine.errors import InvalidInstructionError
from workflow_engine.operators import Budget, evaluate_text, holds
from workflow_engine.process import Process, context_of
from workflow_engine.scenario import Action, State
from workflow_engine.state_entry import actors_of

LOOP = ":loop"
"""Key of the mark that the forecast goes round in circles from here."""

MAX_STATES = 100
"""A longer forecast says nothing to people."""


def golden_flow(process: Process) -> list[dict[str, Any]]:
    """Return the states to come: `{ key, title?, description?, display, actors }`, the nearest first."""
    steps: list[dict[str, Any]] = []
    seen: set[str] = set()
    budget = Budget()
    state = process.scenario.states[process.current.key]
    try:
        while len(steps) < MAX_STATES:
            action = _default_action(process, state, budget)
            target = None if action is None else _target(process, state, action, budget)
            if target is None:
                break
            state = process.scenario.states[target]
            steps.append(_forecast(process, state, budget))
            if target in seen:
                steps.append({"key": LOOP})
                break
            seen.add(target)
    except InvalidInstructionError:
        pass
    return steps


def _default_action(process: Process, state: State, budget: Budget) -> Action | None:
    if state.is_final:
        return None
    context = context_of(process)
    for key in state.actions:
        action = process.scenario.actions.get(key)
        if action is not None and actors_of(action, process, context, budget):
            return action
    return None


def _target(process: Process, state: State, action: Action, budget: Budget) -> str | None:
    context = context_of(process)
    for transition in state.transitions:
        fits = transition.action in (None, action.key) and transition.response in (None, action.default_response)
        if fits and holds(transition.condition, context, budget):
            return transition.target
    return None


def _forecast(process: Process, state: State, budget: Budget) -> dict[str, Any]:
    context = context_of(process)
    action = _default_action(process, state, budget)
    form = {
        "key": state.key,
        "title": evaluate_text(state.title, context, budget),
        "description": evaluate_text(state.description, context, budget),
        "display": state.display,
        "actors": list(actors_of(action, process, context, budget)) if action else [],
    }
    return {name: value for name, value in form.items() if value is not None}
