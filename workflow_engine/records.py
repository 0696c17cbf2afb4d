"""How the workflow engine keeps what it knows, in any document store.

`ENTRIES` is a journal: one row per applied event of a chain, and the insert of that row is what commits an event. It
holds what cannot be computed again cheaply: scenarios as given, and responses, comments, proposals and answers to them
as they were recorded. `STATES` holds the state of a process as of one event, named by that event's hash: rows that no
journal row names (left by a crash or a lost race) are never read. Nothing here is a second truth: everything is
computed again from the chain by `forget` and a replay.
"""

import json
from contextlib import suppress
from typing import Any

from eventchain.core import canonical_json
from eventchain.store.document_store import Collection, Document, DocumentStore, DuplicateError

ENTRIES = Collection(
    name="workflow_entries",
    fields={
        "chain": str,
        "hash": str,
        "position": int,  # of the event among those applied, from 0
        "kind": str,  # one of KINDS
        "subject": str,  # id of the scenario or process
        "name": str,  # a scenario's own id; an answered proposal's event; the process that a sub-process is part of
        "document": bytes,  # the scenario's normal form; a response, comment, proposal or answer as it was recorded;
        # of a sub-process, which scenario of the chain embeds its own
    },
    key=("chain", "hash"),
    unique=(("chain", "position"),),
    indexes=(
        ("chain", "kind", "position"),
        ("chain", "kind", "subject", "position"),
        ("chain", "kind", "name"),
        ("kind", "subject"),
    ),
)

STATES = Collection(
    name="workflow_states",
    fields={"chain": str, "process": str, "hash": str, "state": bytes},
    key=("chain", "process", "hash"),
    indexes=(("chain",),),
)

RESULTS = Collection(
    name="workflow_results",
    fields={"chain": str, "process": str, "action": str, "cause": str, "body": bytes},
    key=("chain", "process", "action", "cause"),
)
"""What system actions of this node came to. Kept when a chain is forgotten: the world stays as it was changed."""

DEFERRED = Collection(
    name="workflow_deferred",
    fields={
        "id": str,  # the idempotency key
        "chain": str,
        "process": str,
        "action": str,
        "actor": str,
        "identity": str,
        "cause": str,
        "when": str,
        "open": int,  # 1 while it is awaited, then 0
        "body": bytes,  # of the response that its answer became
    },
    key=("id",),
    indexes=(("chain", "open"),),
)
"""System actions of this node that an outside party has taken on, and what it answered. Kept like `RESULTS`."""

DRAFTS = Collection(
    name="workflow_drafts",
    fields={"id": str, "name": str, "title": str, "document": bytes},
    key=("id",),
    indexes=(("name",),),
)
"""Scenarios that this node keeps for its users, on no chain yet."""

COLLECTIONS = (ENTRIES, STATES, RESULTS, DEFERRED, DRAFTS)

STEP_KINDS = ("process", "response", "deviation", "consent")
"""Kinds of entries that change a process: the last one of them names its present state."""

KINDS = ("scenario", *STEP_KINDS, "comment", "other")
_FORGETTING = "forgetting"
_LAST_POSITION = 2**62


def delete_chain(store: DocumentStore, chain: str) -> None:
    """Delete journal and states of a chain.

    Where a store does not delete many documents at once, a row that no event has stands at the end of the journal
    meanwhile. Whoever finds that head after a crash knows that the rest is incomplete, and deletes again.
    """
    if not store.needs_leases:
        store.delete(ENTRIES, {"chain": chain})
        store.delete(STATES, {"chain": chain})
        return
    mark: Document = {"chain": chain, "hash": _FORGETTING, "position": _LAST_POSITION, "kind": _FORGETTING}
    with suppress(DuplicateError):
        store.insert(ENTRIES, [mark])
    for kind in KINDS:
        store.delete(ENTRIES, {"chain": chain, "kind": kind})
    store.delete(STATES, {"chain": chain})
    store.delete(ENTRIES, {"chain": chain, "hash": _FORGETTING})


def is_forgetting(store: DocumentStore, chain: str) -> bool:
    """Whether journal and states of a chain are being deleted, or were when somebody was killed."""
    return store.get(ENTRIES, {"chain": chain, "hash": _FORGETTING}) is not None


def encode(value: Any) -> bytes:
    """Return the bytes under which a JSON value is kept."""
    return canonical_json.encode(value)


def decode(data: Any) -> Any:
    """Read what `encode` gave; the bytes are our own, so nothing is checked again."""
    return json.loads(data)
