"""Playing a scenario without a chain: what would happen if these responses were given, one after the other.

The actors are played by identities of their own, and keys are never an obstacle: a system action is simply responded
to, and the data of a document action may be left out, because it follows from the process. Sub-processes are started
and answered for as nodes do it; as long as nobody has acted in one, its action can also be simply responded to. What
comes from another chain is supposed to come from where it should (`workflow_engine.supposed`), unless the response says
otherwise with `origin`. Everything else is the machine that nodes run.

Time goes on by a second with each response, unless the response says when it is given (`at`) or how long after the one
before (`after`); it can be played forward by `{ "wait": duration }`. In a wait timeouts are told at their due dates, as
nodes would; what a system action comes to is for a response to say. What is said and proposed beside the process may
stand among the responses (`simulate_talk`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eventchain.core.entry import Entry
from eventchain.core.errors import InvalidError, LiveContractError
from workflow_engine import machine, simulate_talk
from workflow_engine.compiling import load
from workflow_engine.durations import add_duration, from_iso, to_iso
from workflow_engine.errors import InvalidResponseError
from workflow_engine.golden_flow import golden_flow
from workflow_engine.playing import Family, entry_of, statuses, told
from workflow_engine.process import Process
from workflow_engine.scenario import TIMEOUT, Scenario
from workflow_engine.sub_processes.conduct import finding
from workflow_engine.sub_processes.relation import nobody

PROCESS = "simulated"
CHAIN = "8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL"
"""Where a scenario is played: the id of the chain that nobody creates, with a key and a nonce of zeros."""
START = 1_577_836_800_000
"""2020-01-01T00:00Z: when a simulation begins, unless its first response says when it is given, and is no timeout."""

STEP = 1_000
"""Milliseconds between two responses that do not say when they are given."""

MAX_RESPONSES = 10_000

_IN_RESPONSE = re.compile(r"\$\.(?:action|actor|data|in|key|origin|process)(?![A-Za-z0-9_-])")
"""Paths that lead into a response; others lead into the process or the scenario."""


def run(scenario_document: Any, responses: Sequence[Any]) -> dict[str, Any]:
    """Play responses on a scenario.

    Args:
        scenario_document: A scenario of either dialect.
        responses: `{ in?, actor, action, response?, data?, origin?, at? | after? }` or `{ wait }` each, or what is said
            (`simulate_talk`); `at` is an ISO 8601 moment or milliseconds since 1970, `after` and `wait` are ISO 8601
            durations. The action may be `:timeout`. `in` names the sub-process by the key of its action, or by a list
            of keys where it is nested.

    Returns:
        `{ state, finished, next, previous, actions, actors, assets, deviation?, proposals?, comments?,
        sub_processes? }`: the key of the state; whether the process has ended; the keys of the golden flow; a list of
        `action.response`; the available actions with the actors who may do them; and the projection. Then, where there
        are such, the title of the deviation in force, what was proposed (`{ title, author, state, missing }`), the
        comments, and of each sub-process `{ in, state, finished, abandoned? }`, with what was said there.

    Raises:
        InvalidScenarioError: The scenario has errors.
        InvalidError, ForbiddenError, ConflictError: A response is refused; the path starts with its index (`$[3]`).
    """
    *_, family = families(load(scenario_document), responses)
    process = family.root
    inner = [item for item in family.processes.values() if item.parent is not None]
    return {
        "state": process.current.key,
        "finished": process.is_finished,
        "next": [state["key"] for state in golden_flow(process)],
        "previous": [f"{response['action']['key']}.{response['key']}" for response in process.previous],
        "actions": {key: list(process.current.actions[key]["actors"]) for key in process.available},
        "actors": {key: dict(actor) for key, actor in process.actors.items()},
        "assets": dict(process.assets),
        **told(process, family),
        **({"sub_processes": statuses(inner, family)} if inner else {}),
    }


def play(scenario: Scenario, responses: Sequence[Any]) -> Process:
    """Return the process after these responses (see `run`)."""
    *_, process = stages(scenario, responses)
    return process


def stages(scenario: Scenario, responses: Sequence[Any]) -> Iterator[Process]:
    """Yield the process after its start, after each item (see `run`), and after each timeout of a wait."""
    for family in families(scenario, responses):
        yield family.root


def families(scenario: Scenario, responses: Sequence[Any], *, keeps_traces: bool = False) -> Iterator[Family]:
    """Yield, as often as `stages`, the process with its sub-processes: the same object, which goes on."""
    if not isinstance(responses, list | tuple) or len(responses) > MAX_RESPONSES:
        raise InvalidResponseError(f"The responses should be a list of at most {MAX_RESPONSES}.", path="$")
    moment = _beginning(responses)
    family = Family(start(scenario, moment), keeps_traces=keeps_traces)
    yield family
    for index, item in enumerate(responses):
        if not isinstance(item, Mapping):
            raise InvalidResponseError("A response should be an object.", path=f"$[{index}]")
        if "wait" in item:
            end = _end_of(item, moment, index)
            for number, _ in enumerate(family.time_out(moment, end)):
                if number >= MAX_RESPONSES:
                    raise InvalidResponseError(
                        f"There are more than {MAX_RESPONSES} timeouts.", path=f"$[{index}].wait"
                    )
                yield family
            moment = end
            continue
        moment = _moment_of(item, index, moment)
        try:
            family.respond(item, moment)
        except LiveContractError as error:
            raise _located(error, item, index) from None
        yield family


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
    *_, family = families(scenario, responses[: last + 1])
    rest = [dict(item) if isinstance(item, Mapping) else item for item in responses[last + 1 :]]
    if rest and isinstance(rest[0], dict) and rest[0].get("at") is None:
        moment = _beginning(responses)
        for index, item in enumerate(responses[: last + 2]):
            moment = _end_of(item, moment, index) if "wait" in item else _moment_of(item, index, moment)
        rest[0].pop("after", None)
        rest[0]["at"] = to_iso(moment)
    return [*family.given, *rest]


def start(scenario: Scenario, moment: int = START, assets: Mapping[str, Any] | None = None) -> Process:
    """Return a new process in which every actor is played by an identity named like it, with first values of assets."""
    members = frozenset(scenario.actors)
    starter = min(scenario.actors, default="")
    actors = {key: {"identity": key} for key in scenario.actors}
    body = {"id": PROCESS, "scenario": scenario.id, "actors": actors, "assets": assets or {}}
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
    """Return the process after a response that is given at a moment (see `run`), whatever its sub-processes do."""
    entry = entry_of(process, response, moment, len(process.previous) + 1)
    return machine.step(process, entry, finding(process, response.get("action"), nobody))


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


def _as_given(path: str) -> str:
    """Name a member of the list as the list names it."""
    rest = path.removeprefix("$")
    return rest.replace(".key", ".response", 1) if rest == ".key" else rest
