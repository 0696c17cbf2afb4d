"""Processes with their histories, from the files a party has: process documents, chains, evidence files.

A chain, and the one in an evidence file, says everything; it is derived anew, and its signatures are not looked at
(`livecontract verify` does). A process document, as `GET /processes/<id>` answers it, lacks the values that were given
when the process was started; where its responses do not lead to where it stands, that is noted. What its sub-processes
came to is taken from its responses.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from eventchain.chain import read_chain
from eventchain.core.entry import Entry
from eventchain.core.errors import LiveContractError
from eventchain.tip import entries_of
from livecontract.errors import InvalidFileError
from livecontract.evidence import VERSION as EVIDENCE
from workflow_engine import machine
from workflow_engine.consent import DEVIATION
from workflow_engine.engine import rehearsing_engine
from workflow_engine.errors import quote
from workflow_engine.impact import History
from workflow_engine.origin import retold
from workflow_engine.process import Process, identity_of
from workflow_engine.scenario import Scenario
from workflow_engine.schema import compile_schema
from workflow_engine.service import kind_of
from workflow_engine.sub_processes.relation import Find, believed

DEVIATED = "It has deviated before, so it is not replayed from its start."
UNKNOWN_START = "Its document does not say how it started, so it is not replayed; give its chain or an evidence file."

SUB_PROCESS = "It is a sub-process: how it starts is up to the process above, so it is not replayed from its start."

_BOTH_KEYS = frozenset({"user", "system"})


_TEXT = {"type": "string"}
_ACTOR = {
    "type": "object",
    "required": ["key"],
    "properties": {"key": _TEXT, "identity": {"type": "object", "required": ["id"], "properties": {"id": _TEXT}}},
}
_ORIGIN = {
    "type": "object",
    "required": ["chain", "event", "timestamp", "signer"],
    "properties": {"chain": _TEXT, "event": _TEXT, "signer": _TEXT, "timestamp": {"type": "integer"}},
}
_PROCESS: Mapping[str, Any] = {
    "type": "object",
    "required": ["id", "title", "scenario", "chain", "actors", "assets", "current", "previous"],
    "properties": {
        "id": _TEXT,
        "title": {"type": ["string", "null"]},
        "chain": _TEXT,
        "parent": {
            "type": "object",
            "required": ["process", "action", "event"],
            "properties": {"process": _TEXT, "action": _TEXT, "event": _TEXT},
            "additionalProperties": False,
        },
        "actors": {"type": "object", "additionalProperties": _ACTOR},
        "assets": {"type": "object"},
        "current": {
            "type": "object",
            "required": ["key", "instructions", "actions", "entered", "answered"],
            "properties": {
                "key": _TEXT,
                "actor": _TEXT,
                "actions": {"type": "object", "additionalProperties": {"type": "object"}},
                "answered": {"type": "array", "items": _TEXT},
                "due_date": _TEXT,
                "entered": {
                    "type": "object",
                    "required": ["event", "timestamp"],
                    "properties": {"event": _TEXT, "timestamp": {"type": "integer"}},
                },
            },
        },
        "previous": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["action", "key", "actor", "timestamp", "event"],
                "properties": {
                    "action": {"type": "object", "required": ["key"], "properties": {"key": _TEXT}},
                    "key": _TEXT,
                    "actor": _ACTOR,
                    "timestamp": {"type": "integer"},
                    "event": _TEXT,
                    "origin": _ORIGIN,
                },
            },
        },
    },
}
"""What is read of a process document, as JSON Schema."""


def read_histories(document: Any, scenario: Scenario) -> list[History]:
    """Return the processes in a document that run by a scenario.

    Args:
        document: A process document, a list of them, a chain, or an evidence file.
        scenario: Processes of other scenarios are left out.

    Raises:
        InvalidFileError: It is something else, or damaged.
        LiveContractError: A chain that cannot be derived.
    """
    if isinstance(document, list):
        return [history for item in document for history in read_histories(item, scenario)]
    if not isinstance(document, Mapping):
        raise InvalidFileError("this is no process document, chain or evidence file", path="$")
    if document.get("version") == EVIDENCE:
        return _of_chain(document.get("chain"), scenario)
    if "events" in document:
        return _of_chain(document, scenario)
    if "current" in document and "previous" in document:
        return list(_of_process(document, scenario))
    raise InvalidFileError(
        "this is no process document, chain or evidence file",
        path="$",
        hint="Take what GET /processes/<id> or GET /event-chains/<id> answers.",
    )


def _of_chain(document: Any, scenario: Scenario) -> list[History]:
    chain = read_chain(document)
    if chain.is_partial or not chain.events:
        raise InvalidFileError("the chain does not start with its first event", hint="Give the whole chain.")
    entries = [entry for _, entry in entries_of(chain)]
    engine = rehearsing_engine(lambda: 0)
    for entry in entries:
        engine.apply(entry)
    by_hash = {entry.hash: entry for entry in entries}
    processes = {process.id: process for process in engine.processes(str(chain.id))}
    return [
        _history(process, _start_of(process, entries), by_hash, processes.get)
        for process in processes.values()
        if process.base.id == scenario.id
    ]


def _start_of(process: Process, entries: list[Entry]) -> Entry:
    started = (item for item in entries if kind_of(item.schema) == "process")
    return next(item for item in started if process.id in (item.body.get("id"), item.hash))


def _history(process: Process, start: Entry, by_hash: Mapping[str, Entry], find: Find) -> History:
    steps = tuple(by_hash[str(item["event"])] for item in process.previous)
    return History(process=process, start=start, steps=steps, note=_unreplayable(process), find=find)


def _unreplayable(process: Process) -> str | None:
    if process.parent is not None:
        return SUB_PROCESS
    return DEVIATED if any(item["action"]["key"] == DEVIATION for item in process.previous) else None


def _of_process(form: Mapping[str, Any], scenario: Scenario) -> Iterator[History]:
    if form.get("scenario") != scenario.id:
        return
    if "deviation" in form:
        raise InvalidFileError("the process deviates from its scenario now", hint="Give its chain instead.")
    compile_schema(_PROCESS).validate(dict(form))
    known = {**form, "proposals": (), "signatories": ()}
    process = Process.from_state(known, scenario=scenario, previous=tuple(form["previous"]))
    _check_fits(process)
    start, steps = _start(process), tuple(_step(process, item) for item in process.previous)
    note = _unreplayable(process) or _unknown_start(process, start, steps)
    yield History(process=process, start=start, steps=steps, note=note, find=believed)


def _check_fits(process: Process) -> None:
    """Check that a process is one of its scenario, as far as its keys show it."""
    scenario = process.scenario
    if process.current.key not in scenario.states:
        raise InvalidFileError(f"the scenario has no state {quote(process.current.key)}", path="$.current.key")
    for name, found, known in (
        ("actors", process.actors, scenario.actors),
        ("assets", process.assets, scenario.assets),
    ):
        if found.keys() != known.keys():
            raise InvalidFileError(f"the scenario has other {name}", path=f"$.{name}", hint="Fetch it again.")


def _start(process: Process) -> Entry:
    """Return an event that may have started the process: with who plays which role, and nothing else."""
    bound = {key: identity for key, actor in process.actors.items() if (identity := identity_of(actor)) is not None}
    body = {"id": process.id, "actors": {key: {"identity": identity} for key, identity in bound.items()}}
    return _entry(process, "start", 0, body, min(bound.values(), default=""))


def _step(process: Process, given: Mapping[str, Any]) -> Entry:
    actor = given["actor"]
    body = {"process": process.id, "action": given["action"]["key"], "key": given["key"], "actor": actor["key"]}
    if "data" in given:
        body["data"] = given["data"]
    entry = _entry(process, str(given["event"]), given["timestamp"], body, str(identity_of(actor)))
    return replace(entry, origin=retold(given["origin"], given.get("data"))) if "origin" in given else entry


def _entry(process: Process, hash_: str, timestamp: int, body: Mapping[str, Any], identity: str) -> Entry:
    members = {found for actor in process.actors.values() if (found := identity_of(actor)) is not None}
    return Entry(
        chain=process.chain,
        hash=hash_,
        previous="",
        timestamp=timestamp,
        body=body,
        signer="",
        identity=identity,
        key_names=_BOTH_KEYS,
        members=frozenset(members),
    )


def _unknown_start(process: Process, start: Entry, steps: tuple[Entry, ...]) -> str | None:
    """Say whether these responses do not lead to where the process stands, by its own scenario."""
    try:
        replayed = machine.start(process.scenario, start)
        for step in steps:
            replayed = machine.step(replayed, step, believed)
    except LiveContractError:
        return UNKNOWN_START
    same = replayed.current.key == process.current.key and replayed.assets == process.assets
    return None if same else UNKNOWN_START
