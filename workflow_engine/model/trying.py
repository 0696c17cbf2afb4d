"""What can be tried in a process: responses of every actor, answers of nodes, and time running out.

Nothing here judges whether something is possible. The engine does, when it is tried.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eventchain.core import canonical_json
from eventchain.core.entry import Entry
from workflow_engine import simulate
from workflow_engine.due import due
from workflow_engine.model.embedded import inner_key, possible_responses
from workflow_engine.model.embedded import schema_of as told_schema
from workflow_engine.model.graph import NATURE
from workflow_engine.model.reads import reads_of
from workflow_engine.model.relevance import Relevance
from workflow_engine.model.samples import values_for, wanted
from workflow_engine.playing import data_of
from workflow_engine.process import Process, identity_of
from workflow_engine.scenario import TIMEOUT, Action, Scenario, State
from workflow_engine.supposed import origin_of
from workflow_engine.timing import waits_for_timeout


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A response that might be given.

    Attributes:
        mover: Key of the actor who chooses it, or `NATURE`.
        actor: Key of the actor in whose name it is signed.
        action: Key of the action, or `:timeout`.
        response: Key of the response.
        data: Its data, or None.
        at: Its timestamp, in milliseconds since 1970.
    """

    mover: str
    actor: str
    action: str
    response: str
    data: Any
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """The data that is tried, by response (action, response).

    Attributes:
        values: Values that fit, at least one where one was found.
        cut: Responses for which there would be more values than are tried.
    """

    values: Mapping[tuple[str, str], Sequence[Any]]
    cut: tuple[tuple[str, str], ...]


def samples_of(scenario: Scenario, relevance: Relevance, ends: Mapping[str, Sequence[str]]) -> Samples:
    """Return the data to try in a scenario; `ends` are the final states of embedded scenarios by key."""
    values: dict[tuple[str, str], Sequence[Any]] = {}
    cut: list[tuple[str, str]] = []
    for action in scenario.actions.values():
        inner = inner_key(scenario, action)
        possible = action.responses if inner is None else possible_responses(action, ends[inner])
        for key in action.responses:
            if key not in possible:
                values[action.key, key] = []
                continue
            found, whole = values_for(
                _schema_of(scenario, action, key, ends), wanted(relevance.data.get((action.key, key), {}))
            )
            values[action.key, key] = found
            if not whole:
                cut.append((action.key, key))
    return Samples(values=values, cut=tuple(cut))


def _schema_of(scenario: Scenario, action: Action, response: str, ends: Mapping[str, Sequence[str]]) -> Any:
    """Return the schema of a response's data; without one, that of what the data is written to."""
    outcome = action.responses[response]
    if outcome.schema_document is not None:
        return outcome.schema_document
    inner = inner_key(scenario, action)
    if inner is not None:
        return told_schema(scenario, action, response, ends[inner])
    for instruction in outcome.update:
        place = instruction.select.removeprefix("$.").split(".")
        if instruction.data is None and instruction.projection is None and place[0] == "assets" and len(place) > 1:
            return _below(scenario.assets[place[1]].schema_document, place[2:])
    return None


def _below(schema: Any, names: Sequence[str]) -> Any:
    """Return the schema of a part of a value that is given alone and may be partial."""
    for name in names:
        properties = schema.get("properties") if isinstance(schema, Mapping) else None
        schema = properties.get(name) if isinstance(properties, Mapping) else None
    if not isinstance(schema, Mapping):
        return None
    if schema.get("type") == "array":
        return schema.get("items")
    return {key: value for key, value in schema.items() if key not in ("required", "title", "description", "priority")}


def attempts(process: Process, samples: Samples) -> Iterator[Attempt]:
    """Yield what might happen in a process. Several attempts at one response differ in their data."""
    if process.is_finished:
        return
    now = process.current.timestamp + simulate.STEP
    for key in process.available:
        action = process.scenario.actions[key]
        if not action.is_system:
            for actor in process.current.actions[key]["actors"]:
                yield from _answers(action, list(action.responses), actor, actor, now, samples)
    for item in due(process):
        moment = max(now, item.not_before)
        if item.turn is None:
            action = process.scenario.actions[item.action]
            yield from _answers(action, _answerable(process, action), NATURE, item.actor, moment, samples)
        elif item.turn.rank == 0:  # whoever tells of a timeout, it is the same
            yield Attempt(mover=NATURE, actor=item.actor, action=TIMEOUT, response="ok", data=None, at=moment)


def _answers(
    action: Action, keys: Sequence[str], mover: str, actor: str, moment: int, samples: Samples
) -> Iterator[Attempt]:
    is_determined = action.determine_response is not None
    if is_determined and not _passes_on(action):
        keys = list(keys)[:1]
    for key in keys:
        of = action.responses if is_determined else [key]
        for data in _distinct(value for response in of for value in samples.values[action.key, response]):
            yield Attempt(mover=mover, actor=actor, action=action.key, response=key, data=data, at=moment)


def _passes_on(action: Action) -> bool:
    """Tell whether the outcome that an action determines can depend on the one that was submitted."""
    return any(
        ("current", "response", "key")[: len(place)] == place for place, _ in reads_of(action.determine_response)
    )


def _distinct(values: Iterable[Any]) -> Iterator[Any]:
    """Yield values once each: several responses can take the same data."""
    seen: set[bytes] = set()
    for value in values:
        text = canonical_json.encode(value)
        if text not in seen:
            seen.add(text)
            yield value


def _answerable(process: Process, action: Action) -> list[str]:
    """Return the responses that a node may give: a nop has one, everything else may come out as it likes."""
    if action.kind != "nop":
        return list(action.responses)
    chosen = process.current.actions[action.key].get("trigger_response") or action.default_response
    return [str(chosen)] if chosen in action.responses else list(action.responses)


def entry_of(process: Process, attempt: Attempt, number: int) -> Entry:
    """Return the event with an attempt, as `simulate` would make it.

    Args:
        process: Where it is tried.
        attempt: What is tried.
        number: Names the event; higher than that of every event before it.
    """
    body = {
        "process": process.id,
        "action": attempt.action,
        "key": attempt.response,
        "actor": attempt.actor,
        "data": data_of(process, attempt.action, attempt.data),
    }
    return Entry(
        chain=process.chain,
        hash=f"event-{number}",
        previous=f"event-{number - 1}",
        timestamp=attempt.at,
        body=body,
        signer="",
        identity=identity_of(process.actors[attempt.actor]) or "",
        key_names=frozenset({"user", "system"}),
        members=frozenset(),
        origin=origin_of(process, attempt.action, attempt.data, attempt.at),
    )


def believing(scenario: Scenario) -> Scenario:
    """Return a scenario in which a document action is taken as a request, which may come out either way.

    Whether a document can be made hangs on characters and sizes of texts, which nobody tries.
    """
    actions = {
        key: replace(action, kind="http") if action.kind == "document" else action
        for key, action in scenario.actions.items()
    }
    return replace(scenario, actions=actions)


def with_transition(process: Process, index: int) -> Process:
    """Return a process whose present state has one of its transitions alone: does that one fit?"""
    scenario = process.scenario
    state = scenario.states[process.current.key]
    alone: State = replace(state, transitions=(state.transitions[index],))
    return replace(process, scenario=replace(scenario, states={**scenario.states, state.key: alone}))


def has_timeout(process: Process) -> bool:
    """Tell whether time alone leads on from here."""
    return process.current.due_date is not None and waits_for_timeout(process)
