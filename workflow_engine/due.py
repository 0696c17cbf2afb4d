"""What waits to be done by nodes, as data: system actions and timeouts (paper section 7.3). Pure."""

from dataclasses import dataclass

from workflow_engine.process import Process, identity_of
from workflow_engine.scenario import TIMEOUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A system action that waits to be run.

    Attributes:
        action: Its key, or `:timeout`.
        actor: Key of the actor who is to run it.
        identity: Id of the identity that actor is bound to.
        event: Hash of the event that brought it about.
        not_before: Moment from which it is due, in milliseconds since 1970; 0 for at once.
        when: How sure the node must be of the event first (`when` of the action).
    """

    action: str
    actor: str
    identity: str
    event: str
    not_before: int
    when: str


def due(process: Process) -> tuple[Due, ...]:
    """Return what nodes have to do now or later in the present state.

    That is the first available system action that was not answered since the state was entered, for the first of its
    actors with an identity; and the timeout of the state, if a transition waits for it, for the first actor (by key)
    with an identity.
    """
    if process.is_finished:
        return ()
    current, found = process.current, []
    bound = {key: identity for key, actor in process.actors.items() if (identity := identity_of(actor)) is not None}
    for key in process.available:
        if not process.scenario.actions[key].is_system or key in current.answered:
            continue
        actor = next((name for name in current.actions[key]["actors"] if name in bound), None)
        if actor is not None:
            found.append(
                Due(
                    action=key,
                    actor=actor,
                    identity=bound[actor],
                    event=current.event,
                    not_before=0,
                    when=process.scenario.actions[key].when,
                )
            )
        break
    if current.due_date is not None and waits_for_timeout(process) and bound:
        actor = min(bound)
        found.append(
            Due(
                action=TIMEOUT,
                actor=actor,
                identity=bound[actor],
                event=current.event,
                not_before=current.due_date,
                when="immediately",
            )
        )
    return tuple(found)


def waits_for_timeout(process: Process) -> bool:
    """Tell whether a transition of the present state is taken by its timeout."""
    transitions = process.scenario.states[process.current.key].transitions
    return any(transition.action == TIMEOUT for transition in transitions)
