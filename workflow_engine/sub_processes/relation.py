"""Which sub-process belongs to which run of an action, and whether the parent still waits for it.

All of it follows from the two processes as they stand, so that it needs no memory of its own and every node sees the
same. Other processes of the chain are looked up by a function that the caller hands in.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from eventchain.core import base58, canonical_json
from workflow_engine.body import SUB_PROCESS_ID
from workflow_engine.errors import ActionNotAvailableError, DeviationNotOpenError, quote
from workflow_engine.process import Process, identity_of
from workflow_engine.process_parts import Parent
from workflow_engine.timing import Run, next_run

SUB_PROCESS = "sub-process"
"""The kind of the actions that are done by a sub-process."""

Find = Callable[[str], Process | None]
"""Returns a process of the same chain by its id, as of the same moment, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """The processes that are shown with a process.

    Attributes:
        above: Its parent, the parent of that, and so on.
        children: Its sub-processes, in the order in which they were started.
    """

    above: tuple[Process, ...]
    children: tuple[Process, ...]

    def find(self, process_id: str) -> Process | None:
        """Return one of those above by its id, or None."""
        return next((process for process in self.above if process.id == process_id), None)


def nobody(_process_id: str) -> Process | None:
    """Find no other process: of a process that stands alone."""
    return None


def believed(_process_id: str) -> Process | None:
    """Find no other process, and take whatever is said of them: where a process is tried without its sub-processes."""
    return None


@lru_cache(maxsize=4_096)
def id_of(parent: Parent) -> str:
    """Return the id of the sub-process of one run of an action: there is one such id, and so one such process."""
    named = {"process": parent.process, "action": parent.action, "event": parent.event}
    return SUB_PROCESS_ID + base58.encode(canonical_json.digest(named))


def run_of(process: Process, action: str) -> Run | None:
    """Return the run of an action that waits for its sub-process in the present state; None where nothing waits.

    Whether the action may be done now does not matter: that can change and change back while the state stays.
    """
    found = process.scenario.actions.get(action)
    if found is None or found.kind != SUB_PROCESS:
        return None
    state, everywhere = process.scenario.states[process.current.key], process.scenario.allow_actions
    if state.is_final or not (action in state.actions or action in everywhere):
        return None
    if found.schedule is not None:
        return next_run(process, action)
    return None if action in process.current.answered else Run(not_before=0, cause=process.current.event)


def called_by(process: Process, action: str) -> Parent | None:
    """Return what a sub-process of the present run of an action calls its parent, or None where nothing waits."""
    run = run_of(process, action)
    return None if run is None else Parent(process=process.id, action=action, event=run.cause)


def child_of(process: Process, action: str, find: Find) -> Process | None:
    """Return the sub-process of the present run of an action, or None where it has not been started."""
    called = called_by(process, action)
    return None if called is None else find(id_of(called))


def is_abandoned(process: Process, find: Find) -> bool:
    """Tell whether a process is an unfinished sub-process that nothing above it waits for any more."""
    if process.is_finished:
        return False
    while process.parent is not None:
        above = find(process.parent.process)
        if above is None or called_by(above, process.parent.action) != process.parent:
            return True
        process = above
    return False


def check_not_abandoned(process: Process, find: Find) -> None:
    """Check that a process may still go on.

    Raises:
        ActionNotAvailableError: It is an abandoned sub-process.
    """
    if process.parent is not None and is_abandoned(process, find):
        raise ActionNotAvailableError(
            f"The process is a sub-process of {quote(process.parent.process)}, which has gone on without it.",
            path="$.process",
            hint="It stays as it is; what was done in it can still be read and commented on.",
        )


def check_may_deviate(process: Process, members: frozenset[str], find: Find) -> None:
    """Check that a process is no sub-process, or one of which everybody above is asked: all parties have to agree.

    Args:
        process: The one whose parties want to deviate, or answer that.
        members: See `left_out`.
        find: Likewise.

    Raises:
        ActionNotAvailableError: It is an abandoned sub-process.
        DeviationNotOpenError: Somebody who takes part above does not take part in it.
    """
    check_not_abandoned(process, find)
    missing = left_out(process, members, find)
    if missing:
        names = ", ".join(quote(name) for name in missing[:8])
        raise DeviationNotOpenError(
            "A sub-process deviates only where all parties of the process above take part in it.",
            hint=f"{names} would not be asked. Propose to deviate in the process above.",
        )


def ancestors(process: Process, find: Find) -> tuple[Process, ...]:
    """Return the processes above a process, its parent first."""
    found: list[Process] = []
    while process.parent is not None and (above := find(process.parent.process)) is not None:
        found.append(above)
        process = above
    return tuple(found)


def earlier_runs(process: Process, find: Find) -> Iterator[Process]:
    """Yield the sub-processes that the action of a sub-process was answered by before.

    Where the parent is a sub-process too, those within its own earlier runs are among them. An abandoned one, of which
    nothing was handed back, is none of them.
    """
    if process.parent is None or (above := find(process.parent.process)) is None:
        return
    for item in (above, *earlier_runs(above, find)):
        for given in item.previous:
            data = given.get("data")
            if given["action"]["key"] != process.parent.action or not isinstance(data, Mapping):
                continue
            named = data.get("process")
            run = find(named) if isinstance(named, str) else None
            if run is not None and run.parent is not None and run.parent.process == item.id:
                yield run


def children_of(processes: Iterable[Process]) -> Mapping[str, list[Process]]:
    """Return the sub-processes among some processes, by the id of the one that they are part of."""
    found: dict[str, list[Process]] = {}
    for process in processes:
        if process.parent is not None:
            found.setdefault(process.parent.process, []).append(process)
    return found


def left_out(process: Process, members: frozenset[str], find: Find) -> tuple[str, ...]:
    """Return the ids of the identities that take part in a process above, but not in this one; sorted.

    What a sub-process comes to concerns them as well, so without them its parties cannot leave its scenario.

    Args:
        process: The sub-process; of every other process nobody is left out.
        members: The identities that hold sign keys on the chain; others are not waited for.
        find: Knows the processes of the chain.
    """
    above = {identity_of(actor) for item in ancestors(process, find) for actor in item.actors.values()}
    here = {identity_of(actor) for actor in process.actors.values()}
    return tuple(sorted(identity for identity in above - here if identity is not None and identity in members))
