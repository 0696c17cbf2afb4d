"""How two scenarios differ: in what is written, and in what can happen.

What can happen is compared as traces: who did which action with which response, and the state that it led to. Where
the same trace can lead to several configurations, because data makes a difference that the trace does not tell, these
are followed together. Where the two part, the shortest run up to there is the example.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflow_engine.difference import Difference, differences
from workflow_engine.model.explore import Limits, explore
from workflow_engine.model.graph import Graph, Move
from workflow_engine.model.runs import Run, run_along
from workflow_engine.scenario import Scenario

MAX_PAIRS = 20_000
"""Pairs of places in the two scenarios that are looked at."""

MAX_COMPARED = 1_000_000
"""Moves that are looked at for all pairs together."""

MAX_PLAYED = 20_000
"""Responses played for all the examples of one kind."""

MAX_CHANGES = 200
"""Differences listed of each kind."""

Step = tuple[str, str, str, str]
"""Mover, action, response, and the state it leads to."""

_Places = frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parting:
    """A step that one of the scenarios allows and the other does not, after the same trace.

    Attributes:
        state: Key of the state before it, in the scenario that allows it.
        step: Who does what, and where it leads.
        run: A shortest run, of that scenario, with this step as its last.
    """

    state: str
    step: Step
    run: Run

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        names = ("actor", "action", "response", "leads_to")
        return {"state": self.state, **dict(zip(names, self.step, strict=True)), "run": self.run.to_dict()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How two scenarios differ.

    Attributes:
        changes: In what is written.
        possible: Steps newly possible, with runs of the new scenario.
        impossible: Steps no longer possible, with runs of the old scenario.
        bound: Which bound was reached, as a sentence; None where everything was compared.
    """

    changes: tuple[Difference, ...]
    possible: tuple[Parting, ...]
    impossible: tuple[Parting, ...]
    bound: str | None

    @property
    def same_behaviour(self) -> bool:
        """Tell whether no difference in behaviour was found."""
        return not (self.possible or self.impossible)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "same_text": not self.changes,
            "same_behaviour": self.same_behaviour,
            "changes": [item.to_dict() for item in self.changes],
            "possible": [item.to_dict() for item in self.possible],
            "impossible": [item.to_dict() for item in self.impossible],
            "bound": self.bound,
        }


def compare(old: Scenario, new: Scenario, *, limits: Limits | None = None) -> Comparison:
    """Compare two scenarios.

    Raises:
        LiveContractError: No process of one of them can be started at all.
    """
    first, second = explore(old, limits=limits), explore(new, limits=limits)
    impossible, possible, cut = partings(first, second)
    told = [_told(new, second, possible), _told(old, first, impossible)]
    short = [len(told[0]) < len(possible), len(told[1]) < len(impossible)]
    bounds = [first.bound, second.bound, cut, "Only the first differences are listed." if any(short) else None]
    return Comparison(
        changes=differences(old.normal_form, new.normal_form),
        possible=told[0],
        impossible=told[1],
        bound=" ".join(dict.fromkeys(item for item in bounds if item is not None)) or None,
    )


def _told(scenario: Scenario, graph: Graph, found: "Partings") -> tuple[Parting, ...]:
    """Play the examples, as many as may be played."""
    left, told = MAX_PLAYED, []
    for way, step in found:
        left -= len(way)
        if left < 0:
            break
        state = graph.configurations[way[-1].source].state
        told.append(Parting(state=state, step=step, run=run_along(scenario, way)))
    return tuple(told)


Partings = list[tuple[tuple[Move, ...], Step]]


def partings(old: Graph, new: Graph) -> tuple[Partings, Partings, str | None]:
    """Return the steps that only the old graph allows, and those that only the new one does, after a common trace.

    Each is told once for each state in which it is; with it goes a way that ends with it. Where a graph was not
    explored, nothing is said about what it does not allow.
    """
    start = (frozenset({0}), frozenset({0}))
    ways: dict[tuple[_Places, _Places], tuple[tuple[_Places, _Places], Step] | None] = {start: None}
    todo = [start]
    only: tuple[dict[tuple[str, Step], Any], dict[tuple[str, Step], Any]] = ({}, {})
    left = MAX_COMPARED
    for pair in todo:
        left -= sum(len(graph.moves[index]) for graph, side in ((old, 0), (new, 1)) for index in pair[side])
        if left < 0 or len(ways) > MAX_PAIRS:
            return (*_ways(old, new, only, ways), "Stopped comparing after many pairs of places; there are more.")
        steps = (_steps(old, pair[0]), _steps(new, pair[1]))
        for side, graph, other in ((0, old, new), (1, new, old)):
            if other.unexplored & pair[1 - side]:
                continue
            for step in steps[side].keys() - steps[1 - side].keys():
                state = graph.configurations[min(pair[side])].state
                only[side].setdefault((state, step), pair)
        for step in sorted(steps[0].keys() & steps[1].keys()):
            target = (steps[0][step], steps[1][step])
            if target not in ways:
                ways[target] = (pair, step)
                todo.append(target)
    return (*_ways(old, new, only, ways), None)


def _steps(graph: Graph, places: _Places) -> dict[Step, _Places]:
    found: dict[Step, set[int]] = {}
    for index in places:
        for move in graph.moves[index]:
            found.setdefault(_step(graph, move), set()).add(move.target)
    return {step: frozenset(targets) for step, targets in found.items()}


def _step(graph: Graph, move: Move) -> Step:
    return (*move.label, graph.configurations[move.target].state)


def _ways(old: Graph, new: Graph, only: Any, ways: Mapping[Any, Any]) -> tuple[Partings, Partings]:
    found: list[Partings] = []
    for side, graph in ((0, old), (1, new)):
        told = sorted(only[side].items(), key=lambda item: item[0])[:MAX_CHANGES]
        found.append([(_way(graph, (*_trace(ways, pair), key[1])), key[1]) for key, pair in told])
    return found[0], found[1]


def _trace(ways: Mapping[Any, Any], pair: Any) -> tuple[Step, ...]:
    found: list[Step] = []
    came = ways[pair]
    while came is not None:
        pair, step = came
        found.append(step)
        came = ways[pair]
    return tuple(reversed(found))


def _way(graph: Graph, trace: tuple[Step, ...]) -> tuple[Move, ...]:
    """Return moves of a graph along a trace that it allows."""
    levels: list[dict[int, Move | None]] = [{0: None}]
    for step in trace:
        following: dict[int, Move | None] = {}
        for index in levels[-1]:
            for move in graph.moves[index]:
                if _step(graph, move) == step:
                    following.setdefault(move.target, move)
        levels.append(following)
    found: list[Move] = []
    index = min(levels[-1])
    for level in reversed(levels[1:]):
        came = level[index]
        if came is not None:
            found.append(came)
            index = came.source
    return tuple(reversed(found))
