"""What an event with a process body comes to: a new process, or a new sub-process of one that waits for it."""

from eventchain.core.entry import Entry
from workflow_engine import machine
from workflow_engine.body import read_sub_process, scenario_reference
from workflow_engine.errors import AlreadyExistsError, InvalidProcessError, ProcessNotFoundError
from workflow_engine.live import Live
from workflow_engine.outcome import Outcome, Row
from workflow_engine.process import Process
from workflow_engine.records import encode
from workflow_engine.sub_processes import beginning


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
