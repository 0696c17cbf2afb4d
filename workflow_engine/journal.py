"""Reading the journal of the workflow engine: what was said and agreed on a chain, beside what its processes are."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from eventchain.store.document_store import Document, DocumentStore
from workflow_engine.records import ENTRIES, STEP_KINDS, decode

_ANSWER = ("event", "author", "timestamp", "answer", "reason")

_PART = 100
"""Rows read at once where a list is gone through."""


def find(store: DocumentStore, chain: str, hash_: str, kind: str) -> Any:
    """Return the document of an entry of some kind by the hash of its event, or None."""
    row = store.get(ENTRIES, {"chain": chain, "hash": hash_})
    return decode(row["document"]) if row is not None and row["kind"] == kind else None


def comments(
    store: DocumentStore, chain: str, process: str | None = None, *, after: int = -1
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield position and comment of a chain, or of one of its processes, in the order of the chain.

    Args:
        store: Holds the journal.
        chain: Id of the chain.
        process: Id of the process, or None for all comments of the chain.
        after: The position that the first one lies beyond.
    """
    where: Document = {"chain": chain, "kind": "comment"}
    return _documents(store, where if process is None else {**where, "subject": process}, after)


def proposals(
    store: DocumentStore, chain: str, process: str, *, after: int = -1
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield position and proposal of everything that was proposed in a process, in the order of the chain."""
    return _documents(store, {"chain": chain, "kind": "deviation", "subject": process}, after)


def answers(store: DocumentStore, chain: str, proposal: str) -> list[dict[str, Any]]:
    """Return the answers to a proposal, in the order of the chain: `{ event, author, timestamp, answer, reason? }`.

    The one that brought it into force is part of the history of the process; its `answer` is `come_into_force`.
    """
    found: list[dict[str, Any]] = []
    for row in store.find(ENTRIES, {"chain": chain, "kind": "consent", "name": proposal}, order_by="position"):
        document = decode(row["document"])
        found.append({name: document[name] for name in _ANSWER if name in document})
    for row in store.find(ENTRIES, {"chain": chain, "kind": "response", "name": proposal}):
        document = decode(row["document"])
        author = {"author": document["actor"]["identity"]["id"], "answer": "come_into_force"}
        found.append({name: document[name] for name in _ANSWER if name in document} | author)
    return found


def last_step(store: DocumentStore, chain: str, process: str, kinds: Iterable[str] = STEP_KINDS) -> Document | None:
    """Return the row of the last entry of these kinds, which change a process, or None."""
    found: list[Document] = []
    for kind in kinds:
        where: Document = {"chain": chain, "kind": kind, "subject": process}
        found += store.find(ENTRIES, where, order_by="position", descending=True, limit=1)
    return max(found, key=position_of, default=None)


def position_of(row: Document) -> int:
    """Return the position of a row of the journal."""
    return cast("int", row["position"])


def _documents(store: DocumentStore, where: Document, after: int) -> Iterator[tuple[int, Mapping[str, Any]]]:
    while rows := store.find(ENTRIES, where, order_by="position", after=after, limit=_PART):
        for row in rows:
            after = position_of(row)
            yield after, decode(row["document"])
        if len(rows) < _PART:
            return
