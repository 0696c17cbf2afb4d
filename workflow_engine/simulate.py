"""Playing a scenario without a chain: what would happen if these responses were given, one after the other.

The actors are played by identities of their own, and keys are never an obstacle: a system action is simply responded
to, and the data of a document action may be left out, because it follows from the process. Everything else is the
machine that nodes run.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eventchain.core.entry import Entry
from eventchain.core.errors import InvalidError, LiveContractError
from workflow_engine import machine
from workflow_engine.documents import action as documents
from workflow_engine.durations import from_iso
from workflow_engine.errors import InvalidResponseError
from workflow_engine.golden_flow import golden_flow
from workflow_engine.process import Process
from workflow_engine.scenario import TIMEOUT, Scenario, load

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
        responses: `{ actor, action, response?, data?, at? }` each; `at` is an ISO 8601 moment or milliseconds since
            1970. The action may be `:timeout`.

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
    """Yield the process after its start, and after each of these responses (see `run`)."""
    if not isinstance(responses, list | tuple) or len(responses) > MAX_RESPONSES:
        raise InvalidResponseError(f"The responses should be a list of at most {MAX_RESPONSES}.", path="$")
    moments = _moments(responses)
    process = start(scenario, _beginning(responses, moments))
    yield process
    for index, (response, moment) in enumerate(zip(responses, moments, strict=True)):
        try:
            process = respond(process, response, index, moment)
        except LiveContractError as error:
            if error.path is None or _IN_RESPONSE.match(error.path):
                error.path = f"$[{index}]{_as_given(error.path or '$')}"
            else:
                error.message = f"Response {index}: {error.message}"
            raise
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


def respond(process: Process, response: Mapping[str, Any], index: int, moment: int) -> Process:
    """Return the process after the response of this index, given at a moment (see `run`)."""
    return machine.step(process, _entry(process, response, index, moment))


def _moments(responses: Sequence[Any]) -> list[int]:
    moments: list[int] = []
    for index, response in enumerate(responses):
        if not isinstance(response, Mapping):
            raise InvalidResponseError("A response should be an object.", path=f"$[{index}]")
        at = response.get("at")
        moments.append(moments[-1] + STEP if moments else START) if at is None else moments.append(_moment(at, index))
    return moments


def _beginning(responses: Sequence[Mapping[str, Any]], moments: Sequence[int]) -> int:
    """Return when the process starts: with its first response, or, where that is a timeout, long enough before it."""
    if not moments or responses[0].get("action") == TIMEOUT:
        return START
    return moments[0]


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


def _entry(process: Process, response: Mapping[str, Any], index: int, moment: int) -> Entry:
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
        hash=f"event-{index + 1}",
        previous=f"event-{index}",
        timestamp=moment,
        body={**body, "data": _data(process, response)},
        signer="",
        identity=identity["id"],
        key_names=frozenset({"user", "system"}),
        members=frozenset(),
    )


def _data(process: Process, response: Mapping[str, Any]) -> Any:
    """Return the data of a response; that of a document action follows from the process where it is left out."""
    given = response.get("data")
    action = process.scenario.actions.get(str(response.get("action")))
    if given is not None or action is None or action.kind != "document" or action.key not in process.available:
        return given
    return dict(documents.make(process, action.key).data)


def _as_given(path: str) -> str:
    """Name a member of the list as the list names it."""
    rest = path.removeprefix("$")
    return rest.replace(".key", ".response", 1) if rest == ".key" else rest
