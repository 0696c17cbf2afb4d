"""What waits to be done by nodes, as data: system actions and timeouts (paper section 7.3). Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from eventchain.core import base58, canonical_json
from workflow_engine.process import Process, identity_of
from workflow_engine.scenario import TIMEOUT, Action
from workflow_engine.sub_processes.relation import SUB_PROCESS, Find, child_of, is_abandoned, nobody, run_of
from workflow_engine.timing import Run, Turn, next_run, turns


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A system action that waits to be run.

    Attributes:
        action: Its key, or `:timeout`.
        actor: Key of the actor who is to run it.
        identity: Id of the identity that actor is bound to.
        event: Hash of the event that brought it about.
        since: When that was, in milliseconds since 1970.
        not_before: Moment from which it is due, in milliseconds since 1970; 0 for at once.
        when: How sure the node must be of the event first (`when` of the action).
        is_timed: Time brings it about, rather than an event: a timeout, or a scheduled action.
        turn: Of a timeout, when it is up to this actor; None where it is up to nobody else.
    """

    action: str
    actor: str
    identity: str
    event: str
    since: int
    not_before: int
    when: str
    is_timed: bool
    turn: Turn | None = None

    def is_due(self, now: int, up_since: int) -> bool:
        """Tell whether it is to be run at a moment, by a node that was up since another; see `Turn.has_come`."""
        return self.not_before <= now and (self.turn is None or self.turn.has_come(now, up_since))

    def of(self, process: Process) -> "DueAction":
        """Return it as the nodes pass it on."""
        return DueAction(
            chain=process.chain,
            process=process.id,
            action=self.action,
            actor=self.actor,
            identity=self.identity,
            cause=self.event,
            when=self.when,
        )


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


def due(process: Process, find: Find = nobody) -> tuple[Due, ...]:
    """Return what nodes have to do now or later in the present state; in an abandoned sub-process nothing.

    That is the first available system action that was not answered since the state was entered, for the first of its
    actors with an identity; every scheduled one that is to be run (again), likewise; and the timeout of the state, for
    each identity in its turn. Actions that are sub-processes wait beside all others: twice, to be started and, when the
    sub-process has ended, to be answered.
    """
    if process.is_finished or is_abandoned(process, find):
        return ()
    return (*_actions(process, find), *_timeouts(process))


def _actions(process: Process, find: Find) -> Iterator[Due]:
    current, is_found = process.current, False
    for key in process.available:
        action = process.scenario.actions[key]
        run = _run(process, action, find)
        if not action.is_system or run is None:
            continue
        if action.schedule is None and action.kind != SUB_PROCESS:
            if is_found or key in current.answered:
                continue
            is_found = True
        actors = ((name, identity_of(process.actors[name])) for name in current.actions[key]["actors"])
        actor, identity = next(((name, found) for name, found in actors if found is not None), (None, None))
        if actor is not None and identity is not None:
            yield Due(
                action=key,
                actor=actor,
                identity=identity,
                event=run.cause,
                since=max(current.timestamp, run.not_before),
                not_before=run.not_before,
                when=action.when,
                is_timed=action.schedule is not None,
            )


def _run(process: Process, action: Action, find: Find) -> Run | None:
    """Return the run of an action that waits to be done, or None; what was answered once and for all is told apart."""
    if action.kind == SUB_PROCESS:
        child = child_of(process, action.key, find)
        if child is not None:
            return Run(not_before=child.current.timestamp, cause=child.last_event) if child.is_finished else None
        return run_of(process, action.key)
    if action.schedule is not None:
        return next_run(process, action.key)
    return Run(not_before=0, cause=process.current.event)


def _timeouts(process: Process) -> Iterator[Due]:
    for turn in turns(process):
        yield Due(
            action=TIMEOUT,
            actor=turn.actor,
            identity=turn.identity,
            event=process.current.event,
            since=process.current.timestamp,
            not_before=turn.due_date,
            when="immediately",
            is_timed=True,
            turn=turn,
        )
