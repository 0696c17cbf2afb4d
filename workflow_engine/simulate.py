"""Playing a scenario without a chain: what would happen if these responses were given, one after the other.

The actors are played by identities of their own, and keys are never an obstacle: a system action is simply responded
to, and the data of a document action may be left out, because it follows from the process. Everything else is the
machine that nodes run.

Time goes on by a second with each response, unless the response says when it is given (`at`) or how long after the one
before (`after`); it can be played forward by `{ "wait": duration }`. In a wait timeouts are told at their due dates, as
nodes would; what a system action comes to is for a response to say.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eventchain.core.entry import Entry
from eventchain.core.errors import InvalidError, LiveContractError
from workflow_engine import machine
from workflow_engine.documents import action as documents
from workflow_engine.durations import add_duration, from_iso, to_iso
from workflow_engine.errors import ActionNotAvailableError, InvalidResponseError
from workflow_engine.golden_flow import golden_flow
from workflow_engine.process import Process
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


def run(scenario_document: Any, responses: Sequence[Any]) -> dict[str, Any]:
    """Play responses on a scenario.

    Args:
        scenario_document: A scenario of either dialect.
        responses: `{ actor, action, response?, data?, at? | after? }` or `{ wait }` each; `at` is an ISO 8601 moment or
            milliseconds since 1970, `after` and `wait` are ISO 8601 durations. The action may be `:timeout`.

    Returns:
        `{ state, finished, next, previous, actions, actors, assets }`: the key of the state; whether the process has
        ended; the keys of the golden flow; a list of `action.response`; the available actions with the actors who may
        do them; and the projection.

    Raises:
        InvalidScenarioError: The scenario has errors.
        InvalidError, ForbiddenError, ConflictError: A response is refused; the path starts with its index (`$[3]`).
    """
    process = play(load(scenario_document), responses)
    return {
        "state": process.current.key,
        "finished": process.is_finished,
        "next": [state["key"] for state in golden_flow(process)],
        "previous": [f"{response['action']['key']}.{response['key']}" for response in process.previous],
        "actions": {key: list(process.current.actions[key]["actors"]) for key in process.available},
        "actors": {key: dict(actor) for key, actor in process.actors.items()},
        "assets": dict(process.assets),
    }


def play(scenario: Scenario, responses: Sequence[Any]) -> Process:
    """Return the process after these responses (see `run`)."""
    *_, process = stages(scenario, responses)
    return process


def stages(scenario: Scenario, responses: Sequence[Any]) -> Iterator[Process]:
    """Yield the process after its start, after each response (see `run`), and after each timeout of a wait."""
    if not isinstance(responses, list | tuple) or len(responses) > MAX_RESPONSES:
        raise InvalidResponseError(f"The responses should be a list of at most {MAX_RESPONSES}.", path="$")
    moment = _beginning(responses)
    process = start(scenario, moment)
    yield process
    for index, response in enumerate(responses):
        if not isinstance(response, Mapping):
            raise InvalidResponseError("A response should be an object.", path=f"$[{index}]")
        if "wait" in response:
            end = _end_of(response, moment, index)
            for after in _timeouts(process, moment, end, index):
                process = after
                yield process
            moment = end
            continue
        moment = _moment_of(response, index, moment)
        try:
            process = respond(process, response, moment)
        except LiveContractError as error:
            if error.path is None or _IN_RESPONSE.match(error.path):
                error.path = f"$[{index}]{_as_given(error.path or '$')}"
            else:
                error.message = f"Response {index}: {error.message}"
            raise
        yield process


def spelled_out(scenario: Scenario, responses: Sequence[Any]) -> Sequence[Any]:
    """Return responses that play the same, in which the timeouts stand that happen in each wait.

    Raises what `run` raises for the responses up to the last wait.
    """
    last = max(
        (index for index, item in enumerate(responses) if isinstance(item, Mapping) and "wait" in item), default=-1
    )
    if last < 0:
        return responses
    process = play(scenario, responses[: last + 1])
    given = [
        {
            "actor": item["actor"]["key"],
            "action": item["action"]["key"],
            **({} if item["action"]["key"] == TIMEOUT else {"response": item["key"]}),
            **({"data": item["data"]} if "data" in item else {}),
            "at": to_iso(item["timestamp"]),
        }
        for item in process.previous
    ]
    rest = [dict(item) if isinstance(item, Mapping) else item for item in responses[last + 1 :]]
    if rest and isinstance(rest[0], dict) and rest[0].get("at") is None:
        moment = _beginning(responses)
        for index, item in enumerate(responses[: last + 2]):
            moment = _end_of(item, moment, index) if "wait" in item else _moment_of(item, index, moment)
        rest[0].pop("after", None)
        rest[0]["at"] = to_iso(moment)
    return [*given, *rest]


def _timeouts(process: Process, moment: int, end: int, index: int) -> Iterator[Process]:
    """Yield the process after each timeout that is told at its due date before a moment."""
    while (waiting := turns(process)) and waiting[0].due_date <= end:
        if len(process.previous) >= MAX_RESPONSES:
            raise InvalidResponseError(f"There are more than {MAX_RESPONSES} timeouts.", path=f"$[{index}].wait")
        moment = max(moment, waiting[0].due_date)
        try:
            process = respond(process, {"actor": waiting[0].actor, "action": TIMEOUT}, moment)
        except ActionNotAvailableError:  # no transition takes it now: it is told when one does
            return
        yield process


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
    return machine.step(process, _entry(process, response, moment))


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


def _entry(process: Process, response: Mapping[str, Any], moment: int) -> Entry:
    number = len(process.previous)
    actor = response.get("actor")
    known = process.actors.get(actor) if isinstance(actor, str) else None
    if known is None:
        raise InvalidResponseError(
            "This is no actor of the scenario.", path="$.actor", hint=f"There are {', '.join(sorted(process.actors))}."
        )
    identity = known.get("identity") or {"id": ""}
    body = {"process": PROCESS, "action": response.get("action"), "key": response.get("response"), "actor": actor}
    return Entry(
        chain=CHAIN,
        hash=f"event-{number + 1}",
        previous=f"event-{number}",
        timestamp=moment,
        body={**body, "data": data_of(process, str(response.get("action")), response.get("data"))},
        signer="",
        identity=identity["id"],
        key_names=frozenset({"user", "system"}),
        members=frozenset(),
    )


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
