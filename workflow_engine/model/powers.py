"""Who alone can change somebody else's identity: replace the keys, remove it, or name another node for it (paper 6.2).

All who take part agreed to the scenario, so nothing of this is an error. A party should know it, though, before it
signs. Somebody can do it *alone* if there is a run in which, after the other party's own last step, nobody but that
somebody acts, beside nodes, services and time: no third party has to agree after the one who is concerned has had a
say for the last time.
"""

from collections.abc import Iterator
from typing import Any

from workflow_engine.action_kinds import DONE_BY_IDENTITY_EVENT
from workflow_engine.checks.identities import DONE, actor_changed
from workflow_engine.errors import Severity, quote
from workflow_engine.model.finding import Sighting
from workflow_engine.model.graph import NATURE, Graph, Move
from workflow_engine.scenario import Action, Scenario


def watched_in(scenario: Scenario) -> tuple[Any, ...]:
    """Return the conditions that tell whose identity is concerned, where that depends on data."""
    return tuple(
        _is_identity_of(action, actor)
        for action in _actions(scenario)
        if actor_changed(action.properties) is None and not isinstance(action.properties.get("identity"), str)
        for actor in scenario.actors
    )


def changes_alone(scenario: Scenario, graph: Graph, watched: list[Any]) -> Iterator[Sighting]:
    """One party alone can change the identity of another.

    Args:
        scenario: Compiled.
        graph: What it can do.
        watched: The conditions that were watched when it was explored.
    """
    entering: list[list[Move]] = [[] for _ in graph.configurations]
    for move in graph.all_moves():
        entering[move.target].append(move)
    said: set[tuple[str, str, str]] = set()
    for move in graph.all_moves():
        action = scenario.actions.get(move.action)
        if action is None or action.kind not in DONE_BY_IDENTITY_EVENT or move.response != DONE:
            continue
        for other in _concerned(scenario, graph, watched, move, action):
            way = None if (action.key, move.actor, other) in said else _alone(graph, entering, move, other)
            if way is not None:
                said.add((action.key, move.actor, other))
                power, severity = _power(action)
                named = action.properties.get("identity")
                whose = f"{quote(other)}, if that is {quote(named)}" if isinstance(named, str) else quote(other)
                yield Sighting(
                    path=("actions", action.key),
                    message=(
                        f"{quote(move.actor)} alone can {power} {whose}: after the last step of {quote(other)} "
                        "nobody else has to agree."
                    ),
                    way=way,
                    severity=severity,
                )


def _actions(scenario: Scenario) -> Iterator[Action]:
    return (action for action in scenario.actions.values() if action.kind in DONE_BY_IDENTITY_EVENT)


def _is_identity_of(action: Action, actor: str) -> dict[str, Any]:
    return {"<equal>": [action.properties.get("identity"), {"<ref>": f"actors.{actor}.identity.id"}]}


def _concerned(scenario: Scenario, graph: Graph, watched: list[Any], move: Move, action: Action) -> Iterator[str]:
    """Yield the actors other than who does it whose identity an action changes where a move leaves from."""
    plain = actor_changed(action.properties)
    for actor in scenario.actors:
        if actor == move.actor:
            continue
        if isinstance(action.properties.get("identity"), str):
            holds = True  # who that is, is known once there is a chain
        elif plain is None:
            holds = watched.index(_is_identity_of(action, actor)) in graph.configurations[move.source].holds
        else:
            holds = actor == plain
        if holds:
            yield actor


def _alone(graph: Graph, entering: list[list[Move]], last: Move, other: str) -> tuple[Move, ...] | None:
    """Return a run to a move in which nobody but its actor acts after the last step of another one, or None."""
    following: dict[int, Move | None] = {last.source: None}
    waiting = [last.source]
    while waiting:
        reached, waiting = waiting, []
        for index in reached:
            for move in entering[index]:
                if move.mover == other:
                    return (*graph.way_to(move.source), move, *_rest(following, index), last)
                if move.mover in (NATURE, last.actor) and move.source not in following:
                    following[move.source] = move
                    waiting.append(move.source)
    return None


def _rest(following: dict[int, Move | None], index: int) -> Iterator[Move]:
    move = following[index]
    while move is not None:
        yield move
        move = following[move.target]


def _power(action: Action) -> tuple[str, Severity | None]:
    """Say what an action does to an identity, and how much that matters."""
    change = action.properties.get("change")
    if action.properties.get("remove") is True:
        return "remove", None
    if action.kind == "reinvite" or not isinstance(change, dict) or "signkeys" in change:
        return "replace the keys of", None
    if any(name.startswith("<") for name in change):
        return "replace the keys of", None
    return "say where the node is, or other facts, of", "info"
