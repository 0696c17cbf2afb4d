"""What is shown of a process in a test, or where one failed: what may be done, what was done, where it stands. Pure."""

from collections.abc import Callable, Sequence
from typing import Any

from workflow_engine.consent import DEVIATION
from workflow_engine.errors import quote
from workflow_engine.process import Process, identity_of
from workflow_engine.scenario import TIMEOUT


def possible(process: Process, name_of: Callable[[str], str] = str) -> dict[str, Any]:
    """Return what may be done in a process, and by whom: `{ process, state, actions: { key: [person …] } }`.

    Args:
        process: The process.
        name_of: Returns what people call an identity.
    """
    actions = {key: _people(process.current.actions[key]["actors"], process, name_of) for key in process.available}
    return {"process": process.id, "state": process.current.key, "actions": actions}


def _people(actors: Sequence[str], process: Process, name_of: Callable[[str], str]) -> list[str]:
    """Return the people behind actors, with the actor where the person is called otherwise."""
    found = []
    for actor in actors:
        identity = identity_of(process.actors[actor])
        person = "nobody yet" if identity is None else name_of(identity)
        found.append(actor if person == actor else f"{person} ({actor})")
    return found


def history(process: Process, name_of: Callable[[str], str] = str) -> list[str]:
    """Return what was done in a process: `action.response by person`, in order."""
    found = []
    for given in process.previous:
        identity = given["actor"].get("identity", {}).get("id")
        person = given["actor"]["key"] if identity is None else name_of(identity)
        action = given["action"]["key"]
        if action == DEVIATION:
            found.append(f"deviation {quote(given['title'])}, by the agreement of {person}")
        else:
            found.append(f"{action}{'' if action == TIMEOUT else '.' + given['key']} by {person}")
    return found


def view(process: Process) -> dict[str, Any]:
    """Return what dot paths of a test look into: the process with its definitions and history."""
    return {
        **process.state(),
        "definitions": dict(process.scenario.definitions),
        "previous": list(process.previous),
    }


def shown_state(process: Process) -> str:
    """Return the name of the state a process is in, for a message."""
    title = process.current.title
    return f"{quote(process.current.key)} ({title})" if title else quote(process.current.key)
