"""What an event with a process body comes to: a new process, or a new sub-process of one that waits for it."""

from typing import Any

from eventchain.core.entry import Entry
from workflow_engine import machine
from workflow_engine.body import read_sub_process, scenario_reference
from workflow_engine.due import DueAction
from workflow_engine.errors import AlreadyExistsError, InvalidProcessError, ProcessNotFoundError
from workflow_engine.live import Live
from workflow_engine.outcome import Outcome, Row
from workflow_engine.process import Process
from workflow_engine.records import encode
from workflow_engine.sub_processes import beginning, ending
from workflow_engine.sub_processes.relation import called_by, id_of
from workflow_engine.triggers import response_body


def started(entry: Entry, live: Live, row: Row) -> Outcome:
    """Return what starting a process comes to, on the present state of its chain. Nothing is written.

    Args:
        entry: The event.
        live: The chain before it.
        row: The journal row, without subject, name and document.

    Raises:
        InvalidError, ForbiddenError, ConflictError, NotFoundError: It is refused.
    """
    if "parent" in entry.body:
        return _started_within(entry, live, row)
    found = live.scenario(scenario_reference(entry.body))
    if found is None:
        raise InvalidProcessError(
            "The scenario of the process is not on this chain.",
            path="$.scenario",
            hint="Add the scenario to the chain first.",
        )
    process = machine.start(found, entry)
    _check_new(process, live)
    return Outcome(row={**row, "subject": process.id}, process=process)


def _started_within(entry: Entry, live: Live, row: Row) -> Outcome:
    given = read_sub_process(entry.body)
    above = live.process(given.parent.process)
    if above is None:
        raise ProcessNotFoundError("There is no such process on this chain.", path="$.parent.process")
    process = machine.by_scenario(lambda: beginning.start(above, given, entry, live.process))
    _check_new(process, live)
    document = encode({"holder": _holder(above, live)})
    return Outcome(row={**row, "subject": process.id, "name": above.id, "document": document}, process=process)


def _holder(above: Process, live: Live) -> str:
    """Return the id of the scenario of the chain that embeds what a process embeds, directly or not."""
    holder = None if above.parent is None else live.holder(above.id)
    if holder is not None and live.embedded(holder, above.base.id) is not None:
        return holder
    return above.base.id


def _check_new(process: Process, live: Live) -> None:
    if live.process(process.id) is not None:
        raise AlreadyExistsError("Another process of this chain has this id.", path="$.id")


def perform(process: Process, due: DueAction, live: Live, now: int) -> dict[str, Any] | None:
    """Return the body of the event that a sub-process action waits for: one that starts it, or tells how it ended.

    It follows from the chain alone, so that it is the same however often it is asked for.

    Args:
        process: The parent.
        due: The action, which waits.
        live: Its chain.
        now: The present moment, in milliseconds since 1970.
    """
    called = called_by(process, due.action)
    if called is None:
        return None
    action, child = process.scenario.actions[due.action], live.process(id_of(called))
    if child is None:
        reason = beginning.why_not(process, due.action, _at(process, due, now))
        if reason is None:
            return beginning.start_body(called, beginning.scenario_of(process, due.action))
        told = ending.not_started(action, reason)
    elif child.is_finished:
        told = ending.ending_of(action, child)
    else:
        return None
    return response_body(process, due.action, due.actor, told.key, told.data)


def _at(process: Process, due: DueAction, now: int) -> Entry:
    """Return an event of this moment, to try with what its signed one will come to."""
    return Entry(
        chain=process.chain,
        hash=due.cause,
        previous="",
        timestamp=now,
        body={},
        signer="",
        identity=due.identity,
        key_names=frozenset(),
        members=frozenset(),
    )
