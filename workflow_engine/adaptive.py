"""Entries that adapt a workflow while it runs, rather than step it: comments (paper section 8)."""

from eventchain.core.entry import Entry
from workflow_engine import comment, journal
from workflow_engine.errors import ActorNotAllowedError, InvalidCommentError, ProcessNotFoundError
from workflow_engine.live import Live
from workflow_engine.outcome import Outcome, Row
from workflow_engine.records import encode

KINDS = ("comment",)
"""Kinds of entries that are decided here."""


def decide(kind: str, entry: Entry, live: Live, row: Row) -> Outcome:  # noqa: ARG001 (more kinds to come)
    """Return what an entry of one of `KINDS` comes to, on the present state of its chain. Nothing is written.

    Args:
        kind: Of the entry.
        entry: The event.
        live: The chain before it.
        row: The journal row, without subject, name and document.

    Raises:
        InvalidError, ForbiddenError, ConflictError, NotFoundError: It is refused.
    """
    return _commented(entry, live, row)


def _commented(entry: Entry, live: Live, row: Row) -> Outcome:
    """Keep a comment. One of LTO that has not our form is an event like others, as LTO's nodes take anything."""
    is_own = entry.schema == comment.OWN_COMMENT
    try:
        given = comment.read_comment(entry.body)
        about = _subject(given, live)
    except (InvalidCommentError, ProcessNotFoundError):
        if is_own:
            raise
        return Outcome(row={**row, "kind": "other"})
    if entry.identity not in entry.members:
        raise ActorNotAllowedError("Only an identity of the chain comments on it.")
    process = None if about is None else live.process(about)
    kept = comment.record(given, entry, process)
    return Outcome(row={**row, "subject": about, "document": encode(kept)})


def _subject(given: comment.Comment, live: Live) -> str | None:
    """Return the id of the process that a comment is about; a reply is about what it replies to."""
    if given.process is not None and live.process(given.process) is None:
        raise ProcessNotFoundError("There is no such process on this chain.", path="$.process")
    if given.reply_to is None:
        return given.process
    answered = journal.find(live.store, live.chain, given.reply_to, "comment")
    if answered is None:
        raise InvalidCommentError("This is not the event of a comment on this chain.", path="$.reply_to")
    about: str | None = answered.get("process")
    if given.process not in (None, about):
        raise InvalidCommentError("The reply is about another process than the comment.", path="$.process")
    return about
