"""Who may do what: the first checks of a response (see `workflow_engine.machine` for their order).

Pure and consensus-critical, like the machine.
"""

from eventchain.core.entry import Entry
from workflow_engine.body import ResponseBody
from workflow_engine.errors import ActionNotAvailableError, ActorNotAllowedError, InvalidResponseError, quote
from workflow_engine.process import Process
from workflow_engine.scenario import Action

SYSTEM_KEY = "system"
"""Name of the sign key that belongs to an identity's node, rather than to the person (paper section 6)."""


def available_action(process: Process, given: ResponseBody) -> Action:
    """Return the action that a response is to.

    Raises:
        InvalidResponseError: The scenario has no such action.
        ActionNotAvailableError: It is not available in the present state.
    """
    action = process.scenario.actions.get(given.action)
    if action is None:
        raise InvalidResponseError(
            f"The scenario has no action {quote(given.action)}.", path="$.action", hint=may_be_done(process)
        )
    if not process.offers(given.action):
        raise ActionNotAvailableError(
            f"The action {quote(given.action)} is not available in the state {quote(process.current.key)}.",
            path="$.action",
            hint=may_be_done(process),
        )
    return action


def may_be_done(process: Process) -> str:
    """Return a sentence on what is available in the present state."""
    if process.is_finished:
        return "The process has ended."
    keys = ", ".join(quote(key) for key in process.available[:8])
    return f"Available now: {keys or 'nothing'}."


def acting_actor(process: Process, action: Action, given: ResponseBody, entry: Entry) -> str:
    """Return the key of the actor who did it: the first of the action's actors that the signer is bound to.

    Raises:
        ActorNotAllowedError: There is none, or the key is of the wrong kind.
    """
    roles = _roles(process, given, entry)
    allowed = process.current.actions[action.key]["actors"]
    actor: str | None = next((key for key in allowed if key in roles), None)
    if actor is None:
        who = " and ".join(quote(key) for key in roles)
        may = ", ".join(quote(key) for key in allowed)
        raise ActorNotAllowedError(
            f"The actor {who} may not do {quote(action.key)} now.", path="$.actor", hint=f"It is up to {may}."
        )
    _check_key(action.is_system, entry)
    return actor


def timing_actor(process: Process, given: ResponseBody, entry: Entry) -> str:
    """Return the key of the actor whose node says that the time of a state is over.

    Raises:
        ActorNotAllowedError: There is none, or the key is not that of a node.
    """
    actor = _roles(process, given, entry)[0]
    _check_key(True, entry)
    return actor


def _roles(process: Process, given: ResponseBody, entry: Entry) -> tuple[str, ...]:
    """Return the actors that the signer is bound to, or the one of them that the body names."""
    roles = process.actors_of(entry.identity)
    if not roles:
        raise ActorNotAllowedError(
            f"The signer's identity {quote(entry.identity)} is bound to no actor of this process.", path="$.actor"
        )
    if given.actor is None:
        return roles
    if given.actor not in roles:
        raise ActorNotAllowedError(
            f"The signer is not the actor {quote(given.actor)}.",
            path="$.actor",
            hint=f"The signer is {' and '.join(quote(key) for key in roles)}; the actor may also be left out.",
        )
    return (given.actor,)


def is_by_person(entry: Entry) -> bool:
    """Tell whether an event is signed with a key of the person, rather than with the node's."""
    return bool(entry.key_names - {SYSTEM_KEY})


def _check_key(is_system: bool, entry: Entry) -> None:
    """Check that a node signed what nodes do, and a person what people do (paper sections 7.1 to 7.3)."""
    if is_system and SYSTEM_KEY not in entry.key_names:
        raise ActorNotAllowedError("A system action is signed with the identity's system key.")
    if not is_system and not is_by_person(entry):
        raise ActorNotAllowedError("An action of a person is signed with the person's key, not with the node's.")
