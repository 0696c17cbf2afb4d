"""The complete view of a process: what is shown of it, and what nodes compare."""

from collections.abc import Iterable
from typing import Any

from workflow_engine.golden_flow import golden_flow
from workflow_engine.process import Process
from workflow_engine.sub_processes.relation import Find, is_abandoned, nobody


def complete(process: Process, find: Find = nobody, children: Iterable[Process] = ()) -> dict[str, Any]:
    """Return a process as JSON with everything: its definitions, its history and the golden flow as well.

    Where it has sub-processes, `sub_processes` lists them as `{ process, action, event, title?, state, abandoned? }`;
    a sub-process that nothing waits for any more is `abandoned`.

    Args:
        process: The process.
        find: Knows the processes above it.
        children: Its sub-processes, in the order in which they were started.
    """

    def found(process_id: str) -> Process | None:
        return process if process_id == process.id else find(process_id)

    listed = [_short(child, found) for child in children]
    return {
        **process.state(),
        **({"abandoned": True} if is_abandoned(process, find) else {}),
        "definitions": dict(process.scenario.definitions),
        "previous": list(process.previous),
        "next": golden_flow(process),
        **({"sub_processes": listed} if listed else {}),
    }


def _short(child: Process, find: Find) -> dict[str, Any]:
    called = {} if child.parent is None else child.parent.to_dict()
    form = {
        **called,
        "process": child.id,
        "title": child.title,
        "state": child.current.key,
        "abandoned": is_abandoned(child, find) or None,
    }
    return {name: value for name, value in form.items() if value is not None}
