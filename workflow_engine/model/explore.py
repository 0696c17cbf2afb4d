"""Exploring a scenario with the engine itself: every configuration, every move, breadth first.

Each configuration is kept as one real process that came to it; the engine tells what follows when a response is given.
So whatever is found can be played again. What is merged: processes whose data differs only where nothing that decides
looks (`model.relevance`), and, among what decides, numbers and lists beyond everything they are compared with.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from eventchain.core.errors import LiveContractError
from workflow_engine import machine, simulate
from workflow_engine.errors import InvalidInstructionError
from workflow_engine.history import History
from workflow_engine.model.embedded import called_in, ends_of, handed_to, starts, waited_for
from workflow_engine.model.graph import Configuration, Graph, Move, Refusal
from workflow_engine.model.hidden import SENTENCE, hidden_states
from workflow_engine.model.merging import key_of
from workflow_engine.model.properties import watched_in
from workflow_engine.model.relevance import Relevance, relevance_of
from workflow_engine.model.rounding import FAR, numbers_in
from workflow_engine.model.trying import (
    Attempt,
    Samples,
    attempts,
    believing,
    entry_of,
    samples_of,
    with_transition,
)
from workflow_engine.operators import holds
from workflow_engine.process import Process, context_of
from workflow_engine.scenario import TIMEOUT, Scenario
from workflow_engine.sub_processes.relation import believed

MAX_CONFIGURATIONS = 10_000
MAX_STEPS = 100_000
"""Enough for every scenario that people can oversee; with both, the check takes seconds or a minute, not hours."""

MAX_WEIGHT = 256 * 1024 * 1024
"""Characters of the processes that wait to be looked at: scenarios of strangers can double a text with every step."""

_MAX_REFUSALS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is explored.

    Attributes:
        configurations: Configurations at most.
        steps: Steps of the engine at most.
        weight: Characters of waiting processes at most.
        is_over: Asked before each step whether the time for it is over; None for no limit of time.
    """

    configurations: int = MAX_CONFIGURATIONS
    steps: int = MAX_STEPS
    weight: int = MAX_WEIGHT
    is_over: Callable[[], bool] | None = None


@dataclass(slots=True)
class _Exploration:
    scenario: Scenario
    relevance: Relevance
    samples: Samples
    limits: Limits
    watched: Sequence[Any]
    numbers: frozenset[float]
    waits: Mapping[str, tuple[str, ...]]
    configurations: list[Configuration] = field(default_factory=list)
    moves: list[tuple[Move, ...]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)
    waiting: deque[tuple[int, Process, int]] = field(default_factory=deque)
    weight: int = 0
    steps: int = 0
    bound: str | None = None
    is_exact: bool = True
    fitted: set[tuple[str, str]] = field(default_factory=set)
    tried: set[tuple[str, str]] = field(default_factory=set)


def explore(
    scenario: Scenario,
    *,
    limits: Limits | None = None,
    watched: Sequence[Any] = (),
    handed: Sequence[str] = (),
) -> Graph:
    """Return what a scenario can do, and what those can do that are embedded in it.

    Args:
        scenario: Compiled.
        limits: How much is explored; what is left out is told in the graph.
        watched: Conditions of which every configuration tells whether they hold.
        handed: Assets that it may be started with, whatever their values: of an embedded scenario.

    Raises:
        LiveContractError: No process of it can be started at all.
    """
    limits = limits or Limits()
    inner, notes = _embedded(scenario, limits)
    work = _prepared(scenario, limits, watched, inner)
    begun = _begin(work, handed)
    while work.waiting and work.bound is None:
        index, process, weight = work.waiting.popleft()
        work.weight -= weight
        moves = _expand(work, index, process)
        if moves is None:
            work.waiting.appendleft((index, process, weight))
        else:
            work.moves[index] = moves
    states = hidden_states(scenario)
    hidden = {index for index, item in enumerate(work.configurations) if item.state in states}
    return Graph(
        configurations=tuple(work.configurations),
        moves=tuple(work.moves),
        unexplored=frozenset(index for index, _, _ in work.waiting) | hidden,
        refusals=tuple(work.refusals),
        untried=tuple(sorted(key for key in work.tried | _without_data(work.samples) if key not in work.fitted)),
        bound=work.bound or (SENTENCE if hidden else None),
        is_exact=work.is_exact,
        steps=work.steps + sum(graph.steps for graph in inner.values()),
        notes=(*_notes(work), *notes),
        starts=begun,
        inner=inner,
        called=called_in(scenario, inner),
    )


def _prepared(scenario: Scenario, limits: Limits, watched: Sequence[Any], inner: Mapping[str, Graph]) -> _Exploration:
    """Return an exploration that has not begun, with what the embedded scenarios left of the limits."""
    left = max(1, limits.steps - sum(graph.steps for graph in inner.values()))
    relevance = relevance_of(scenario, watched)
    ends = {key: ends_of(item, inner.get(key)) for key, item in scenario.scenarios.items()}
    samples = samples_of(scenario, relevance, ends)
    called = called_in(scenario, inner)
    return _Exploration(
        scenario=scenario,
        relevance=relevance,
        samples=samples,
        limits=replace(limits, steps=left),
        watched=watched,
        numbers=frozenset(numbers_in(samples)),
        waits={key: tuple(sorted(waited_for(called.get(key)))) for key in scenario.actions},
    )


def _embedded(scenario: Scenario, limits: Limits) -> tuple[dict[str, Graph], list[str]]:
    """Return the graphs of embedded scenarios by key, and a sentence for each that could not be started."""
    found: dict[str, Graph] = {}
    notes: list[str] = []
    for key, item in scenario.scenarios.items():
        left = limits.steps - sum(graph.steps for graph in found.values())
        try:
            found[key] = explore(
                item,
                limits=replace(limits, steps=max(1, left)),
                watched=watched_in(item),
                handed=handed_to(scenario, key),
            )
        except LiveContractError as error:
            notes.append(f'The embedded scenario "{key}" could not be explored by itself: {error.message}')
    return found, notes


def _begin(work: _Exploration, handed: Sequence[str]) -> dict[int, Any]:
    """Start processes with all that may be handed over, and return what was, by configuration."""
    begun: dict[int, Any] = {}
    refused: LiveContractError | None = None
    for assets in starts(work.scenario, work.relevance, handed):
        try:
            index = _found(work, simulate.start(believing(work.scenario), assets=assets), None)
        except LiveContractError as error:
            refused = error
            continue
        if index is not None:
            begun.setdefault(index, assets)
    if not begun and refused is not None:
        raise refused
    return {index: assets for index, assets in begun.items() if assets}


def _without_data(samples: Samples) -> set[tuple[str, str]]:
    return {key for key, values in samples.values.items() if not values}


def _expand(work: _Exploration, index: int, process: Process) -> tuple[Move, ...] | None:
    """Return the moves of a configuration, each once; None when a bound was reached before all were tried."""
    found: dict[tuple[Any, ...], Move] = {}
    for attempt in attempts(process, work.samples):
        if _is_over(work):
            return None
        move = _tried(work, index, process, attempt)
        if work.bound is not None:
            return None
        if move is not None:
            found.setdefault((move.label, move.actor, move.target, move.fits), move)
    return tuple(found.values())


def _is_over(work: _Exploration) -> bool:
    if work.steps >= work.limits.steps:
        work.bound = f"Stopped after {work.limits.steps} steps; there is more."
    return work.bound is not None or _is_late(work)


def _is_late(work: _Exploration) -> bool:
    if work.limits.is_over is not None and work.limits.is_over():
        work.bound = "Stopped because the time for it was over; there is more."
        return True
    return False


def _tried(work: _Exploration, index: int, process: Process, attempt: Attempt) -> Move | None:
    """Return the move that an attempt turns out to be, or None when the engine refuses it."""
    key = (attempt.action, attempt.response)
    work.tried.add(key)
    work.steps += 1
    entry = entry_of(process, attempt, _number(process) + 1)
    move = Move(
        source=index,
        target=index,
        mover=attempt.mover,
        actor=attempt.actor,
        action=attempt.action,
        response=attempt.response,
        data=_told(work.scenario, attempt),
        waits_for=work.waits.get(attempt.action, ()),
    )
    try:
        after = machine.step(process, entry, believed)
    except InvalidInstructionError as error:
        work.fitted.add(key)
        if len(work.refusals) < _MAX_REFUSALS:
            work.refusals.append(Refusal(move=move, message=error.message))
        return None
    except LiveContractError:
        return None
    response = str(after.previous[-1]["key"])
    work.fitted.update((key, (attempt.action, response)))
    fits = _fitting(work, process, attempt, after, response)
    submitted = None if response == attempt.response else attempt.response
    move = replace(move, response=response, submitted=submitted, fits=fits)
    target = _found(work, after, move)
    return None if target is None else replace(move, target=target)


def _told(scenario: Scenario, attempt: Attempt) -> Any:
    """Return the data that a run tells: what describes a document follows from the process that is played."""
    action = scenario.actions.get(attempt.action)
    return None if action is not None and action.kind == "document" else attempt.data


def _number(process: Process) -> int:
    """Return the number of the event that the process stands on; what follows in a state counts on."""
    return int(process.current.event.removeprefix("event-")) + len(process.current.answered)


def _fitting(work: _Exploration, process: Process, attempt: Attempt, after: Process, response: str) -> tuple[int, ...]:
    """Return the transitions that fit a response. Where it is not plain, each is asked alone."""
    transitions = work.scenario.states[process.current.key].transitions
    matching = [
        index
        for index, item in enumerate(transitions)
        if item.response in (None, response)
        and (item.action == attempt.action or (item.action is None and attempt.action != TIMEOUT))
        and item.condition is not False
    ]
    conditional = [index for index in matching if not isinstance(transitions[index].condition, bool)]
    number = _number(process) + 1
    moved = after.current.event == f"event-{number}"
    if not conditional:
        return tuple(matching)
    if len(matching) == 1 or not moved:
        return tuple(matching) if moved else ()
    fits = []
    for index in matching:
        if index not in conditional:
            fits.append(index)
            continue
        work.steps += 1
        try:
            alone = machine.step(with_transition(process, index), entry_of(process, attempt, number), believed)
        except LiveContractError:
            continue
        if alone.current.event == f"event-{number}":
            fits.append(index)
    return tuple(fits)


def _found(work: _Exploration, process: Process, move: Move | None) -> int | None:
    """Return the index of a process's configuration, which may be new; None when there is no room for it."""
    if not work.relevance.keeps_history:
        process = replace(process, previous=History())
    truths = frozenset(_truths(work, process))
    if work.bound is not None and work.configurations:
        return None
    key = key_of(process, work.relevance, work.numbers, truths)
    work.is_exact = work.is_exact and f'"{FAR}"' not in key
    index = work.known.get(key)
    if index is not None:
        return index
    if len(work.configurations) >= work.limits.configurations:
        work.bound = f"Stopped after {work.limits.configurations} configurations; there are more."
        return None
    index = len(work.configurations)
    work.known[key] = index
    offered = tuple((name, tuple(process.current.actions[name]["actors"])) for name in process.available)
    came_by = None if move is None else replace(move, target=index)
    work.configurations.append(
        Configuration(
            state=process.current.key,
            is_final=process.is_finished,
            came_by=came_by,
            offered=offered,
            holds=truths,
        )
    )
    work.moves.append(())
    if not process.is_finished:
        _wait(work, index, process)
    return index


def _truths(work: _Exploration, process: Process) -> Iterator[int]:
    """Yield which of the watched conditions hold, as long as there is time: each can be costly."""
    for index, condition in enumerate(work.watched):
        if _is_late(work):
            return
        if _is_true(condition, process):
            yield index


def _wait(work: _Exploration, index: int, process: Process) -> None:
    weight = len(repr((process.title, process.actors, process.assets, process.current)))
    work.waiting.append((index, process, weight))
    work.weight += weight
    if work.weight > work.limits.weight:
        work.bound = f"Stopped because the data of its processes grew beyond {work.limits.weight} characters."


def _is_true(condition: Any, process: Process) -> bool:
    try:
        return holds(condition, context_of(process))
    except InvalidInstructionError:
        return False


def _notes(work: _Exploration) -> tuple[str, ...]:
    relevance, samples, notes = work.relevance, work.samples, []
    if relevance.reads_history:
        notes.append("The scenario reads the history of the process, so every order of events counts as a difference.")
    if relevance.reads_time:
        notes.append("The scenario reads moments; other moments than those that were tried can lead elsewhere.")
    if relevance.reads_origin:
        notes.append("Where a response comes from decides; other origins than the supposed ones can lead elsewhere.")
    if work.scenario.scenarios:
        notes.append(
            "Sub-processes were explored by themselves, not step by step together with what happens around them."
        )
    if not work.is_exact:
        notes.append("Numbers and lists far beyond what conditions name were taken as one.")
    notes += [
        f'Of the data of "{action}.{response}" only the first combinations of values were tried.'
        for action, response in samples.cut
    ]
    return tuple(notes)
