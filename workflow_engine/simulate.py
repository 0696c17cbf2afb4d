"""Playing a scenario without a chain: what would happen if these responses were given, one after the other.

The actors are played by identities of their own, and keys are never an obstacle: a system action is simply responded
to, and the data of a document action may be left out, because it follows from the process. Everything else is the
machine that nodes run.

Time goes on by a second with each response, unless the response says when it is given (`at`) or how long after the one
before (`after`); it can be played forward by `{ "wait": duration }`. In a wait timeouts are told at their due dates, as
nodes would; what a system action comes to is for a response to say. What is said and proposed beside the process may
stand among the responses (`simulate_talk`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eventchain.core.entry import Entry
from eventchain.core.errors import InvalidError, LiveContractError
from workflow_engine import machine, simulate_talk
from workflow_engine.conversation import Conversation
from workflow_engine.documents import action as documents
from workflow_engine.durations import add_duration, from_iso, to_iso
from workflow_engine.errors import ActionNotAvailableError, InvalidResponseError
from workflow_engine.golden_flow import golden_flow
from workflow_engine.process import Process, identity_of
from workflow_engine.scenario import TIMEOUT, Scenario, load
from workflow_engine.timing import turns

PROCESS = "simulated"
CHAIN = "8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL"
"""Where a scenario is played: the id of the chain that nobody creates, with a key and a nonce of zeros."""
START = 1_577_836_800_000
"""2020-01-01T00:00Z: when a simulation begins, unless its first response says when it is given, and is no timeout."""

STEP = 1_000
"""Milliseconds between two responses that do not say when they are given."""

MAX_RESPONSES = 10_000

_IN_RESPONSE = re.compile(r"\$\.(?:action|actor|data|key|process)(?![A-Za-z0-9_-])")
"""Paths that lead into a response; others lead into the process or the scenario."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What stands after an item, or after a timeout of a wait.

    Attributes:
        item: What led here, with the moment at which it was; None at the start.
        process: The process then.
        conversation: What was said and proposed by then.
        moment: When that was, in milliseconds since 1970; after the items of a wait, when its last timeout was told.
    """

    item: Mapping[str, Any] | None
    process: Process
    conversation: Conversation
    moment: int


def run(scenario_document: Any, responses: Sequence[Any]) -> dict[str, Any]:
    """Play responses on a scenario.

    Args:
        scenario_document: A scenario of either dialect.
        responses: `{ actor, action, response?, data?, at? | after? }` or `{ wait }` each, or what is said
            (`simulate_talk`); `at` is an ISO 8601 moment or milliseconds since 1970, `after` and `wait` are ISO 8601
            durations. The action may be `:timeout`.

    Returns:
        `{ state, finished, next, previous, actions, actors, assets, deviation?, proposals?, comments? }`: the key of
        the state; whether the process has ended; the keys of the golden flow; a list of `action.response`; the
        available actions with the actors who may do them; and the projection. Then, where there are such, the title of
        the deviation in force, what was proposed (`{ title, author, state, missing }`), and the comments.

    Raises:
        InvalidScenarioError: The scenario has errors.
        InvalidError, ForbiddenError, ConflictError: A response is refused; the path starts with its index (`$[3]`).
    """
    *_, last = played(load(scenario_document), responses)
    process = last.process
    return {
        "state": process.current.key,
        "finished": process.is_finished,
        "next": [state["key"] for state in golden_flow(process)],
        "previous": [f"{response['action']['key']}.{response['key']}" for response in process.previous],
        "actions": {key: list(process.current.actions[key]["actors"]) for key in process.available},
        "actors": {key: dict(actor) for key, actor in process.actors.items()},
        "assets": dict(process.assets),
        **simulate_talk.told(process, last.conversation, last.moment, _members(process)),
    }


def play(scenario: Scenario, responses: Sequence[Any]) -> Process:
    """Return the process after these responses (see `run`)."""
    *_, process = stages(scenario, responses)
    return process


def stages(scenario: Scenario, responses: Sequence[Any]) -> Iterator[Process]:
    """Yield the process after its start, after each item (see `run`), and after each timeout of a wait."""
    for stage in played(scenario, responses):
        yield stage.process


def played(scenario: Scenario, responses: Sequence[Any]) -> Iterator[Stage]:
    """Yield what stands after the start, after each item (see `run`), and after each timeout of a wait."""
    if not isinstance(responses, list | tuple) or len(responses) > MAX_RESPONSES:
        raise InvalidResponseError(f"The responses should be a list of at most {MAX_RESPONSES}.", path="$")
    moment = _beginning(responses)
    process, said = start(scenario, moment), Conversation()
    yield Stage(item=None, process=process, conversation=said, moment=moment)
    for index, item in enumerate(responses):
        if not isinstance(item, Mapping):
            raise InvalidResponseError("A response should be an object.", path=f"$[{index}]")
        if "wait" in item:
            end = _end_of(item, moment, index)
            for told in _timeouts(process, said, moment, end, index):
                process = told.process
                yield told
            moment = end
            continue
        moment = _moment_of(item, index, moment)
        try:
            process, said = _after(process, said, item, moment)
        except LiveContractError as error:
            raise _located(error, item, index) from None
        given = {name: value for name, value in item.items() if name != "after"}
        yield Stage(item={**given, "at": to_iso(moment)}, process=process, conversation=said, moment=moment)


def _after(process: Process, said: Conversation, item: Mapping[str, Any], moment: int) -> tuple[Process, Conversation]:
    if simulate_talk.kind_of(item) is None:
        return respond(process, item, moment), said
    entry = _entry(process, item, moment, f"said-{simulate_talk.number_of(said) + 1}")
    return simulate_talk.say(process, said, item, entry)


def _located(error: LiveContractError, item: Mapping[str, Any], index: int) -> LiveContractError:
    """Let an error say which item it is about: its path begins with the number, unless it leads elsewhere."""
    into = simulate_talk.kind_of(item) is not None or error.path is None or _IN_RESPONSE.match(error.path)
    if into:
        error.path = f"$[{index}]{_as_given(error.path or '$')}"
    else:
        error.message = f"Response {index}: {error.message}"
    return error


def spelled_out(scenario: Scenario, responses: Sequence[Any]) -> Sequence[Any]:
    """Return items that play the same, in which the timeouts stand that happen in each wait.

    Raises what `run` raises for the items up to the last wait.
    """
    last = max(
        (index for index, item in enumerate(responses) if isinstance(item, Mapping) and "wait" in item), default=-1
    )
    if last < 0:
        return responses
    given = [stage.item for stage in played(scenario, responses[: last + 1]) if stage.item is not None]
    rest = [dict(item) if isinstance(item, Mapping) else item for item in responses[last + 1 :]]
    if rest and isinstance(rest[0], dict) and rest[0].get("at") is None:
        moment = _beginning(responses)
        for index, item in enumerate(responses[: last + 2]):
            moment = _end_of(item, moment, index) if "wait" in item else _moment_of(item, index, moment)
        rest[0].pop("after", None)
        rest[0]["at"] = to_iso(moment)
    return [*given, *rest]


def _timeouts(process: Process, said: Conversation, moment: int, end: int, index: int) -> Iterator[Stage]:
    """Yield what stands after each timeout that is told at its due date before a moment."""
    while (waiting := turns(process)) and waiting[0].due_date <= end:
        if len(process.previous) >= MAX_RESPONSES:
            raise InvalidResponseError(f"There are more than {MAX_RESPONSES} timeouts.", path=f"$[{index}].wait")
        moment = max(moment, waiting[0].due_date)
        item = {"actor": waiting[0].actor, "action": TIMEOUT}
        try:
            process = respond(process, item, moment)
        except ActionNotAvailableError:  # no transition takes it now: it is told when one does
            return
        yield Stage(item={**item, "at": to_iso(moment)}, process=process, conversation=said, moment=moment)


def start(scenario: Scenario, moment: int = START) -> Process:
    """Return a new process in which every actor is played by an identity named like it."""
    members = frozenset(scenario.actors)
    starter = min(scenario.actors, default="")
    body = {"id": PROCESS, "scenario": scenario.id, "actors": {key: {"identity": key} for key in scenario.actors}}
    return machine.start(
        scenario,
        Entry(
            chain=CHAIN,
            hash="event-0",
            previous="",
            timestamp=moment,
            body=body,
            signer="",
            identity=starter,
            key_names=frozenset({"user", "system"}),
            members=members,
        ),
    )


def respond(process: Process, response: Mapping[str, Any], moment: int) -> Process:
    """Return the process after a response that is given at a moment (see `run`)."""
    body = {
        "process": PROCESS,
        "action": response.get("action"),
        "key": response.get("response"),
        "actor": response.get("actor"),
    }
    entry = _entry(process, response, moment, f"event-{len(process.previous) + 1}")
    data = data_of(process, str(response.get("action")), response.get("data"))
    return machine.step(process, replace(entry, body={**body, "data": data}))


def _beginning(responses: Sequence[Any]) -> int:
    """Return when the process starts: with its first response, or, where that is a timeout, long enough before it."""
    first = responses[0] if responses else None
    if not isinstance(first, Mapping) or first.get("at") is None or first.get("action") == TIMEOUT:
        return START
    return _moment(first["at"], 0)


def _moment_of(response: Mapping[str, Any], index: int, last: int) -> int:
    """Return when a response is given; `last` is when the one before was, or when the process was started."""
    at, after = response.get("at"), response.get("after")
    if at is not None and after is not None:
        raise InvalidResponseError('Give either "at" or "after", not both.', path=f"$[{index}].after")
    if at is not None:
        return _moment(at, index)
    if after is not None:
        return _later(last, after, f"$[{index}].after")
    return last + (STEP if index else 0)


def _end_of(wait: Mapping[str, Any], moment: int, index: int) -> int:
    """Return when a wait ends that begins at a moment."""
    if len(wait) > 1:
        raise InvalidResponseError("A wait has no other members.", path=f"$[{index}]")
    return _later(moment, wait["wait"], f"$[{index}].wait")


def _later(moment: int, duration: Any, path: str) -> int:
    try:
        return add_duration(moment, duration if isinstance(duration, str) else "")
    except InvalidError as error:
        raise InvalidResponseError(error.message, path=path, hint=error.hint) from None


def _moment(at: Any, index: int) -> int:
    path = f"$[{index}].at"
    if isinstance(at, int) and not isinstance(at, bool) and 0 <= at < 2**47:
        return at
    if not isinstance(at, str):
        raise InvalidResponseError("A moment is ISO 8601 text or milliseconds since 1970.", path=path)
    try:
        return from_iso(at)
    except InvalidError as error:
        raise InvalidResponseError(error.message, path=path, hint=error.hint) from None


def _entry(process: Process, item: Mapping[str, Any], moment: int, event: str) -> Entry:
    """Return the event of an item, without a body."""
    actor = item.get("actor")
    known = process.actors.get(actor) if isinstance(actor, str) else None
    if known is None:
        raise InvalidResponseError(
            "This is no actor of the scenario.", path="$.actor", hint=f"There are {', '.join(sorted(process.actors))}."
        )
    return Entry(
        chain=CHAIN,
        hash=event,
        previous=f"event-{len(process.previous)}",
        timestamp=moment,
        body={},
        signer="",
        identity=identity_of(known) or "",
        key_names=frozenset({"user", "system"}),
        members=_members(process),
    )


def _members(process: Process) -> frozenset[str]:
    """Return the identities that play an actor: here they are on the chain, and nobody else."""
    return frozenset(identity for actor in process.actors.values() if (identity := identity_of(actor)) is not None)


def data_of(process: Process, action_key: str, given: Any) -> Any:
    """Return the data of a response; that of a document action follows from the process where it is left out."""
    action = process.scenario.actions.get(action_key)
    if given is not None or action is None or action.kind != "document" or action.key not in process.available:
        return given
    return dict(documents.make(process, action.key).data)


def _as_given(path: str) -> str:
    """Name a member of the list as the list names it."""
    rest = path.removeprefix("$")
    return rest.replace(".key", ".response", 1) if rest == ".key" else rest
