"""What a deviation makes possible, and which ends it takes away, before anybody agrees to it (paper section 8.2).

The scenario is explored with the deviation in it: wherever a process stands in the state from which it leads, the
parties may bring it into force, once. In its end the base goes on. Steps and ends that were seen were played. That
something is impossible is said only where the text does not allow it, or everything was explored. Exploring ends early
when every step and end that the text allows was seen, because nothing is left to be found then: data of the base
that only the deviation looks at can grow into very many configurations.

Not here: which consent is needed, and processes that go on by another scenario.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from eventchain.core.entry import Entry
from eventchain.core.errors import LiveContractError
from workflow_engine import deviation as deviations
from workflow_engine import machine, simulate
from workflow_engine.consent import DEVIATION
from workflow_engine.durations import to_iso
from workflow_engine.history import History
from workflow_engine.model.comparison import MAX_CHANGES, Parting, Step
from workflow_engine.model.embedded import ends_of
from workflow_engine.model.explore import Limits, explore
from workflow_engine.model.graph import Graph, Move
from workflow_engine.model.hidden import SENTENCE, hidden_states
from workflow_engine.model.merging import key_of
from workflow_engine.model.relevance import Relevance, relevance_of
from workflow_engine.model.rounding import FAR, numbers_in
from workflow_engine.model.runs import Run, run_along
from workflow_engine.model.static_steps import reached_from, steps_of
from workflow_engine.model.trying import Attempt, Samples, attempts, believing, entry_of, samples_of
from workflow_engine.operators import Budget
from workflow_engine.process import Process
from workflow_engine.process_parts import Deviation
from workflow_engine.proposal import Proposal
from workflow_engine.scenario import TIMEOUT, Scenario
from workflow_engine.state_entry import enter
from workflow_engine.sub_processes.relation import believed

BASE_UNKNOWN = "Steps in states of the scenario itself were left out, because not all that it can do is known."

PARTIES = ":parties"
"""Who moves where all agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LostEnd:
    """An end that the scenario can come to from where the deviation starts, and that it takes away.

    Attributes:
        state: Key of the final state.
        run: A run of the scenario that passes where the deviation starts and comes to this end.
    """

    state: str
    run: Run

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"state": self.state, "run": self.run.to_dict()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviated:
    """What a deviation changes about what can happen.

    Attributes:
        possible: Steps newly possible, with runs in which the deviation comes into force.
        lost: Ends that cannot be reached any more once it is in force.
        unknown_steps: Steps (with their states) that the text allows and that were not found.
        unknown_ends: Ends that the text allows once it is in force and that were not found.
        bound: What limits this, as a sentence; None where everything is known.
    """

    possible: tuple[Parting, ...]
    lost: tuple[LostEnd, ...]
    unknown_steps: tuple[tuple[str, Step], ...] = ()
    unknown_ends: tuple[str, ...] = ()
    bound: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        names = ("actor", "action", "response", "leads_to")
        return {
            "possible": [item.to_dict() for item in self.possible],
            "lost_ends": [item.to_dict() for item in self.lost],
            "unknown_steps": [
                {"state": state, **dict(zip(names, step, strict=True))} for state, step in self.unknown_steps
            ],
            "unknown_ends": list(self.unknown_ends),
            "bound": self.bound,
        }


class _Phase(Enum):
    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class _Rules:
    """What decides in a phase: before and during the deviation all that it looks at; after it, what the base does."""

    relevance: Relevance
    samples: Samples
    numbers: frozenset[float]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a process came: its first way there is the way of the one that is kept."""

    process: Process
    phase: _Phase
    came: tuple["_Place", Attempt] | None


@dataclass(slots=True)
class _Search:
    deviation: Deviation
    source: str
    limits: Limits
    rules: Mapping[_Phase, _Rules]
    known: set[tuple[_Phase, str]] = field(default_factory=set)
    waiting: deque[_Place] = field(default_factory=deque)
    steps: dict[tuple[str, Step], _Place] = field(default_factory=dict)
    ends: set[str] = field(default_factory=set)
    tried: int = 0
    weight: int = 0
    bound: str | None = None
    is_exact: bool = True
    is_in_force: bool = False


def foresee(
    base: Scenario, proposal: Proposal, document: Mapping[str, Any], *, limits: Limits | None = None
) -> Deviated:
    """Return what a deviation makes newly possible, and which ends it takes away.

    Args:
        base: The scenario that it deviates from.
        proposal: The deviation, which was checked; it goes on by the same scenario.
        document: As it is written, for the runs that are told.
        limits: How much is explored.

    Raises:
        LiveContractError: No process of the scenario can be started at all.
    """
    limits = limits or Limits()
    old = explore(base, limits=limits)
    made = deviations.made_of(proposal, "", base, None)
    start = made.start or made.target
    into = (proposal.source, (PARTIES, DEVIATION, "ok", start))
    is_known = old.bound is None and old.is_exact and not old.untried
    told = _steps_in(old)
    after = reached_from(base, made.target) if is_known else frozenset()
    wanted = steps_of(made.scenario, made.states) | (steps_of(base, after) - told) | {into}
    old_ends, within_text = _ends_from(old, proposal.source), reached_from(made.scenario, start)
    open_ends = frozenset(old_ends) & within_text
    search = _prepared(made, proposal.source, limits, old)
    _run(search, lambda: wanted <= search.steps.keys() and open_ends <= search.ends)
    new = [key for key in search.steps if key == into or (key[0] in {*made.states, *after} and key not in told)]
    whole = _is_whole(search, made)
    missing = frozenset() if whole else wanted - search.steps.keys()
    missing_ends = frozenset() if whole else open_ends - search.ends
    lost = [key for key in sorted(old_ends) if key not in search.ends | missing_ends]
    bounds = [old.bound or (None if is_known else BASE_UNKNOWN)]
    bounds.append(_bound_of(search, made) if missing or missing_ends else None)
    bounds.append("Only the first steps are listed." if len(new) > MAX_CHANGES else None)
    return Deviated(
        possible=tuple(_parting(base, key, search.steps[key], document) for key in sorted(new)[:MAX_CHANGES]),
        lost=tuple(LostEnd(state=key, run=run_along(base, old_ends[key])) for key in lost),
        unknown_steps=tuple(sorted(missing)),
        unknown_ends=tuple(sorted(missing_ends)),
        bound=" ".join(dict.fromkeys(item for item in bounds if item is not None)) or None,
    )


def _steps_in(graph: Graph) -> frozenset[tuple[str, Step]]:
    names = graph.configurations
    return frozenset((names[move.source].state, (*move.label, names[move.target].state)) for move in graph.all_moves())


def _ends_from(old: Graph, source: str) -> dict[str, tuple[Move, ...]]:
    """Return the ends that the old scenario comes to from a state, each with a way through it."""
    found: dict[str, tuple[Move, ...]] = {}
    todo = deque((index, old.way_to(index)) for index, item in enumerate(old.configurations) if item.state == source)
    seen = {index for index, _ in todo}
    while todo:
        index, way = todo.popleft()
        if old.configurations[index].is_final:
            found.setdefault(old.configurations[index].state, way)
        for move in old.moves[index]:
            if move.target not in seen:
                seen.add(move.target)
                todo.append((move.target, (*way, move)))
    return found


def _prepared(made: Deviation, source: str, limits: Limits, old: Graph) -> _Search:
    with_it, without = (_rules_of(item, old) for item in (made.scenario, made.base))
    return _Search(
        deviation=replace(made, base=believing(made.base), scenario=believing(made.scenario)),
        source=source,
        limits=limits,
        rules={_Phase.BEFORE: with_it, _Phase.DURING: with_it, _Phase.AFTER: without},
    )


def _rules_of(scenario: Scenario, old: Graph) -> _Rules:
    relevance = relevance_of(scenario)
    ends = {key: ends_of(item, old.inner.get(key)) for key, item in scenario.scenarios.items()}
    samples = samples_of(scenario, relevance, ends)
    return _Rules(relevance=relevance, samples=samples, numbers=frozenset(numbers_in(samples)))


def _run(search: _Search, is_settled: Callable[[], bool]) -> None:
    """Explore, those nearest to the start first, until nothing more can be found or a bound is reached."""
    _arrive(search, _Place(simulate.start(search.deviation.base), _Phase.BEFORE, None))
    while search.waiting and search.bound is None and not is_settled():
        place = search.waiting.popleft()
        search.weight -= _weight(place.process)
        for attempt in attempts(place.process, search.rules[place.phase].samples):
            if not _may_go_on(search):
                return
            after = _after(place.process, attempt)
            if after is not None:
                _take(search, place, attempt, after)
        if place.phase is _Phase.BEFORE and place.process.current.key == search.source:
            for attempt, after in _agreements(search, place.process):
                search.is_in_force = True
                _take(search, place, attempt, after)


def _may_go_on(search: _Search) -> bool:
    limits, search.tried = search.limits, search.tried + 1
    if search.tried > limits.steps:
        search.bound = f"Stopped after {limits.steps} steps; there is more."
    elif len(search.known) > limits.configurations:
        search.bound = f"Stopped after {limits.configurations} configurations; there are more."
    elif search.weight > limits.weight:
        search.bound = f"Stopped because the data of its processes grew beyond {limits.weight} characters."
    elif limits.is_over is not None and limits.is_over():
        search.bound = "Stopped because the time for it was over; there is more."
    return search.bound is None


def _after(process: Process, attempt: Attempt) -> Process | None:
    try:
        return machine.step(process, entry_of(process, attempt, _number(process)), believed)
    except LiveContractError:
        return None


def _agreements(search: _Search, process: Process) -> Iterator[tuple[Attempt, Process]]:
    """Yield what comes of it when all agree; who agrees last counts as who led there."""
    relevance = search.rules[_Phase.DURING].relevance
    matters = relevance.reads_actor or relevance.keeps_history
    moment = process.current.timestamp + simulate.STEP * len(process.actors)
    for actor in process.actors if matters else list(process.actors)[-1:]:
        attempt = Attempt(mover=PARTIES, actor=actor, action=DEVIATION, response="ok", data=None, at=moment)
        entry = replace(entry_of(process, replace(attempt, action=TIMEOUT), _number(process)), body={})
        try:
            yield attempt, _in_force(search.deviation, process, entry, actor)
        except LiveContractError:
            continue


def _in_force(made: Deviation, process: Process, entry: Entry, actor: str) -> Process:
    """Return a process as the last consent leads it into a deviation (`workflow_engine.consent`)."""
    recorded = {
        "action": {"key": DEVIATION, "title": made.title},
        "key": "ok",
        "title": made.title,
        "display": "always",
        "actor": machine.recorded_actor(process.actors[actor]),
        "timestamp": entry.timestamp,
        "event": entry.hash,
        "deviation": made.event,
    }
    process = replace(process, previous=process.previous.extended(recorded))
    target = made.start or made.target
    arrived, acting = deviations.arrive(deviations.begin(process, made), target, actor)
    return enter(arrived, target, entry, acting, Budget())


def _number(process: Process) -> int:
    return int(process.current.event.removeprefix("event-")) + len(process.current.answered) + 1


def _take(search: _Search, place: _Place, attempt: Attempt, after: Process) -> None:
    """Note a step, and where it led."""
    is_consent = attempt.action == DEVIATION
    phase = _Phase.DURING if is_consent else place.phase
    if phase is _Phase.DURING and after.deviation is None:
        phase = _Phase.AFTER
    response = attempt.response if is_consent else str(after.previous[-1]["key"])
    came = _Place(after, phase, (place, attempt))
    if phase is not _Phase.BEFORE:
        step = (attempt.mover, attempt.action, response, after.current.key)
        search.steps.setdefault((place.process.current.key, step), came)
        if after.is_finished:
            search.ends.add(after.current.key)
    _arrive(search, came)


def _arrive(search: _Search, place: _Place) -> None:
    rules, process = search.rules[place.phase], place.process
    if not search.rules[_Phase.DURING].relevance.keeps_history:
        process = replace(process, previous=History())
    key = key_of(process, rules.relevance, rules.numbers, frozenset())
    search.is_exact = search.is_exact and f'"{FAR}"' not in key
    if (place.phase, key) in search.known:
        return
    search.known.add((place.phase, key))
    if not process.is_finished:
        search.waiting.append(replace(place, process=process))
        search.weight += _weight(process)


def _weight(process: Process) -> int:
    return len(repr((process.title, process.actors, process.assets, process.current)))


def _is_whole(search: _Search, made: Deviation) -> bool:
    """Tell whether what was not seen is impossible."""
    samples = search.rules[_Phase.DURING].samples
    seen_all = search.is_in_force and search.bound is None and not search.waiting and search.is_exact
    if made.changes_identities:  # who agreed to what decides there, and is not followed
        return False
    return seen_all and not samples.cut and all(samples.values.values()) and not hidden_states(made.scenario)


def _bound_of(search: _Search, made: Deviation) -> str:
    if search.bound is not None:
        return search.bound
    if hidden_states(made.scenario):
        return SENTENCE
    if not search.is_in_force:
        return "No way was found to the state from which the deviation leads."
    return "Not all data was tried, so what was not found may be possible all the same."


def _parting(base: Scenario, key: tuple[str, Step], place: _Place, document: Mapping[str, Any]) -> Parting:
    return Parting(state=key[0], step=key[1], run=_played(base, place, document))


def _played(base: Scenario, place: _Place, document: Mapping[str, Any]) -> Run:
    """Return the run to a place, played as `simulate` plays it: with proposal and consents."""
    document = {name: value for name, value in document.items() if name != "deadline"}  # a run has a time of its own
    way: list[Attempt] = []
    last = place.process
    at: _Place | None = place
    while at is not None and at.came is not None:
        at, attempt = at.came
        way.append(attempt)
    items: list[dict[str, Any]] = []
    try:
        for attempt in reversed(way):
            items += _items(base, attempt, items, document, tuple(last.actors))
        state = simulate.play(base, items).current.key
    except LiveContractError:
        return Run(responses=tuple(items), state=last.current.key, is_certain=False)
    return Run(responses=tuple(items), state=state, is_certain=state == last.current.key)


def _items(
    base: Scenario, attempt: Attempt, before: Sequence[Any], document: Mapping[str, Any], actors: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Return an attempt as `simulate` takes it."""
    if attempt.action == DEVIATION:
        *others, last = sorted(actors, key=lambda actor: actor == attempt.actor)
        if not others:
            return [{"actor": last, "propose": dict(document)}]
        consents = [{"actor": actor, "answer": "agree"} for actor in (*others[1:], last)]
        return [{"actor": others[0], "propose": dict(document)}, *consents]
    form: dict[str, Any] = {"actor": attempt.actor, "action": attempt.action}
    if attempt.action == TIMEOUT:
        current = simulate.play(base, before).current
        return [{**form, "at": to_iso(max(current.due_date or 0, attempt.at))}]
    action = base.actions.get(attempt.action)
    is_told = attempt.data is not None and (action is None or action.kind != "document")
    return [{**form, "response": attempt.response, **({"data": attempt.data} if is_told else {})}]
