"""What a scenario can do, as plain data: configurations, and the moves that lead from one to another.

A configuration is a state and the part of the projection that decides what may happen next (`model.relevance`).
Whoever analyses this needs no engine: the explorer makes it of a scenario, tests make it of thin air.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

NATURE = ":nature"
"""Who moves where no party chooses: nodes, the services that they ask, and time."""

TIMEOUT = ":timeout"

Label = tuple[str, str, str]
"""Who moved, which action, which response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Something that can happen in a configuration.

    Attributes:
        source: Index of the configuration it leaves.
        target: Index of the one it leads to.
        mover: Key of the actor who chooses it, or `NATURE`.
        actor: Key of the actor in whose name it is signed.
        action: Key of the action, or `:timeout`.
        response: Key of the response.
        submitted: Key that was given, where the action determined another; else None.
        data: Data of the response, or None.
        fits: Indexes of the transitions of the state that fit it, in order; the first is taken. Empty where it stays.
        waits_for: Keys of the actors who can keep it from happening: those who can let its sub-process wait for ever.
    """

    source: int
    target: int
    mover: str
    actor: str
    action: str
    response: str = "ok"
    submitted: str | None = None
    data: Any = None
    fits: tuple[int, ...] = ()
    waits_for: tuple[str, ...] = ()

    @property
    def label(self) -> Label:
        """What a party sees of it, whatever its data."""
        return (self.mover, self.action, self.response)

    @property
    def is_timeout(self) -> bool:
        """Tell whether it is the time of a state that runs out."""
        return self.action == TIMEOUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Something that an actor may do and the scenario cannot be evaluated on.

    Attributes:
        move: What was tried; its target is its source.
        message: What the engine says.
    """

    move: Move
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A state of a process, with what of its data matters.

    Attributes:
        state: Key of the state.
        is_final: A process ends here.
        came_by: The move by which it was found first, or None for the first configuration. Following these back gives
            a shortest run.
        offered: What may be done here: action keys with the actors who may.
        holds: Which of the watched conditions hold (`Watch`), by their index.
    """

    state: str
    is_final: bool = False
    came_by: Move | None = None
    offered: tuple[tuple[str, tuple[str, ...]], ...] = ()
    holds: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    """A sub-process as the scenario around it sees it.

    Attributes:
        graph: What its own scenario can do.
        roles: Which actor of the scenario around it plays each of its actors; those that nobody plays are left out.
        responses: The response that each of its final states comes to.
    """

    graph: "Graph"
    roles: Mapping[str, str]
    responses: Mapping[str, str]

    def played_by(self, coalition: Collection[str]) -> frozenset[str]:
        """Return its actors that some actors of the scenario around it play."""
        return frozenset(key for key, role in self.roles.items() if role in coalition)

    def ending_in(self, responses: Collection[str]) -> frozenset[int]:
        """Return the configurations of the graph in which it has come to one of these responses."""
        return frozenset(
            index
            for index, item in enumerate(self.graph.configurations)
            if item.is_final and self.responses.get(item.state) in responses
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The configurations of a scenario. The first one (index 0) is where every process starts.

    Attributes:
        configurations: In the order in which they were found: those nearest to the start first.
        moves: The moves that leave each configuration.
        unexplored: Indexes of configurations of which not all moves are known: a bound was reached, or something hangs
            on a digest there (`model.hidden`).
        refusals: What the scenario could not be evaluated on.
        untried: Responses (action, response) for which no data could be made up that fits the schema.
        bound: Which bound was reached, as a sentence; None where everything was explored.
        is_exact: Configurations that data may tell apart were never taken as one; else what was never seen may be
            possible all the same.
        steps: Steps of the engine that were tried.
        notes: What the picture leaves out, as sentences.
        starts: What an embedded scenario is handed where it starts, by index of the configuration.
        inner: The graphs of embedded scenarios by key; those of which no process could be started are left out.
        called: Those of them that an action runs, by the key of the action.
    """

    configurations: Sequence[Configuration]
    moves: Sequence[tuple[Move, ...]]
    unexplored: frozenset[int] = frozenset()
    refusals: tuple[Refusal, ...] = ()
    untried: tuple[tuple[str, str], ...] = ()
    bound: str | None = None
    is_exact: bool = True
    steps: int = 0
    notes: tuple[str, ...] = field(default=())
    starts: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    inner: "Mapping[str, Graph]" = field(default_factory=dict)
    called: Mapping[str, Inner] = field(default_factory=dict)

    @property
    def roots(self) -> tuple[int, ...]:
        """The configurations in which processes start: the first one, and others where something is handed over."""
        return tuple(sorted({0, *self.starts}))

    @property
    def is_complete(self) -> bool:
        """Tell whether no bound was reached."""
        return self.bound is None

    def all_moves(self) -> Iterable[Move]:
        """Yield every move."""
        for moves in self.moves:
            yield from moves

    def leaving(self, index: int) -> tuple[Move, ...]:
        """Return the moves that lead to another configuration: what changes nothing that matters is left out."""
        return tuple(move for move in self.moves[index] if move.target != index)

    def way_to(self, index: int) -> tuple[Move, ...]:
        """Return the moves of a shortest run to a configuration."""
        found: list[Move] = []
        move = self.configurations[index].came_by
        while move is not None:
            found.append(move)
            move = self.configurations[move.source].came_by
        return tuple(reversed(found))

    def can_reach(self, goal: Iterable[int]) -> frozenset[int]:
        """Return the configurations from which one of these can be reached, these included."""
        before: list[list[int]] = [[] for _ in self.configurations]
        for move in self.all_moves():
            before[move.target].append(move.source)
        found = set(goal)
        todo = list(found)
        while todo:
            for source in before[todo.pop()]:
                if source not in found:
                    found.add(source)
                    todo.append(source)
        return frozenset(found)
