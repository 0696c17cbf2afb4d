"""Transitions that are alternatives of one response: do their conditions overlap, or leave a gap?

Order is meaning: the first that fits is taken, so a special case may stand before the general one. An *overlap* is two
transitions to different states where each also fits without the other, and both fit at once: which is meant? A *gap* is
a response for which a state knows several cases, some data takes one of them, and other data at the same point takes
none: the process stays, and giving the same response once more changes nothing. One case alone is no gap: staying is
then what the scenario says for everything else. Neither is it where responses add up, as votes do, until a case fits.
"""

from collections.abc import Iterator

from workflow_engine.errors import quote
from workflow_engine.model.finding import Sighting
from workflow_engine.model.graph import Graph, Move
from workflow_engine.scenario import TIMEOUT, Scenario


def overlap(scenario: Scenario, graph: Graph) -> Iterator[Sighting]:
    """Two transitions that fit the same response, neither being a special case of the other."""
    both: dict[tuple[str, int, int], Move] = {}
    seen: dict[tuple[str, int], list[frozenset[int]]] = {}
    for move in graph.all_moves():
        state, fits = graph.configurations[move.source].state, frozenset(move.fits)
        for index in fits:
            seen.setdefault((state, index), []).append(fits)
            for other in fits:
                if index < other and _differ(scenario, state, index, other):
                    both.setdefault((state, index, other), move)
    for (state, first, second), move in sorted(both.items(), key=lambda item: item[0]):
        alone = any(second not in fits for fits in seen[state, first])
        if alone and any(first not in fits for fits in seen[state, second]):
            targets = [quote(scenario.states[state].transitions[index].target) for index in (first, second)]
            yield Sighting(
                path=("states", state, "transitions", second),
                message=(
                    f"The conditions of two transitions of the state {quote(state)} overlap: after "
                    f"{quote(f'{move.action}.{move.response}')} both that to {targets[0]} and that to {targets[1]} can "
                    f"fit, and the first is taken. Let the conditions exclude each other."
                ),
                way=(*graph.way_to(move.source), move),
            )


def _differ(scenario: Scenario, state: str, first: int, second: int) -> bool:
    one, other = (scenario.states[state].transitions[index] for index in (first, second))
    is_open = isinstance(one.condition, bool) or isinstance(other.condition, bool)
    return one.target != other.target and not is_open


def gap(scenario: Scenario, graph: Graph) -> Iterator[Sighting]:
    """A response for which some data takes one of several cases, and other data takes none."""
    told: set[tuple[str, str, str]] = set()
    for index, moves in enumerate(graph.moves):
        state = graph.configurations[index].state
        for move in moves:
            key = (state, move.action, move.response)
            if move.fits or key in told or len(_cases(scenario, *key)) < 2:
                continue
            if not any(_is_same(other, move) and other.fits for other in moves):
                continue
            if not any(_is_same(again, move) and again.target == move.target for again in graph.moves[move.target]):
                continue
            told.add(key)
            yield Sighting(
                path=("states", state, "transitions"),
                message=(
                    f"The conditions of the state {quote(state)} leave a gap: after "
                    f"{quote(f'{move.action}.{move.response}')} with some data no transition fits, and the process "
                    "stays where it is. Add a last transition without a condition, or close the gap."
                ),
                way=(*graph.way_to(index), move),
            )


def _is_same(one: Move, other: Move) -> bool:
    return one.label == other.label and one.actor == other.actor


def _cases(scenario: Scenario, state: str, action: str, response: str) -> list[int]:
    return [
        index
        for index, item in enumerate(scenario.states[state].transitions)
        if item.response in (None, response)
        and (item.action == action or (item.action is None and action != TIMEOUT))
        and not isinstance(item.condition, bool)
    ]
