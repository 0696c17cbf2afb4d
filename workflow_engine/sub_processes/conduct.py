"""What nodes do for sub-processes: the events that start them, and that tell how they ended.

Each follows from the processes alone, so that it is the same however often it is made, and nothing has to be kept.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from eventchain.core.entry import Entry
from workflow_engine import machine
from workflow_engine.body import read_sub_process
from workflow_engine.due import Due, DueAction, due
from workflow_engine.process import Process
from workflow_engine.scenario import TIMEOUT
from workflow_engine.sub_processes import beginning, ending
from workflow_engine.sub_processes.relation import SUB_PROCESS, Find, believed, called_by, child_of, id_of
from workflow_engine.triggers import response_body


def event_of(process: Process, action: DueAction, find: Find, now: int) -> dict[str, Any] | None:
    """Return the body of the event that an action which is a sub-process waits for; None where it waits for none.

    Args:
        process: The parent.
        action: One of its actions, which is due.
        find: Knows the processes of the chain.
        now: The present moment, in milliseconds since 1970.
    """
    called = called_by(process, action.action)
    if called is None:
        return None
    definition, child = process.scenario.actions[action.action], find(id_of(called))
    if child is None:
        reason = beginning.why_not(process, action.action, _at(action, now))
        if reason is None:
            return beginning.start_body(called, beginning.scenario_of(process, action.action))
        told = ending.not_started(definition, reason)
    elif child.is_finished:
        told = ending.ending_of(definition, child)
    else:
        return None
    return response_body(process, action.action, action.actor, told.key, told.data)


def _at(action: DueAction, now: int) -> Entry:
    """Return an event of this moment, to try with what its signed one will come to."""
    return Entry(
        chain=action.chain,
        hash=action.cause,
        previous="",
        timestamp=now,
        body={},
        signer="",
        identity=action.identity,
        key_names=frozenset(),
        members=frozenset(),
    )


def everybody(_identity: str) -> bool:
    """Tell of every identity that its node is up."""
    return True


def conducted(
    processes: Mapping[str, Process],
    sign: Callable[[str, Mapping[str, Any]], Entry],
    now: int,
    is_up: Callable[[str], bool] = everybody,
) -> Iterator[Process]:
    """Yield what processes become when nodes do all that sub-processes wait for, one after the other.

    Each item is a new sub-process, or a parent that was answered.

    Args:
        processes: By id, those that were started first coming first. A chain in play, not a real one.
        sign: Makes the event of an identity, with a body.
        now: The present moment, in milliseconds since 1970.
        is_up: Tells whether the node of an identity is there.

    Raises:
        LiveContractError: The scenario cannot be evaluated.
    """
    known = dict(processes)
    while (found := _first(known, now, is_up)) is not None:
        process, item = found
        body = event_of(process, item.of(process), known.get, now)
        if body is None:
            return
        entry = sign(item.identity, body)
        if "parent" in body:
            changed = beginning.start(process, read_sub_process(body), entry, known.get)
        else:
            changed = machine.step(process, entry, known.get)
        known[changed.id] = changed
        yield changed


def _first(processes: Mapping[str, Process], now: int, is_up: Callable[[str], bool]) -> tuple[Process, Due] | None:
    for process in processes.values():
        for item in due(process, processes.get):
            is_brief = item.action != TIMEOUT and process.scenario.actions[item.action].kind == SUB_PROCESS
            if is_brief and item.not_before <= now and is_up(item.identity):
                return process, item
    return None


def finding(process: Process, action: object, find: Find) -> Find:
    """Return how processes are found where somebody says in play what an action came to.

    As long as nobody has acted in its sub-process, whatever is said of it is believed.
    """
    definition = process.scenario.actions.get(action) if isinstance(action, str) else None
    if definition is None or definition.kind != SUB_PROCESS:
        return find
    child = child_of(process, definition.key, find)
    return believed if child is None or not child.previous else find
