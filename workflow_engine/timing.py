"""What becomes due by time, and whose turn it is (paper section 7.3). Pure and consensus-critical.

All of it is derived from the process: the timestamps of its events, and how often an action has been answered since the
state was entered. So timers need no memory of their own, and every node sees the same ones.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from eventchain.core.errors import InvalidError
from workflow_engine.durations import add_duration, to_iso
from workflow_engine.errors import ActionNotAvailableError, quote
from workflow_engine.process import Process, identity_of
from workflow_engine.scenario import TIMEOUT
from workflow_engine.schedule import MIN_INTERVAL

GRACE = 10 * 60 * 1000
"""Milliseconds that a party has to tell of a timeout, at first, before it is the turn of the next one.

It is twice what an event's timestamp may lie ahead of a node's clock (`eventchain.service.CLOCK_TOLERANCE`), so that
clocks that differ do not make two nodes tell at once; and what was told before has had time to arrive.
"""

LONGEST_ROUND = 7
"""How often turns become twice as long, from round to round, while nobody tells: to 21 hours, at last."""


LISTENING = 60 * 60 * 1000
"""Milliseconds that a node which was away listens before it tells of what others may have told of meanwhile.

It is the longest pause between two tries to reach a node (`dispatcher.dispatch.RELAY_POLICY`).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The next run of a scheduled action.

    Attributes:
        not_before: From when it is due, in milliseconds since 1970.
        cause: Hash of the event it is run for: the one that entered the state, or the last response.
    """

    not_before: int
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Whose turn it is to tell of a timeout.

    Attributes:
        actor: Key of the actor in whose name it is told.
        identity: Id of the identity whose node tells.
        due_date: From when it may be told, in milliseconds since 1970.
        rank: Place of the identity among those that tell, from 0.
        parties: How many these are.
    """

    actor: str
    identity: str
    due_date: int
    rank: int
    parties: int

    def has_come(self, now: int, up_since: int) -> bool:
        """Tell whether it is this party's turn at a moment.

        Each party has a grace, one after the other, then each twice as long, and so on: whoever is silent holds the
        others up for no longer than the timeout has been over already. A node that was away when it was another
        party's turn listens first.

        Args:
            now: The moment, in milliseconds since 1970.
            up_since: From when on the party's node has heard of everything, likewise.
        """
        waited, each = now - self.due_date, self.parties * GRACE
        others_began = self.due_date + (GRACE if self.rank == 0 else 0)
        is_listening = self.parties > 1 and up_since > others_began and now - up_since < LISTENING
        if waited < 0 or is_listening:
            return False
        number = min((waited // each + 1).bit_length() - 1, LONGEST_ROUND)
        start = each * ((1 << number) - 1)
        return (waited - start) // (GRACE << number) % self.parties == self.rank


def next_run(process: Process, key: str) -> Run | None:
    """Return the next run of a scheduled action in the present state; None if it is not run (again)."""
    schedule = process.scenario.actions[key].schedule
    if schedule is None:
        return None
    current = process.current
    runs = [item for item in _since_entered(process) if item["action"]["key"] == key]
    try:
        if not runs:
            start = current.timestamp
            not_before = start if schedule.after is None else add_duration(start, schedule.after)
            return Run(not_before=not_before, cause=current.event)
        if schedule.every is None or len(runs) >= schedule.max or runs[0]["key"] in schedule.until:
            return None
        return Run(not_before=add_duration(runs[0]["timestamp"], schedule.every), cause=runs[0]["event"])
    except InvalidError:  # counted from a timestamp that is no date: it never comes
        return None


def check_schedule(process: Process, key: str, timestamp: int) -> None:
    """Check that a scheduled action may be answered at this moment; every other action may at any.

    Raises:
        ActionNotAvailableError: It is not due yet, or not any more.
    """
    if process.scenario.actions[key].schedule is None:
        return
    run = next_run(process, key)
    if run is None:
        raise ActionNotAvailableError(
            f"The action {quote(key)} has been run as often as its schedule says.", path="$.action"
        )
    if timestamp < run.not_before:
        hint = f"It is due from {to_iso(run.not_before)} on."
        raise ActionNotAvailableError(f"The action {quote(key)} is not due yet.", path="$.action", hint=hint)


def waits_for_timeout(process: Process) -> bool:
    """Tell whether a transition of the present state is taken by its timeout."""
    transitions = process.scenario.states[process.current.key].transitions
    return any(transition.action == TIMEOUT for transition in transitions)


def turns(process: Process) -> tuple[Turn, ...]:
    """Return who tells of the timeout of the present state, in this order; nobody, if nothing waits for it.

    The order is that of the actors' keys. The first tells at the due date, each further identity a grace later, and
    after the last the first again: at any moment it is up to one node, even among nodes that come back after a while.
    This is how nodes behave, not what they accept: told by any other actor after the due date, it comes to the same.
    """
    due_date = process.current.due_date
    if process.is_finished or due_date is None or not waits_for_timeout(process):
        return ()
    if not isinstance(process.scenario.states[process.current.key].timeout, str):
        due_date = max(due_date, process.current.timestamp + MIN_INTERVAL)  # no check could see how short it is
    first: dict[str, str] = {}
    for key in sorted(process.actors):
        identity = identity_of(process.actors[key])
        if identity is not None:
            first.setdefault(identity, key)
    return tuple(
        Turn(actor=actor, identity=identity, due_date=due_date, rank=rank, parties=len(first))
        for rank, (identity, actor) in enumerate(first.items())
    )


def _since_entered(process: Process) -> Iterator[Mapping[str, Any]]:
    """Yield the responses since the present state was entered, the last one first."""
    for response in reversed(process.previous):
        if response["event"] == process.current.event:
            return
        yield response
