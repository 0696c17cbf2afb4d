"""The check for people: the passive tests, and what exploring the scenario shows.

Nodes that receive a scenario run the passive tests alone (`checks.check`): exploring can take a minute.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from eventchain.core.errors import LiveContractError
from workflow_engine.checks import MAX_PROBLEMS, Report, check
from workflow_engine.compiling import compile_scenario
from workflow_engine.errors import Path, Problem, json_path, quote
from workflow_engine.model import alternatives, dead, game, powers, properties
from workflow_engine.model.embedded import waited_for
from workflow_engine.model.explore import Limits, explore
from workflow_engine.model.finding import BehaviourRule, Finding, Sighting
from workflow_engine.model.graph import NATURE, Graph
from workflow_engine.model.runs import Run, run_along
from workflow_engine.normalise import read
from workflow_engine.scenario import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What is known of a scenario.

    Attributes:
        report: What the passive tests say.
        findings: All findings, those of the passive tests included, errors first.
        scenario: Compiled; None where the passive tests refuse it.
        graph: What it can do; None where it was not explored.
    """

    report: Report
    findings: tuple[Finding, ...]
    scenario: Scenario | None = None
    graph: Graph | None = None

    @property
    def is_sound(self) -> bool:
        """Tell whether no finding is an error."""
        return not any(finding.problem.severity == "error" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: `valid`, `id` and `problems` as the passive tests give them, `sound`, `explored`."""
        return {
            "valid": self.report.valid,
            "sound": self.is_sound,
            "id": self.report.id,
            "problems": [finding.to_dict() for finding in self.findings],
            "explored": None if self.graph is None else _explored(self.graph),
        }


def _explored(graph: Graph) -> dict[str, Any]:
    return {
        "configurations": len(graph.configurations),
        "moves": sum(len(moves) for moves in graph.moves),
        "steps": graph.steps,
        "complete": graph.is_complete,
        "bound": graph.bound,
        "notes": list(graph.notes),
        **({"embedded": {key: _explored(inner) for key, inner in graph.inner.items()}} if graph.inner else {}),
    }


def can_stall(_scenario: Scenario, graph: Graph) -> Iterator[Sighting]:
    """One party alone can move, no time runs out: it can let everybody wait for ever."""
    for stall in game.stalls(graph):
        state = graph.configurations[stall.configuration].state
        done = "; ".join(f"{quote(actor)} ({', '.join(actions)})" for actor, actions in stall.done)
        lost = f"Done before that: {done}." if done else "Nobody else has acted before that, so nobody loses by it."
        yield Sighting(
            path=("states", state),
            message=(
                f"In the state {quote(state)} everybody waits for {quote(stall.party)}, for ever if need be: "
                f"there is no timeout. {lost}"
            ),
            way=graph.way_to(stall.configuration),
            severity=None if stall.others else "info",
        )


def can_stall_within(scenario: Scenario, graph: Graph) -> Iterator[Sighting]:
    """Everybody waits for sub-processes, and one party alone can let these wait for ever."""
    stallers = {key: waited_for(graph.called.get(key)) for key in scenario.actions}
    told: set[tuple[str, str]] = set()
    for index, item in enumerate(graph.configurations):
        for party, actions in _kept_by_one(graph, index, stallers).items():
            if (item.state, party) in told:
                continue
            told.add((item.state, party))
            stall = stallers[actions[0]][party]
            inner = graph.called[actions[0]].graph
            names = " and ".join(quote(action) for action in actions)
            there = inner.configurations[stall.configuration].state
            way = graph.way_to(index)
            is_harmless = not stall.others and all(move.mover == party for move in way)
            yield Sighting(
                path=("states", item.state),
                message=(
                    f"In the state {quote(item.state)} everybody waits for the sub-process {names}, and there for "
                    f"{quote(party)} in the state {quote(there)}, for ever if need be: there is no timeout, in the "
                    "sub-process or around it."
                ),
                way=way,
                severity="info" if is_harmless else None,
            )


def _kept_by_one(graph: Graph, index: int, stallers: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the parties that alone can keep a process from going on, with the sub-processes that wait for them."""
    moves = graph.leaving(index)
    actions = list(dict.fromkeys(move.action for move in moves if move.mover == NATURE))
    if index in graph.unexplored or not actions or not all(stallers.get(action) for action in actions):
        return {}
    people = {move.mover for move in moves} - {NATURE}
    parties = set.intersection(*(set(stallers[action]) for action in actions))
    return {party: actions for party in sorted(parties) if people <= {party}}


def changes_alone(scenario: Scenario, graph: Graph) -> Iterator[Sighting]:
    """One party alone can replace the keys of another, or remove it."""
    return powers.changes_alone(scenario, graph, list(properties.watched_in(scenario)))


BEHAVIOUR_RULES: tuple[BehaviourRule, ...] = (
    BehaviourRule("stuck", "error", dead.stuck),
    BehaviourRule("livelock", "error", dead.livelock),
    BehaviourRule("end-never-reached", "error", dead.end_never_reached),
    BehaviourRule("property-broken", "error", properties.broken),
    BehaviourRule("overlap", "warning", alternatives.overlap),
    BehaviourRule("gap", "warning", alternatives.gap),
    BehaviourRule("cannot-go-on", "warning", dead.cannot_go_on),
    BehaviourRule("transition-never-fits", "warning", dead.transition_never_fits),
    BehaviourRule("action-never-possible", "warning", dead.action_never_possible),
    BehaviourRule("state-never-entered", "warning", dead.state_never_entered),
    BehaviourRule("can-stall", "warning", can_stall),
    BehaviourRule("can-stall-within", "warning", can_stall_within),
    BehaviourRule("changes-alone", "warning", changes_alone),
    BehaviourRule("property-idle", "warning", properties.untested),
    BehaviourRule("never-answered", "info", dead.never_answered),
)
"""In the order in which their findings are listed."""

MAX_PLAYED = 20_000
"""Responses played for all the runs of one check together."""

MAX_PLAYED_LATE = 200
"""The same where the time for exploring was over."""

_NEVER = frozenset(
    {"livelock", "end-never-reached", "transition-never-fits", "action-never-possible", "state-never-entered"}
)
"""Rules about what was not seen: certain only where every difference in the data was followed."""

_SILENT = frozenset({"misspelt-read", "reads-nothing", "never-equal"})
"""Passive rules about conditions that are false whatever happens."""

_ORDER = {"error": 0, "warning": 1, "info": 2}


def examine(document: Any, *, limits: Limits | None = None, watched: Iterable[Any] = ()) -> Examination:
    """Check a scenario of either dialect, and explore what it can do. Never raises, for any JSON value.

    Args:
        document: The scenario.
        limits: How much is explored.
        watched: Conditions that are to be asked about afterwards, beside those of its properties.
    """
    report = check(document)
    plain = tuple(Finding(problem=problem) for problem in report.problems)
    if not report.valid:
        return Examination(report=report, findings=plain)
    form, reading = read(document)
    scenario = compile_scenario(form)
    try:
        graph = explore(scenario, limits=limits, watched=(*properties.watched_in(scenario), *watched))
    except LiveContractError as error:
        return Examination(report=report, findings=(_no_start(error), *plain), scenario=scenario)
    is_late = limits is not None and limits.is_over is not None and limits.is_over()
    seen = tuple(findings_of(scenario, graph, reading.locate, played=MAX_PLAYED_LATE if is_late else MAX_PLAYED))
    plain = tuple(finding for finding in plain if not _is_shown_better(finding, seen))
    seen = tuple(finding for finding in seen if not _is_explained(finding, plain))
    found = sorted((*plain, *seen), key=lambda finding: _ORDER[finding.problem.severity])
    return Examination(report=report, findings=tuple(found[:MAX_PROBLEMS]), scenario=scenario, graph=graph)


def _is_shown_better(finding: Finding, seen: tuple[Finding, ...]) -> bool:
    """Tell whether a passive finding is one that exploring shows with a run."""
    if finding.problem.rule == "dead-end":
        return any(item.problem.rule in ("stuck", "livelock") for item in seen)
    place = finding.problem.path.removesuffix(".transitions")
    return finding.problem.rule == "unanswered-response" and any(
        (item.problem.rule, item.problem.path) == ("stuck", place) for item in seen
    )


def _is_explained(finding: Finding, plain: tuple[Finding, ...]) -> bool:
    """Tell whether a passive finding says why a condition is never met."""
    condition = f"{finding.problem.path}.condition"
    return finding.problem.rule in _NEVER and any(
        item.problem.rule in _SILENT and item.problem.path.startswith(condition) for item in plain
    )


def findings_of(
    scenario: Scenario, graph: Graph, locate: Callable[[Path], Path] = lambda path: path, *, played: int = MAX_PLAYED
) -> Iterator[Finding]:
    """Yield what the rules of behaviour find in a graph that was explored.

    Args:
        scenario: Compiled.
        graph: What it can do.
        locate: Leads from a path in the normal form to one in the document as given.
        played: How many responses may be played for all the runs together.
    """
    yield from _own_findings(scenario, graph, locate, played)
    for key, inner in graph.inner.items():
        yield from findings_of(scenario.scenarios[key], inner, _below(locate, key), played=played)


def _below(locate: Callable[[Path], Path], key: str) -> Callable[[Path], Path]:
    return lambda path: locate(("scenarios", key, *path))


def _own_findings(scenario: Scenario, graph: Graph, locate: Callable[[Path], Path], played: int) -> Iterator[Finding]:
    left = played
    for rule in BEHAVIOUR_RULES:
        for sighting in islice(rule.find(scenario, graph), MAX_PROBLEMS):
            severity, doubt, run = sighting.severity or rule.severity, "", None
            if sighting.way is not None:
                left -= len(sighting.way)
                run = _run(scenario, graph, sighting) if left >= 0 else None
                if run is None:
                    doubt = " (The run is left out: too many and too long ones were played already.)"
                elif not run.is_certain:
                    doubt = " (Possible: the engine did not play the whole run.)"
            if rule.name in _NEVER and not graph.is_exact:
                doubt, severity = " (Possible: data far beyond what conditions name was taken as one.)", "info"
            problem = Problem(
                rule=rule.name,
                severity=severity,
                path=json_path(locate(sighting.path)),
                message=sighting.message + doubt,
            )
            yield Finding(problem=problem, run=run)


def _run(scenario: Scenario, graph: Graph, sighting: Sighting) -> Run:
    way = sighting.way or ()
    assets = graph.starts.get(way[0].source if way else 0)
    return run_along(scenario, way, ends_refused=sighting.ends_refused, assets=assets)


def _no_start(error: LiveContractError) -> Finding:
    return Finding(
        problem=Problem(
            rule="no-start",
            severity="error",
            path="$.states.initial",
            message=f"No process can be started: {error.message}",
        )
    )
