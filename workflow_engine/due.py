"""What waits to be done by nodes, as data: system actions and timeouts (paper section 7.3). Pure."""

from dataclasses import dataclass

from eventchain.core import base58, canonical_json
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DueAction:
    """A system action that this node is to perform. Plain text, so that it crosses a queue unchanged.

    Attributes:
        chain: Id of the chain.
        process: Id of the process.
        action: Key of the action.
        actor: Key of the actor on whose behalf the node acts.
        identity: Id of the identity that is bound to the actor, whose system key signs the response.
        cause: Hash of the event that brought it about. Chain, process, action and cause name it once and for all.
        when: How sure the node must be of the cause first: `immediately`, `anchored` or `settled`. Who calls `perform`
            sees to it.
    """

    chain: str
    process: str
    action: str
    actor: str
    identity: str
    cause: str
    when: str

    def to_dict(self) -> dict[str, str]:
        """Return the JSON form."""
        return {name: getattr(self, name) for name in self.__slots__}

    @property
    def key(self) -> dict[str, str]:
        """What names the action once and for all."""
        return {"chain": self.chain, "process": self.process, "action": self.action, "cause": self.cause}

    @property
    def idempotency_key(self) -> str:
        """The base58 SHA-256 of what names it; sent along, so that the outside world can tell a repetition."""
        return base58.encode(canonical_json.digest(self.key))


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
