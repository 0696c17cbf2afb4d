"""What tests have come to: states, transitions, responses of actions, and both outcomes of every condition.

It is found out from the processes that a test leaves behind, one after every response, by asking the same conditions
again on what the machine saw: nothing is watched, and the machine does not know that it is tested.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal

from workflow_engine.consent import DEVIATION
from workflow_engine.errors import InvalidInstructionError, Path, json_path, quote
from workflow_engine.normalise import FINAL_STATES, read
from workflow_engine.operators import Budget, evaluate, holds
from workflow_engine.process import Process, context_of
from workflow_engine.scenario import TIMEOUT, Scenario, Transition

Kind = Literal["state", "transition", "response", "condition"]
KINDS: tuple[Kind, ...] = ("state", "transition", "response", "condition")

Key = tuple[str | int | bool, ...]
"""Names an item within its scenario; starts with its kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something that a test can come to.

    Attributes:
        kind: What it is.
        key: Its name within the scenario.
        path: Where it stands in the normal form.
        sentence: What it means that no test came to it.
    """

    kind: Kind
    key: Key
    path: Path
    sentence: str


def items(scenario: Scenario) -> tuple[Item, ...]:
    """Return everything that tests of a scenario can come to, in the order of the scenario."""
    return (*_states(scenario), *_transitions(scenario), *_actions(scenario))


def _states(scenario: Scenario) -> Iterator[Item]:
    targets = {transition.target for state in scenario.states.values() for transition in state.transitions}
    for key in scenario.states:
        if key not in FINAL_STATES or key in targets:
            sentence = f"No test comes to the state {quote(key)}."
            yield Item(kind="state", key=("state", key), path=("states", key), sentence=sentence)


def _transitions(scenario: Scenario) -> Iterator[Item]:
    for state in scenario.states.values():
        for index, transition in enumerate(state.transitions):
            place: Path = ("states", state.key, "transitions", index)
            sentence = f"No test goes {described(state.key, transition)}."
            yield Item(kind="transition", key=("transition", state.key, index), path=place, sentence=sentence)
            if not isinstance(transition.condition, bool):
                yield from _outcomes((*place, "condition"), f"of the transition {described(state.key, transition)}")


def described(state: str, transition: Transition) -> str:
    """Return a transition in words: `from "offered" to "signing" by accept`."""
    way = transition.action or "any action"
    way = "its timeout" if way == TIMEOUT else way if transition.response is None else f"{way}.{transition.response}"
    return f"from {quote(state)} to {quote(transition.target)} by {way}"


def _actions(scenario: Scenario) -> Iterator[Item]:
    for action in scenario.actions.values():
        for key in action.responses:
            yield Item(
                kind="response",
                key=("response", action.key, key),
                path=("actions", action.key, "responses", key),
                sentence=f"No test gives the response {quote(key)} to the action {quote(action.key)}.",
            )
        if not isinstance(action.condition, bool):
            yield from _outcomes(("actions", action.key, "condition"), f"of the action {quote(action.key)}")


def _outcomes(path: Path, of: str) -> Iterator[Item]:
    for outcome in (True, False):
        sentence = f"In no test the condition {of} is {'met' if outcome else 'not met'}."
        yield Item(kind="condition", key=("condition", json_path(path), outcome), path=path, sentence=sentence)


# --- What a trace comes to --------------------------------------------------------------------------------------------


def reached(trace: Sequence[Process]) -> set[Key]:
    """Return the keys of what one process came to."""
    found: set[Key] = set()
    for before, after in zip([None, *trace[:-1]], trace, strict=True):
        if before is not None:
            found |= step_reached(before, after)
        found |= state_reached(after)
    return found


def state_reached(process: Process) -> set[Key]:
    """Return what is reached by standing in a state: it, and the conditions of its actions."""
    found: set[Key] = {("state", process.current.key)}
    scenario = process.scenario
    for key in scenario.action_keys(process.current.key):
        action = scenario.actions.get(key)
        if action is None or isinstance(action.condition, bool):
            continue
        able = set(process.current.actions.get(key, {}).get("actors", ()))
        place = json_path(("actions", key, "condition"))
        if able:
            found.add(("condition", place, True))
        if _listed(action.actors, process) - able:
            found.add(("condition", place, False))
    return found


def _listed(actors: Any, process: Process) -> set[str]:
    try:
        listed = actors if isinstance(actors, tuple) else evaluate(actors, context_of(process), Budget())
    except InvalidInstructionError:
        return set()
    return {actor for actor in ([listed] if isinstance(listed, str) else listed or ()) if actor in process.actors}


def step_reached(before: Process, after: Process) -> set[Key]:
    """Return what is reached by the response between two processes."""
    given = after.previous[-1]
    if given["action"]["key"] == DEVIATION or len(after.previous) == len(before.previous):
        return set()  # what parties agreed on, or only said, is no move of the scenario
    action, key, actor = given["action"]["key"], given["key"], given["actor"]["key"]
    found: set[Key] = set() if action == TIMEOUT else {("response", action, key)}
    updated = replace(before, title=after.title, actors=after.actors, assets=after.assets)
    response = {"action": {"key": action}, "key": key, "actor": {"key": actor}}
    seen = context_of(
        updated, actor=actor, response={**response, **({"data": given["data"]} if "data" in given else {})}
    )
    state = before.scenario.states[before.current.key]
    for index, transition in enumerate(state.transitions):
        if not concerns(transition, action, key):
            continue
        fits = holds(transition.condition, seen, Budget())
        if not isinstance(transition.condition, bool):
            found.add(("condition", json_path(("states", state.key, "transitions", index, "condition")), fits))
        if fits:
            found.add(("transition", state.key, index))
            break
    return found


def concerns(transition: Transition, action: str, response: str) -> bool:
    """Tell whether a transition is one for this action and response, whatever its condition says."""
    if transition.action is None:
        return action != TIMEOUT and transition.response in (None, response)
    return transition.action == action and transition.response in (None, response)


# --- All tests together -----------------------------------------------------------------------------------------------


class Coverage:
    """Collects what tests come to, for each scenario that takes part."""

    def __init__(self) -> None:
        self._scenarios: dict[str, Scenario] = {}
        self._reached: dict[str, set[Key]] = {}

    def add(self, traces: Iterable[Sequence[Process]]) -> None:
        """Count what the processes of a test came to."""
        for trace in traces:
            for _, part in groupby(trace, key=lambda process: process.base.id):
                stages = list(part)
                scenario = stages[0].base
                for item in scenario.with_embedded():
                    self._scenarios.setdefault(item.id, item)
                    self._reached.setdefault(item.id, set())
                self._reached[scenario.id].update(reached(stages))

    def report(self, documents: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return for each scenario `{ scenario, id, percent, states, transitions, responses, conditions, missing }`.

        The counts are `[reached, all]`; what is missing is `{ kind, path, message }`, the path leading into the
        scenario as it was written.

        Args:
            documents: The scenarios as they were written, by id.
        """
        found = []
        for key, scenario in self._scenarios.items():
            there, place = items(scenario), given_places(documents.get(key, scenario.normal_form))
            missing = [item for item in there if item.key not in self._reached[key]]
            counts = {f"{kind}s": _count(kind, there, missing) for kind in KINDS}
            percent = 100 if not there else (len(there) - len(missing)) * 100 // len(there)
            listed = [{"kind": item.kind, "path": place(item.path), "message": item.sentence} for item in missing]
            found.append(
                {
                    "scenario": scenario.name or scenario.title or key,
                    "id": key,
                    "percent": percent,
                    **counts,
                    "missing": listed,
                }
            )
        return found


def _count(kind: Kind, there: Sequence[Item], missing: Sequence[Item]) -> list[int]:
    every = sum(item.kind == kind for item in there)
    return [every - sum(item.kind == kind for item in missing), every]


def given_places(document: Any) -> Callable[[Path], str]:
    """Return what leads from a path in the normal form to the JSON path in the scenario as it was written."""
    _, reading = read(document)
    return lambda path: json_path(reading.locate(path))
