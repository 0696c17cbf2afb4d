"""The machine of a scenario as a list of moves, which every export starts from. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workflow_engine.exchange.errors import NotExportableError
from workflow_engine.exchange.names import one_line
from workflow_engine.scenario import INITIAL_STATE, TIMEOUT, Action, Scenario, State, Transition

MAX_MOVES = 10_000
"""Moves of one scenario. Drawings of more nobody reads, and a small scenario can have millions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One way in which a state can be left, or a response can leave a process where it is.

    Attributes:
        state: Key of the state.
        action: Key of the action, or `:timeout`.
        response: Key of the response; "" for a deadline.
        condition: Instruction that has to hold where no earlier move of the same response fits, or None.
        target: Key of the state that it leads to, or None: the process stays.
    """

    state: str
    action: str
    response: str
    condition: Any | None
    target: str | None

    @property
    def is_timeout(self) -> bool:
        """Tell whether a deadline makes it."""
        return self.action == TIMEOUT


def moves_of(scenario: Scenario, state: State) -> tuple[Move, ...]:
    """Return what can happen in a state: by action in the state's order, by response in that of their keys.

    The moves of a response are in the order of trying, and the last of them always fits.

    Raises:
        NotExportableError: There are too many.
    """
    found: list[Move] = []
    for key in scenario.action_keys(state.key):
        for response in sorted(scenario.actions[key].responses):
            fitting = [item for item in state.transitions if _fits(item, key, response)]
            found += _tried(state.key, key, response, fitting)
            _check(len(found))
    if has_deadline(state):
        found += _tried(state.key, TIMEOUT, "", _by_deadline(state))
    return tuple(found)


def has_deadline(state: State) -> bool:
    """Tell whether a state has a timeout that leads somewhere."""
    return not state.is_final and state.timeout is not None and bool(_by_deadline(state))


def reachable_states(scenario: Scenario) -> tuple[str, ...]:
    """Return the keys of the states that a process can come to, conditions ignored, the nearest first.

    Raises:
        NotExportableError: There are too many moves between them.
    """
    found, count = [INITIAL_STATE], 0
    known = set(found)
    for key in found:
        moves = moves_of(scenario, scenario.states[key])
        count += len(moves)
        _check(count)
        for move in moves:
            if move.target is not None and move.target not in known:
                known.add(move.target)
                found.append(move.target)
    return tuple(found)


def all_moves(scenario: Scenario) -> Iterator[Move]:
    """Yield the moves of every state that can be reached."""
    for key in reachable_states(scenario):
        yield from moves_of(scenario, scenario.states[key])


def text_of(value: Any, key: str) -> str:
    """Return a text of a scenario for a drawing: an instruction gives it only in a process, so the key stands in."""
    return one_line(value) or key if isinstance(value, str) else key


def condition_text(condition: Any) -> str:
    """Return a condition on one line: its expression where it is only that, else its JSON."""
    if isinstance(condition, Mapping) and condition.keys() == {"<eval>"} and isinstance(condition["<eval>"], str):
        return one_line(condition["<eval>"])
    return json.dumps(condition, ensure_ascii=False, sort_keys=True)


def actors_text(scenario: Scenario, action: Action) -> str:
    """Return who may do an action, for a drawing."""
    if not isinstance(action.actors, tuple):
        return "?"
    return ", ".join(text_of(scenario.actors[key].title, key) for key in action.actors if key in scenario.actors)


def label_of(scenario: Scenario, move: Move) -> str:
    """Return what is written on the arrow of a move: `Buyer: Sign / ok [condition]`."""
    if move.is_timeout:
        timeout = scenario.states[move.state].timeout
        label = f"after {timeout if isinstance(timeout, str) else condition_text(timeout)}"
    else:
        action = scenario.actions[move.action]
        who = actors_text(scenario, action)
        label = f"{who}: " if who else ""
        label += text_of(action.title, move.action)
        if len(action.responses) > 1:
            label += f" / {move.response}"
    return label if move.condition is None else f"{label} [{condition_text(move.condition)}]"


def _fits(transition: Transition, action: str, response: str) -> bool:
    return transition.action in (None, action) and transition.response in (None, response)


def _check(count: int) -> None:
    if count > MAX_MOVES:
        raise NotExportableError(
            f"The scenario can move in more than {MAX_MOVES} ways, by state, action, response and condition.",
            hint="Allow fewer actions in every state, or split the scenario.",
        )


def _by_deadline(state: State) -> list[Transition]:
    """Return the transitions that a deadline can take: its response is always `ok`."""
    return [item for item in state.transitions if item.action == TIMEOUT and item.response in (None, "ok")]


def _tried(state: str, action: str, response: str, transitions: list[Transition]) -> Iterator[Move]:
    for item in transitions:
        if item.condition is False:
            continue
        always = item.condition is True
        condition = None if always else item.condition
        yield Move(state=state, action=action, response=response, condition=condition, target=item.target)
        if always:
            return
    yield Move(state=state, action=action, response=response, condition=None, target=None)
