"""Generating features that together take every transition that can be reached, and recording runs as features."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from workflow_engine.durations import to_iso
from workflow_engine.scenario import TIMEOUT, Scenario
from workflow_engine.testing.coverage import Item, Key, described, items
from workflow_engine.testing.errors import InvalidFeatureError
from workflow_engine.testing.exploring import MAX_CONFIGURATIONS, Node, explore
from workflow_engine.testing.running import IsOver, never
from workflow_engine.testing.runs import are_runs, read_runs
from workflow_engine.testing.writing import Run, feature_text

MAX_CASES = 200
MAX_RESPONSES = 2_000
"""Cases of one generated feature, and responses in all of them."""

MAX_RECORDED = 1_000
"""Responses of one run: more would make a case that nobody reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """Generated features.

    Attributes:
        texts: The features; more than one where one would be too long to be read.
        cases: How many cases they have together.
        covered: How many of the states, transitions, responses and outcomes of conditions they come to.
        missing: What they do not, each with the reason.
        configurations: How many were looked at.
    """

    texts: Sequence[str]
    cases: int
    covered: int
    missing: Sequence[tuple[Item, str]]
    configurations: int


def generate(name: str, scenario: Scenario, bound: int = MAX_CONFIGURATIONS, is_over: IsOver = never) -> Generated:
    """Return features that together come to everything that an exploration of the scenario came to.

    Args:
        name: By which the features are to find the scenario.
        scenario: What is explored.
        bound: Of the configurations that are looked at.
        is_over: Whether the time for looking at them is over.

    Raises:
        LiveContractError: The scenario cannot start.
        InvalidFeatureError: Something in it has a name that no feature can hold.
    """
    found = explore(scenario, bound, is_over)
    chosen = _chosen(list(found.first.values()))
    runs = [
        Run(title=f"{number}. {_title(scenario, node, fresh)}", responses=_responses(node))
        for number, (node, fresh) in enumerate(chosen, start=1)
    ]
    return Generated(
        texts=[feature_text(name, scenario, part) for part in _parts(runs)],
        cases=len(runs),
        covered=len(items(scenario)) - len(found.missing()),
        missing=found.missing(),
        configurations=found.configurations,
    )


def _parts(runs: Sequence[Run]) -> Iterator[list[Run]]:
    """Yield the runs of one feature after the other."""
    part: list[Run] = []
    length = 0
    for run in runs:
        if part and (len(part) == MAX_CASES or length + len(run.responses) > MAX_RESPONSES):
            yield part
            part, length = [], 0
        part.append(run)
        length += len(run.responses)
    yield part


def _chosen(nodes: Sequence[Node]) -> list[tuple[Node, set[Key]]]:
    """Return the ways that are needed to come to everything, the shortest first, with what each adds.

    The longest ways are taken first, since they come to most, and those that add nothing are left out.
    """
    ways = {id(node): node.way() for node in nodes}
    ordered = sorted({id(node): node for node in nodes}.values(), key=lambda node: -len(ways[id(node)]))
    needed: list[Node] = []
    covered: set[Key] = set()
    for node in ordered:
        here = {key for stage in ways[id(node)] for key in stage.reached}
        if not here <= covered:
            needed.append(node)
            covered |= here
    needed.sort(key=lambda node: len(ways[id(node)]))
    told: set[Key] = set()
    chosen = []
    for node in needed:
        here = {key for stage in ways[id(node)] for key in stage.reached}
        chosen.append((node, here - told))
        told |= here
    return chosen


def _title(scenario: Scenario, node: Node, fresh: set[Key]) -> str:
    """Return what is new in a case: its last new transition, or how it ends."""
    for stage in reversed(node.way()):
        for key in sorted(stage.reached & fresh, key=repr):
            if key[0] == "transition":
                state, index = str(key[1]), int(key[2])
                return f"F{described(state, scenario.states[state].transitions[index])[1:]}"
    last = node.response
    return f"{last['action']} by {last['actor']}" if last else "At the start"


def _responses(node: Node) -> list[dict[str, Any]]:
    return [_response(stage) for stage in node.way()[1:]]


def _response(stage: Node) -> dict[str, Any]:
    response = dict(stage.response or {})
    if response["action"] == TIMEOUT:
        response["at"] = to_iso(response["at"])
    return response


# --- Recording --------------------------------------------------------------------------------------------------------


def record(name: str, scenario: Scenario, document: Any, title: str) -> str:
    """Return a feature of runs that were played.

    Args:
        name: By which the feature is to find the scenario.
        scenario: What was played.
        document: A list of responses, or runs by title (`runs`).
        title: Name of the case where there is a list.

    Raises:
        LiveContractError: The scenario refuses a response, or ends in another state than a run says.
    """
    runs = (
        [Run(title=key, responses=responses) for key, (_, responses) in read_runs(document, title).items()]
        if are_runs(document)
        else [Run(title=title, responses=document)]
    )
    for run in runs:
        if not isinstance(run.responses, list) or len(run.responses) > MAX_RECORDED:
            raise InvalidFeatureError(f"A run should be a list of at most {MAX_RECORDED} responses.")
    return feature_text(name, scenario, runs)
