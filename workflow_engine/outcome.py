"""What an entry comes to, decided before anything is written."""

from dataclasses import dataclass

from eventchain.core.entry import Entry
from workflow_engine.process import Process

Row = dict[str, str | int | bytes | None]
"""A row of the journal (`workflow_engine.records.ENTRIES`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an entry comes to.

    Attributes:
        row: The journal row, whose insert commits the entry.
        process: The process that it changed, after it, or None.
        before: Hash of the entry before it that changed the same process, or None.
    """

    row: Row
    process: Process | None = None
    before: str | None = None


def bare_row(entry: Entry, kind: str, position: int) -> Row:
    """Return the journal row of an entry, without subject, name and document."""
    row: Row = {"chain": entry.chain, "hash": entry.hash, "position": position, "kind": kind}
    return {**row, "subject": None, "name": None, "document": None}
