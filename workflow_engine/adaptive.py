"""Entries that adapt a workflow while it runs, rather than step it: comments, proposals to deviate, and answers.

What they come to is decided here on the present state of a chain; what they mean is in the pure modules `comment`,
`proposal`, `deviation` and `consent` (paper section 8).
"""

from typing import Any

from eventchain.core.entry import Entry
from eventchain.core.errors import InvalidError
from workflow_engine import comment, consent, journal
from workflow_engine.consent import OWN_CONSENT
from workflow_engine.durations import to_iso
from workflow_engine.errors import (
    ActorNotAllowedError,
    DeviationNotFoundError,
    InvalidCommentError,
    InvalidDeviationError,
    ProcessNotFoundError,
)
from workflow_engine.live import Live
from workflow_engine.outcome import Outcome, Row
from workflow_engine.process import Process
from workflow_engine.proposal import OWN_DEVIATION, read_proposal
from workflow_engine.records import encode
from workflow_engine.scenario import Scenario
from workflow_engine.sub_processes.relation import check_may_deviate

SCHEMAS = {comment.OWN_COMMENT: "comment", OWN_DEVIATION: "deviation", OWN_CONSENT: "consent"}
"""What is decided here, as `$schema` and as kind of entry."""

KINDS = tuple(SCHEMAS.values())


def decide(kind: str, entry: Entry, live: Live, row: Row) -> Outcome:
    """Return what an entry of one of `KINDS` comes to, on the present state of its chain. Nothing is written.

    Args:
        kind: Of the entry.
        entry: The event.
        live: The chain before it.
        row: The journal row, without subject, name and document.

    Raises:
        InvalidError, ForbiddenError, ConflictError, NotFoundError: It is refused.
    """
    if kind == "comment":
        return _commented(entry, live, row)
    return _proposed(entry, live, row) if kind == "deviation" else _answered(entry, live, row)


def _commented(entry: Entry, live: Live, row: Row) -> Outcome:
    """Keep a comment. One of LTO that has not our form is an event like others, as LTO's nodes take anything."""
    if entry.identity not in entry.members:
        raise ActorNotAllowedError("Only an identity of the chain comments on it.")
    try:
        given = comment.read_comment(entry.body)
        about = _subject(given, live)
        kept = encode(comment.record(given, entry, None if about is None else live.process(about)))
    except (InvalidError, ProcessNotFoundError):
        if entry.schema == comment.OWN_COMMENT:
            raise
        return Outcome(row={**row, "kind": "other"})
    return Outcome(row={**row, "subject": about, "document": kept})


def _subject(given: comment.Comment, live: Live) -> str | None:
    """Return the id of the process that a comment is about; a reply is about what it replies to."""
    if given.process is not None:
        _process(live, given.process)
    if given.reply_to is None:
        return given.process
    answered = journal.find(live.store, live.chain, given.reply_to, "comment")
    if answered is None:
        raise InvalidCommentError("This is not the event of a comment on this chain.", path="$.reply_to")
    about: str | None = answered.get("process")
    if given.process not in (None, about):
        raise InvalidCommentError("The reply is about another process than the comment.", path="$.process")
    return about


def _proposed(entry: Entry, live: Live, row: Row) -> Outcome:
    """Keep a proposal to deviate, and add it to those that are open in its process."""
    proposal = read_proposal(entry.body)
    process = _process(live, proposal.process)
    check_may_deviate(process, entry.members, live.process)
    successor = _successor(proposal.scenario, live)
    changed = consent.propose(process, entry, proposal, successor)
    kept = {
        **_said(entry, process),
        "title": proposal.title,
        "scenario": process.base.id,
        **({} if successor is None else {"successor": successor.id}),
        "asked": list(consent.asked(process, entry.members)),
        "deadline": to_iso(changed.proposals[-1].deadline),
        "proposal": dict(entry.body),
    }
    row = {**row, "subject": process.id, "document": encode(kept)}
    return Outcome(row=row, process=changed, before=live.last_event(process.id))


def _answered(entry: Entry, live: Live, row: Row) -> Outcome:
    """Keep an answer to a proposal. The one that brings it into force is part of the history, like a response."""
    answer = consent.read_answer(entry.body)
    kept = journal.find(live.store, live.chain, answer.deviation, "deviation")
    if kept is None:
        raise DeviationNotFoundError("There is no such proposal on this chain.", path="$.deviation")
    process = _process(live, kept["process"])
    if answer.answer == consent.AGREE:
        check_may_deviate(process, entry.members, live.process)
    proposal, successor = read_proposal(kept["proposal"]), _successor(kept.get("successor"), live)
    changed = consent.respond(process, entry, answer, proposal, successor)
    said = _said(entry, process) | {"deviation": answer.deviation, "answer": answer.answer}
    if answer.reason is not None:
        said["reason"] = answer.reason
    is_step = len(changed.previous) > len(process.previous)
    row = {
        **row,
        "kind": "response" if is_step else "consent",
        "subject": process.id,
        "name": answer.deviation,
        "document": encode(changed.previous[-1] if is_step else said),
    }
    return Outcome(row=row, process=changed, before=live.last_event(process.id))


def _said(entry: Entry, process: Process) -> dict[str, Any]:
    return {
        "event": entry.hash,
        "author": entry.identity,
        "timestamp": entry.timestamp,
        "process": process.id,
    }


def _process(live: Live, process_id: str) -> Process:
    found = live.process(process_id)
    if found is None:
        raise ProcessNotFoundError("There is no such process on this chain.", path="$.process")
    return found


def _successor(name: str | None, live: Live) -> Scenario | None:
    """Return the scenario by which a process is to go on, which has to be on the chain before that is proposed."""
    found = None if name is None else live.scenario(name)
    if name is not None and found is None:
        raise InvalidDeviationError(
            "The scenario to go on by is not on this chain.",
            path="$.scenario",
            hint="Add the scenario to the chain first.",
        )
    return found
