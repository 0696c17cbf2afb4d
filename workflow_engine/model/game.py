"""The scenario as a game: who can bring about what, who can keep it from happening, who can let everybody wait.

In a configuration every available action of every actor may come first, whoever is fastest; nodes, services and time
are *nature*, which is on nobody's side. A party need not act: it may wait. What changes nothing that matters is no
move, so nobody is kept from acting by somebody who repeats himself.

- *C can force G*: C has a way of acting after which G comes about, whatever all others and nature do, and how long they
  wait. A configuration is won when it is G; or when every move of the others and of nodes leads to a won one (any of
  them could come first), and either C has a move that does, which it makes before the time runs out; or C waits, the
  timeout leads to a won one as well, and a node or the time is certain to move if nobody else does.
- *C can prevent G*: all others together cannot force it.
- *B can stall*: only B can move, and no time runs out.

In a sub-process C plays the actors whose roles it has. Where it can lead one, by acting alone, to an end from which it
wins, that counts as a move of its own. Other sub-processes are nature: they may end in any way, and are certain to end
unless somebody outside C can let them wait for ever. That a sub-process can be started is taken for granted here.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from workflow_engine.model.graph import NATURE, Graph, Move

MAX_ENDS = 16
"""Final states that the table tells about: those of people have three or four."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What a party can do about an outcome, from the start.

    Attributes:
        forces: It can bring it about.
        prevents: It can keep it from coming about.
        is_known: The whole game was explored; else `forces` and `prevents` are what is sure even so.
    """

    forces: bool
    prevents: bool
    is_known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """A party lets everybody wait.

    Attributes:
        party: Key of the actor.
        configuration: Index of where.
        done: What others have done on the way there: actor keys, each with the keys of actions.
    """

    party: str
    configuration: int
    done: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def others(self) -> tuple[str, ...]:
        """Keys of the actors who stand to lose by it: those who have acted before."""
        return tuple(actor for actor, _ in self.done)


def won(
    graph: Graph, coalition: Collection[str], goal: Iterable[int], *, hoped: bool = False, waits: bool = True
) -> dict[int, int]:
    """Return the configurations from which a coalition can force a goal, with how many moves that takes at most.

    The count is over plays in which the coalition's best move comes as soon as it can; others may play longer.

    Args:
        graph: What can happen.
        coalition: Keys of the actors who play together.
        goal: Indexes of configurations.
        hoped: Take what was not explored as won, instead of as lost.
        waits: Whether the coalition may also wait for nodes and time.
    """
    forcing = _Forcing(graph, coalition, hoped)
    before: list[list[int]] = [[] for _ in graph.configurations]
    for move in (item for index in range(len(graph.configurations)) for item in graph.leaving(index)):
        before[move.target].append(move.source)
    rank = dict.fromkeys(goal, 0)
    if hoped:
        rank |= dict.fromkeys(graph.unexplored, 0)
    waiting = list(rank)
    while waiting:
        sources = dict.fromkeys(source for index in waiting for source in before[index])
        open_ = [source for source in sources if source not in rank and source not in graph.unexplored]
        following = [source for source in open_ if _is_won(graph, source, coalition, rank, forcing, waits=waits)]
        depth = 1 + max(rank[index] for index in waiting)
        rank |= dict.fromkeys(following, depth)
        waiting = following
    return rank


def _is_won(
    graph: Graph,
    index: int,
    coalition: Collection[str],
    rank: Mapping[int, int],
    forcing: "_Forcing",
    *,
    waits: bool,
) -> bool:
    moves = graph.leaving(index)
    steered = forcing.steered(moves, rank)
    others = [move for move in moves if move.mover not in coalition and move.action not in steered]
    if any(move.target not in rank for move in others if not move.is_timeout):
        return False
    if steered or any(move.mover in coalition and move.target in rank for move in moves):
        return True
    if not waits:
        return False
    certain = [move for move in others if move.mover == NATURE and set(move.waits_for) <= set(coalition)]
    return bool(certain) and all(move.target in rank for move in certain)


class _Forcing:
    """What a coalition can bring about inside sub-processes by its own acting alone, without waiting for anything."""

    def __init__(self, graph: Graph, coalition: Collection[str], hoped: bool) -> None:
        self._called = graph.called
        self._coalition = coalition
        self._hoped = hoped
        self._known: dict[tuple[str, frozenset[str]], bool] = {}

    def steered(self, moves: Iterable[Move], rank: Mapping[int, int]) -> set[str]:
        """Return the sub-processes that the coalition can lead to ends which are won for it, by their actions."""
        good: dict[str, set[str]] = {}
        bad: dict[str, set[str]] = {}
        for move in moves:
            if move.mover == NATURE and move.action in self._called:
                (good if move.target in rank else bad).setdefault(move.action, set()).add(move.response)
        return {
            action
            for action, responses in good.items()
            if self._can(action, frozenset(responses - bad.get(action, set())))
        }

    def _can(self, action: str, responses: frozenset[str]) -> bool:
        key = (action, responses)
        if key not in self._known:
            inner = self._called[action]
            rank = won(
                inner.graph,
                inner.played_by(self._coalition),
                inner.ending_in(responses),
                hoped=self._hoped,
                waits=False,
            )
            self._known[key] = all(index in rank for index in inner.graph.roots)
        return self._known[key]


def power(graph: Graph, parties: Collection[str], coalition: Collection[str], goal: Collection[int]) -> Power:
    """Return what a coalition can do about a goal from the start.

    Args:
        graph: What can happen.
        parties: Keys of all actors.
        coalition: Keys of those who play together.
        goal: Indexes of configurations.
    """
    others = [party for party in parties if party not in coalition]
    return Power(
        forces=0 in won(graph, coalition, goal),
        prevents=0 not in won(graph, others, goal, hoped=True),
        is_known=graph.is_complete,
    )


def ends(graph: Graph) -> dict[str, frozenset[int]]:
    """Return the configurations of each final state that processes come to, by its key; the first `MAX_ENDS`."""
    found: dict[str, set[int]] = {}
    for index, item in enumerate(graph.configurations):
        if item.is_final:
            found.setdefault(item.state, set()).add(index)
    return {state: frozenset(found[state]) for state in sorted(found)[:MAX_ENDS]}


def table(graph: Graph, parties: Collection[str]) -> dict[str, dict[str, Power]]:
    """Return what each party alone can do about each end, by party and state."""
    goals = ends(graph)
    return {party: {state: power(graph, parties, {party}, goal) for state, goal in goals.items()} for party in parties}


def deciding(graph: Graph, parties: Collection[str]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the states in which one party alone decides: from some configuration it can force several ends.

    Returns:
        By state and party, the ends between which the party can choose.
    """
    found: dict[str, dict[str, set[str]]] = {}
    for party in parties:
        choices: dict[int, set[str]] = {}
        for state, goal in ends(graph).items():
            for index in won(graph, {party}, goal):
                choices.setdefault(index, set()).add(state)
        for index, reached in choices.items():
            if len(reached) > 1:
                place = graph.configurations[index].state
                found.setdefault(place, {}).setdefault(party, set()).update(reached)
    return {
        state: {party: tuple(sorted(choice)) for party, choice in sorted(parts.items())}
        for state, parts in sorted(found.items())
    }


def stalls(graph: Graph) -> Iterator[Stall]:
    """Yield where one party can let everybody wait for ever: the first such configuration of each state and party."""
    hopeful = graph.can_reach(
        {index for index, item in enumerate(graph.configurations) if item.is_final} | graph.unexplored
    )
    found: dict[tuple[str, str], Stall] = {}
    for index, item in enumerate(graph.configurations):
        movers = {move.mover for move in graph.leaving(index)}
        if item.is_final or index in graph.unexplored or index not in hopeful or len(movers) != 1:
            continue
        party = movers.pop()
        if party == NATURE:
            continue
        stall = Stall(party=party, configuration=index, done=_done_by_others(graph, index, party))
        known = found.get((item.state, party))
        if known is None or (stall.others and not known.others):
            found[item.state, party] = stall
    yield from found.values()


def _done_by_others(graph: Graph, index: int, party: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    done: dict[str, dict[str, None]] = {}
    for move in graph.way_to(index):
        if move.mover not in (party, NATURE):
            done.setdefault(move.mover, {})[move.action] = None
    return tuple((actor, tuple(actions)) for actor, actions in done.items())


def way_of_forcing(graph: Graph, coalition: Collection[str], goal: Collection[int]) -> tuple[Move, ...]:
    """Return a play in which a coalition forces a goal: its moves, and where it has to wait, those of the others.

    The goal has to be one that it can force from the start.
    """
    rank = won(graph, coalition, goal)
    way: list[Move] = []
    index = 0
    while rank[index] > 0:
        moves = [move for move in graph.leaving(index) if rank.get(move.target, rank[index]) < rank[index]]
        move = min(moves, key=lambda item: (item.mover not in coalition, rank[item.target]))
        way.append(move)
        index = move.target
    return tuple(way)


def way_of_failing(graph: Graph, coalition: Collection[str], goal: Collection[int]) -> tuple[Move, ...]:
    """Return a shortest play by which a coalition misses a goal that it cannot force.

    It ends at another end, or where the others can let the coalition wait; where they can lead it in circles, somewhere
    on the way.
    """
    rank = won(graph, coalition, goal)
    came: dict[int, Move | None] = {0: None}
    todo = [0]
    for index in todo:
        moves = _missing(graph, index, coalition, rank)
        if not moves:
            return _back(came, index)
        for move in moves:
            if move.target not in came:
                came[move.target] = move
                todo.append(move.target)
    return _back(came, todo[-1])


def _missing(graph: Graph, index: int, coalition: Collection[str], rank: Mapping[int, int]) -> list[Move]:
    """Return the moves that keep a coalition from winning: those of the others, or its own where it alone moves."""
    lost = [move for move in graph.leaving(index) if move.target not in rank]
    others = [move for move in lost if move.mover not in coalition]
    waits = any(move.mover not in coalition and not move.is_timeout for move in graph.leaving(index))
    return others or ([] if waits else lost)


def _back(came: Mapping[int, Move | None], index: int) -> tuple[Move, ...]:
    way: list[Move] = []
    move = came[index]
    while move is not None:
        way.append(move)
        move = came[move.source]
    return tuple(reversed(way))
