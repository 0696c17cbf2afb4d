"""Reading what was said and proposed beside the processes of a chain, for people (paper section 8)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eventchain.store.document_store import DocumentStore
from workflow_engine import journal
from workflow_engine.errors import CommentNotFoundError, DeviationNotFoundError
from workflow_engine.life_cycle import state_of
from workflow_engine.process import Process

Numbered = Iterator[tuple[int, Mapping[str, Any]]]
"""Documents with their positions, in the order of the chain."""


class Beside:
    """What a store holds of it."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    def comments(self, chain: str, process: str | None = None, after: int = -1) -> Numbered:
        """Yield the comments on a chain, or those about one of its processes, beyond a position."""
        return journal.comments(self._store, chain, process, after=after)

    def comment(self, chain: str, event: str) -> Mapping[str, Any]:
        """Return a comment of a chain by the hash of its event.

        Raises:
            CommentNotFoundError: There is none.
        """
        found: Mapping[str, Any] | None = journal.find(self._store, chain, event, "comment")
        if found is None:
            raise CommentNotFoundError("There is no such comment on this chain.")
        return found

    def proposals(self, process: Process, after: int = -1) -> Numbered:
        """Yield what was proposed in a process beyond a position, without the whole texts."""
        for position, kept in journal.proposals(self._store, process.chain, process.id, after=after):
            yield position, _shown(kept, journal.answers(self._store, process.chain, kept["event"]), process)

    def proposal(self, process: Process, event: str) -> Mapping[str, Any]:
        """Return a proposal to deviate, with its whole text, by the hash of its event.

        Raises:
            DeviationNotFoundError: There is none in this process.
        """
        kept: Mapping[str, Any] | None = journal.find(self._store, process.chain, event, "deviation")
        if kept is None or kept["process"] != process.id:
            raise DeviationNotFoundError("There is no such proposal in this process.")
        found = journal.answers(self._store, process.chain, event)
        return {**_shown(kept, found, process), "proposal": kept["proposal"]}


def _shown(kept: Mapping[str, Any], answers: Sequence[Mapping[str, Any]], process: Process) -> dict[str, Any]:
    """Return a proposal as people see it: what was kept but its whole text, what became of it, and the answers."""
    body = kept["proposal"]
    said = {name: body[name] for name in ("reason", "from", "to") if name in body}
    state = state_of(kept["event"], answers, process)
    still = next((item for item in process.proposals if item.event == kept["event"]), None)
    return {
        **{name: value for name, value in kept.items() if name != "proposal"},
        **said,
        "state": state,
        "answers": list(answers),
        **({} if still is None else {"agreed": list(still.agreed)}),
    }
