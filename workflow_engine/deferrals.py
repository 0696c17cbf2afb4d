"""System actions that an outside party has taken on (HTTP 202) and answers later, as they are kept.

Each is named by its idempotency key, under which the outside party was asked. The first answer counts.
"""

from contextlib import suppress
from typing import Any

from eventchain.store.document_store import Document, DocumentStore, DuplicateError
from workflow_engine.due import DueAction
from workflow_engine.records import DEFERRED, decode, encode


def record(store: DocumentStore, due: DueAction) -> None:
    """Remember that a system action is answered later; once more changes nothing."""
    row: Document = {"id": due.idempotency_key, **due.to_dict(), "open": 1, "body": None}
    with suppress(DuplicateError):  # another copy did, and it may be answered already
        store.insert(DEFERRED, [row])


def find(store: DocumentStore, id_: str) -> DueAction | None:
    """Return a system action that is or was answered later, or None."""
    row = store.get(DEFERRED, {"id": id_})
    return None if row is None else _due(row)


def give(store: DocumentStore, id_: str, body: dict[str, Any]) -> bool:
    """Keep the body of the response that an answer became; return whether it is the answer that counts."""
    encoded = encode(body)
    if store.update(DEFERRED, {"id": id_}, {"body": encoded}, expected={"body": None}):
        return True
    row = store.get(DEFERRED, {"id": id_})
    return row is not None and row["body"] == encoded


def answer_of(store: DocumentStore, due: DueAction) -> dict[str, Any] | None:
    """Return the body of the response that the answer to a system action became, or None."""
    row = store.get(DEFERRED, {"id": due.idempotency_key})
    body: dict[str, Any] | None = decode(row["body"]) if row and row["body"] else None
    return body


def answered(store: DocumentStore, chain: str) -> list[DueAction]:
    """Return the system actions of a chain that are answered, and not known to be on the chain."""
    return [_due(row) for row in store.find(DEFERRED, {"chain": chain, "open": 1}) if row["body"]]


def close(store: DocumentStore, due: DueAction) -> None:
    """Look no more after a system action that waits no longer."""
    store.update(DEFERRED, {"id": due.idempotency_key}, {"open": 0})


def _due(row: Document) -> DueAction:
    return DueAction(**{name: str(row[name]) for name in DueAction.__slots__})
