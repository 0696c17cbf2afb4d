"""The steps that the text of a scenario lets happen at most, conditions and data ignored.

Whatever a process can do is among them, so what is not among them is impossible, however much was explored.
"""

from collections.abc import Iterable, Iterator

from workflow_engine.model.comparison import Step
from workflow_engine.model.graph import NATURE, TIMEOUT
from workflow_engine.scenario import Action, Scenario, State, Transition


def steps_of(scenario: Scenario, states: Iterable[str]) -> frozenset[tuple[str, Step]]:
    """Return the steps that the text allows in these states, each with the state in which it is."""
    return frozenset((key, step) for key in states for step in _steps_in(scenario, key))


def reached_from(scenario: Scenario, start: str, *, stops: Iterable[str] = ()) -> frozenset[str]:
    """Return the states that the text lets a process reach from one, that one included.

    Args:
        scenario: Compiled.
        start: Key of the state.
        stops: States that nothing is followed beyond.
    """
    found, todo, last = {start}, [start], frozenset(stops)
    while todo:
        key = todo.pop()
        if key in last:
            continue
        for target in {item.target for item in scenario.states[key].transitions} - found:
            if target in scenario.states:
                found.add(target)
                todo.append(target)
    return frozenset(found)


def _steps_in(scenario: Scenario, key: str) -> Iterator[Step]:
    state = scenario.states[key]
    if state.is_final:
        return
    for name in scenario.action_keys(key):
        action = scenario.actions.get(name)
        if action is None or action.condition is False:
            continue
        for response in action.responses:
            for target in _targets(state, name, response):
                yield from ((mover, name, response, target) for mover in _movers(scenario, action))
    if state.timeout is not None:
        timed = [item for item in state.transitions if item.action == TIMEOUT]
        yield from ((NATURE, TIMEOUT, "ok", target) for target in _until_certain(timed))


def _movers(scenario: Scenario, action: Action) -> tuple[str, ...]:
    if action.is_system:
        return (NATURE,)
    return action.actors if isinstance(action.actors, tuple) else tuple(scenario.actors)


def _targets(state: State, action: str, response: str) -> tuple[str, ...]:
    """Return where a response may lead; it stays in the state where no transition is certain to take it."""
    matching = [
        item for item in state.transitions if item.action in (None, action) and item.response in (None, response)
    ]
    stays = () if any(item.condition is True for item in matching) else (state.key,)
    return (*_until_certain(matching), *stays)


def _until_certain(transitions: Iterable[Transition]) -> Iterator[str]:
    for item in transitions:
        if item.condition is not False:
            yield item.target
        if item.condition is True:
            return
