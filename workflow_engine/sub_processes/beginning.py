"""How a sub-process is started.

```
{ "$schema": "urn:livecontract:process:1", "id": "sub-process:…", "scenario": id,
  "parent": { "process": id, "action": key, "event": hash } }
```

That is all that the event says; the rest follows. The node of an actor of the parent's action signs it. `event` names
the run of the action: the event that entered the parent's state, or, of a scheduled action, the response before. The
id is made of `parent`, so that one run has one sub-process. The scenario is the one that the action names among those
embedded in the parent's, by its id.

Actors and assets are what the parent says at this moment. An actor of the child has identity and title of the actor of
the parent that `roles` names, by default the one with the same key; an asset has the value that `assets` of the action
gives it, by default that of its schema. Whoever starts a sub-process need not take part in it.
"""

from collections.abc import Mapping
from typing import Any

from eventchain.core.entry import Entry
from eventchain.core.errors import InvalidError
from workflow_engine import update
from workflow_engine.acting import acting_actor, available_action
from workflow_engine.body import ResponseBody, SubProcessBody
from workflow_engine.errors import (
    ActionNotAvailableError,
    InvalidInstructionError,
    InvalidProcessError,
    json_path,
    quote,
)
from workflow_engine.operators import Budget
from workflow_engine.process import OWN_PROCESS, Process
from workflow_engine.process_parts import Parent
from workflow_engine.scenario import INITIAL_STATE, Scenario
from workflow_engine.state_entry import begun, enter
from workflow_engine.sub_processes.relation import Find, called_by, check_not_abandoned, id_of
from workflow_engine.timing import check_schedule
from workflow_engine.update import Projection


def start_body(parent: Parent, scenario: Scenario) -> dict[str, Any]:
    """Return the body of the event that starts a sub-process."""
    return {"$schema": OWN_PROCESS, "id": id_of(parent), "scenario": scenario.id, "parent": parent.to_dict()}


def scenario_of(process: Process, action: str) -> Scenario:
    """Return the embedded scenario that an action of a process names.

    Raises:
        InvalidProcessError: There is none.
    """
    key = process.scenario.actions[action].properties.get("scenario")
    found = process.scenario.scenarios.get(key) if isinstance(key, str) else None
    if found is None:
        raise InvalidProcessError(
            f"The scenario embeds none that the action {quote(action)} could run.", path="$.parent.action"
        )
    return found


def start(above: Process, given: SubProcessBody, entry: Entry, find: Find) -> Process:
    """Return a new sub-process.

    Args:
        above: The process that the body names as its parent.
        given: The body of the event.
        entry: The event.
        find: Knows the processes of the chain.

    Raises:
        ActionNotAvailableError: The parent does not wait for it, or not yet.
        ActorNotAllowedError: The signer is not the node of an actor who may do the action.
        InvalidProcessError: The body says something else than the parent.
        InvalidDataError: What is handed over does not fit the scenario.
        InvalidInstructionError: The initial state cannot be evaluated.
    """
    check_not_abandoned(above, find)
    action = _waiting_action(above, given.parent)
    check_schedule(above, action, entry.timestamp)
    acting_actor(above, above.scenario.actions[action], _as_response(given.parent), entry)
    scenario = scenario_of(above, action)
    for name, said, meant in (
        ("id", given.id, id_of(given.parent)),
        ("scenario", given.scenario, scenario.id),
        ("chain", given.chain, entry.chain),
    ):
        if said not in (None, meant):
            raise InvalidProcessError(
                f"The {name} of this sub-process is {quote(meant)}, not {quote(str(said))}.", path=json_path((name,))
            )
    return made(above, given.parent, scenario, entry)


def made(above: Process, parent: Parent, scenario: Scenario, entry: Entry) -> Process:
    """Return the sub-process that a parent has as it stands, in its initial state.

    Raises:
        InvalidDataError: What is handed over does not fit the scenario.
        InvalidInstructionError: The initial state cannot be evaluated.
        InvalidProcessError: The action hands over what the scenario has no place for.
    """
    before = update.initial(scenario)
    after = _handed_over(before, above, parent.action, scenario)
    update.validate_changes(before, after, scenario)
    process = begun(scenario, after, entry, process_id=id_of(parent), parent=parent)
    return enter(process, INITIAL_STATE, entry, None, Budget())


def why_not(above: Process, action: str, entry: Entry) -> str | None:
    """Return why the sub-process of an action that waits cannot be started as the parent stands, or None if it can."""
    parent = called_by(above, action)
    if parent is None:
        return None
    try:
        made(above, parent, scenario_of(above, action), entry)
    except InvalidError as error:
        return error.message if error.path is None else f"{error.message} (at {error.path})"
    return None


def _waiting_action(above: Process, parent: Parent) -> str:
    """Return the key of the action of a parent, which waits for this very sub-process."""
    available_action(above, _as_response(parent))
    if called_by(above, parent.action) != parent:
        raise ActionNotAvailableError(
            f"The action {quote(parent.action)} does not wait for this sub-process.",
            path="$.parent",
            hint="It has been answered, is none that starts sub-processes, or the process has gone on since.",
        )
    return parent.action


def _as_response(parent: Parent) -> ResponseBody:
    """Return who starts a sub-process as whoever would respond: the same may do both."""
    return ResponseBody(process=parent.process, action=parent.action, key=None, data=None, actor=None)


def _handed_over(before: Projection, above: Process, action: str, scenario: Scenario) -> Projection:
    """Return the initial projection with the actors and assets that the parent hands over."""
    after = before
    for key, role in roles_of(above.scenario, action, scenario).items():
        actor = _taken(above, role)
        if actor:
            after = update.write(after, ("actors", key), actor, patch=True, scenario=scenario)
    for key, asset in sorted(_assets(above.current.actions[action].get("assets")).items()):
        if key not in scenario.assets:
            raise InvalidProcessError(f"The scenario has no asset {quote(key)}.", path=json_path(("assets", key)))
        after = update.write(after, ("assets", key), asset, patch=isinstance(asset, Mapping), scenario=scenario)
    return after


def roles_of(above: Scenario, action: str, scenario: Scenario) -> dict[str, str]:
    """Return which actor of a parent plays each actor of a sub-process; those that nobody plays yet are left out."""
    given = above.actions[action].properties.get("roles")
    named = given if isinstance(given, Mapping) else {key: key for key in scenario.actors}
    return {key: role for key, role in sorted(named.items()) if key in scenario.actors and role in above.actors}


def _taken(above: Process, role: str) -> dict[str, Any]:
    """Return what a sub-process takes over of an actor; a title that comes from the role stays behind."""
    actor = above.actors[role]
    taken = {name: actor[name] for name in ("identity", "title") if name in actor}
    if taken.get("title") == above.scenario.actors[role].title:
        taken.pop("title", None)
    return taken


def _assets(value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidInstructionError("what is handed to a sub-process should be an object of assets by key")
    return value
