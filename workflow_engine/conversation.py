"""What is said and proposed beside a process where there is no chain: in a simulation, and in a test (paper section 8).

Proposals, answers and comments come to what they come to on a node: the rules are those of `proposal`, `consent`,
`deviation` and `comment`. Here is only what a node reads from its journal, kept as a value. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from eventchain.core.entry import Entry
from workflow_engine import comment as comments
from workflow_engine import consent, life_cycle
from workflow_engine.consent import Answer, read_answer
from workflow_engine.errors import ActorNotAllowedError, DeviationNotOpenError, InvalidCommentError, quote
from workflow_engine.process import Process
from workflow_engine.proposal import Proposal, read_proposal
from workflow_engine.scenario import Scenario
from workflow_engine.sub_processes.relation import Find, check_may_deviate, nobody

MAX_SAID = 10_000
"""Comments and proposals of one conversation."""

_ANY_EVENT = "1" * 32
"""Stands for the event of a proposal where an answer is read before it is known: 32 bytes in base58."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A proposal that was made.

    Attributes:
        event: Hash of the event that made it.
        author: Id of the identity that made it.
        name: What its author called it, such as the name of its file; its title where there is no other.
        proposal: As it was read.
        successor: The scenario by which the process would go on, or None.
        answers: What was answered, in order, as `life_cycle` reads it.
    """

    event: str
    author: str
    name: str
    proposal: Proposal
    successor: Scenario | None
    answers: tuple[str, ...] = ()

    def is_called(self, name: str) -> bool:
        """Tell whether a name is that of this proposal: its title, or what its author called it."""
        return name in (self.proposal.title, self.name, f"{self.name}.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What was said and proposed beside one process, oldest first.

    Attributes:
        proposals: The proposals to deviate.
        comments: The comments, as a node keeps them.
    """

    proposals: tuple[Made, ...] = ()
    comments: tuple[Mapping[str, Any], ...] = ()

    def find(self, name: str | None, process: Process) -> Made:
        """Return the last proposal of a name; without a name the only one that is open, or was made.

        Raises:
            DeviationNotOpenError: There is none, or there are several.
        """
        if name is not None:
            named = [made for made in self.proposals if made.is_called(name)]
            if not named:
                there = ", ".join(quote(made.proposal.title) for made in self.proposals[-8:])
                raise DeviationNotOpenError(
                    f"Nobody has proposed {quote(name)}.",
                    path="$.deviation",
                    hint=f"Proposed: {there or 'nothing yet'}.",
                )
            return named[-1]
        is_open = {item.event for item in process.proposals}
        meant = [made for made in self.proposals if made.event in is_open] or list(self.proposals)
        if len(meant) != 1:
            said = "Nothing is proposed yet." if not meant else "Several things are proposed; say which one is meant."
            there = ", ".join(quote(made.proposal.title) for made in meant)
            raise DeviationNotOpenError(said, path="$.deviation", hint=f"There is {there}." if meant else None)
        return meant[0]


def propose(
    process: Process,
    before: Conversation,
    entry: Entry,
    *,
    name: str | None = None,
    successor: Scenario | None = None,
    find: Find = nobody,
) -> tuple[Process, Conversation]:
    """Return process and conversation after a proposal, which is the body of the entry.

    Args:
        process: Stays as it is.
        before: Likewise.
        entry: The event. Its `process` is the id of the process.
        name: What the author calls the proposal.
        successor: The scenario that the proposal names, if it names one.
        find: Knows the other processes of the chain.

    Raises:
        DeviationNotOpenError: Too much was said, or see `check_may_deviate`.
        InvalidDeviationError, DeviationNotOpenError, ActorNotAllowedError: See `consent.propose`.
    """
    _check_room(before)
    proposal = read_proposal(entry.body)
    check_may_deviate(process, entry.members, find)
    changed = consent.propose(process, entry, proposal, successor)
    called = name or proposal.title
    made = Made(event=entry.hash, author=entry.identity, name=called, proposal=proposal, successor=successor)
    return changed, replace(before, proposals=(*before.proposals, made))


def answer(
    process: Process, before: Conversation, entry: Entry, name: str | None, find: Find = nobody
) -> tuple[Process, Conversation]:
    """Return process and conversation after an answer; the last one that is needed brings the deviation into force.

    Args:
        process: Stays as it is.
        before: Likewise.
        entry: The event. Its body is `{ answer, reason? }`.
        name: What is answered, see `Conversation.find`.
        find: Knows the other processes of the chain.

    Raises:
        InvalidDeviationError: The answer is malformed.
        DeviationNotOpenError: There is no such proposal, or it cannot be answered (any more).
        ActorNotAllowedError, InvalidDataError, InvalidInstructionError: See `consent.respond`.
    """
    read = read_answer({"deviation": _ANY_EVENT, **entry.body})
    made = before.find(name, process)
    if read.answer == consent.AGREE:
        check_may_deviate(process, entry.members, find)
    given = Answer(deviation=made.event, answer=read.answer, reason=read.reason)
    changed = consent.respond(process, entry, given, made.proposal, made.successor)
    is_in_force = len(changed.previous) > len(process.previous)
    answered = replace(made, answers=(*made.answers, "come_into_force" if is_in_force else given.answer))
    kept = tuple(answered if item is made else item for item in before.proposals)
    return changed, replace(before, proposals=kept)


def comment(process: Process, before: Conversation, entry: Entry, *, reply_to: str | None = None) -> Conversation:
    """Return the conversation after a comment on a process, which it does not change.

    Args:
        process: What it is about.
        before: Stays as it is.
        entry: The event. Its body is a comment without `process` and `reply_to`.
        reply_to: Content or title of the comment that it answers, or None.

    Raises:
        InvalidCommentError: It is malformed, or what it answers was never said.
        ActorNotAllowedError: Its author is not on the chain.
    """
    _check_room(before)
    if entry.identity not in entry.members:
        raise ActorNotAllowedError("Only an identity of the chain comments on it.")
    given = comments.read_comment({"$schema": comments.OWN_COMMENT, **entry.body})
    kept = comments.record(given, entry, process)
    if reply_to is not None:
        answered = next((item for item in reversed(before.comments) if _says(item, reply_to)), None)
        if answered is None:
            raise InvalidCommentError(f"Nobody has commented {quote(reply_to)}.", path="$.reply_to")
        kept["reply_to"] = answered["event"]
    return replace(before, comments=(*before.comments, kept))


def state_of(made: Made, process: Process, now: int) -> str:
    """Return what became of a proposal by a moment, in milliseconds since 1970: one of `life_cycle.STATES`."""
    found = life_cycle.state_of(made.event, [{"answer": given} for given in made.answers], process)
    deadlines = {item.event: item.deadline for item in process.proposals}
    is_over = found == life_cycle.OPEN and deadlines.get(made.event, now) < now
    return life_cycle.LAPSED if is_over else found


def missing_of(made: Made, process: Process, members: frozenset[str]) -> tuple[str, ...]:
    """Return the identities whose agreement an open proposal still waits for, sorted."""
    found = next((item for item in process.proposals if item.event == made.event), None)
    return () if found is None else tuple(who for who in consent.asked(process, members) if who not in found.agreed)


def _says(kept: Mapping[str, Any], text: str) -> bool:
    return text in (kept.get("content"), kept.get("title"))


def _check_room(before: Conversation) -> None:
    if len(before.proposals) + len(before.comments) >= MAX_SAID:
        raise DeviationNotOpenError(f"More than {MAX_SAID} comments and proposals are made beside one process.")
