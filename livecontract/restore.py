"""Putting a backup back into a store: verified first, marked while it is half done, and set going again.

```
verify the file ─► mark the store ─► empty it ─► documents ─► key file ─► index, members, projections ─► unmark
```

A store with the mark is never taken for whole: a node refuses to start with it (`check_whole`), and restoring again
begins anew. The engine of the store does not matter, so this also moves a node from one to another.

Queues are not in a backup. So the effects of every event that has no receipt yet, and of the last one of each chain,
are to be done anew: they are anchored, told to the other parties and looked at for system actions. All of that is the
same when it is done twice, and a party that hears of a last event asks for what it misses before it.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import structlog

from anchor.index import Index
from eventchain import archive
from eventchain.archive import Archive, Effect, read_event
from eventchain.branch import complete_branches
from eventchain.core.clock import Clock
from eventchain.core.entry import Entry
from eventchain.core.errors import LiveContractError, UnavailableError
from eventchain.core.ids import ChainId
from eventchain.core.keys import Random
from eventchain.store.document_store import Collection, Document, DocumentStore, DuplicateError
from eventchain.tip import Tip
from livecontract import backup, backup_file, key_store
from livecontract.backup_file import BackupReader, Manifest
from livecontract.errors import (
    IncompleteRestoreError,
    InvalidBackupError,
    InvalidKeyFileError,
    StoreNotEmptyError,
)
from workflow_engine.service import WorkflowService
from workflow_engine.triggers import Triggers

RESTORES = Collection(name="restores", fields={"slot": int, "started": int}, key=("slot",))
"""The mark: one document while a restore is half done."""

_KEY: Document = {"slot": 0}
_EFFECTS = Effect.ANCHOR | Effect.TRIGGER | Effect.FORWARD
_EFFECTS_BESIDE = Effect.ANCHOR | Effect.FORWARD

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What came of it.

    Attributes:
        manifest: Of the backup.
        chains: How many chains there are.
        refused: Chains of which the projection could not be derived to the end, with the reason.
    """

    manifest: Manifest
    chains: int
    refused: dict[str, str]


def restore(
    path: Path,
    store: DocumentStore,
    collections: Sequence[Collection],
    key_file: Path,
    *,
    network: str,
    clock: Clock,
    random: Random = os.urandom,
    replace: bool = False,
) -> Restored:
    """Put a backup into a store that no node uses.

    Args:
        path: Of the backup.
        store: Made with `collections`.
        collections: All of the node, `RESTORES` among them.
        key_file: Where the node's key is to lie. If one is there, it has to be the same.
        network: Letter of the public network.
        clock: Milliseconds since 1970.
        random: Unpredictable bytes.
        replace: Drop what the store holds.

    Raises:
        InvalidBackupError: The file is damaged, incomplete or of a newer version; nothing was written.
        StoreNotEmptyError: The store holds something, and `replace` is not given.
        InvalidKeyFileError: Another node's key is there; nothing was written.
        UnavailableError: The store does not take it.
    """
    with backup_file.reading(path) as reader:
        _check_parts(reader)
        reader.verify()
        if not replace and store.get(RESTORES, _KEY) is None and not _is_empty(store):
            raise StoreNotEmptyError(
                "the store is not empty", hint="Name another store, or give --replace to drop what it holds."
            )
        key_store.check_same(key_file, reader.manifest.node)
        store.put(RESTORES, {"slot": 0, "started": clock()})
        for collection in collections:
            if collection != RESTORES:
                store.delete(collection, {})
        _write_documents(reader, store)
        key_store.write_as_it_is(key_file, reader.key(), random)
        chains, refused = _derive(store, network, clock)
        store.delete(RESTORES, _KEY)
        return Restored(manifest=reader.manifest, chains=chains, refused=refused)


def check_whole(store: DocumentStore) -> None:
    """Check that no restore into a store was broken off.

    Raises:
        IncompleteRestoreError: One was.
    """
    if store.get(RESTORES, _KEY) is not None:
        raise IncompleteRestoreError(
            "a restore into this store was broken off", hint="Run it again: livecontract restore FILE."
        )


def check_keyless(store: DocumentStore, key_file: Path) -> None:
    """Check that a node that has no key may get a new one: nothing in its store belongs to another.

    Raises:
        InvalidKeyFileError: Something does; with a new key the node would take no part in its own contracts.
    """
    if not _is_empty(store):
        raise InvalidKeyFileError(
            f"{key_file}: there is no key, and the store holds what another one signed",
            hint="Put the key back, or restore a backup, which holds it. A new node needs a store of its own.",
        )


def _check_parts(reader: BackupReader) -> None:
    known = {collection.name for collection in backup.KEPT}
    named = {part.collection for part in reader.manifest.parts} - {None}
    if unknown := sorted(str(name) for name in named - known):
        raise InvalidBackupError(
            f"the backup holds {', '.join(unknown)}, which this node does not know",
            hint="Restore it with the version of the node that wrote it, or a newer one.",
        )


def _is_empty(store: DocumentStore) -> bool:
    return not any(store.find(collection, limit=1) for collection in backup.KEPT)


def _write_documents(reader: BackupReader, store: DocumentStore) -> None:
    """Write the kept documents, a page at a time; each page is one durable write where the store can."""
    for collection in backup.KEPT:
        part = reader.manifest.part_of(collection.name)
        documents = reader.documents(part, collection) if part else iter(())
        while page := list(islice(documents, backup.PAGE)):
            if collection == archive.EVENTS:
                page = [_with_effects(document) for document in page]
            try:
                store.insert(collection, page)
            except DuplicateError as error:
                raise reader.damaged(f"{collection.name}: {error.message}") from None


def _with_effects(document: Document) -> Document:
    """Return an event's document with the effects that a queue may have held when the backup was made."""
    if document.get("receipt") is not None:
        return document
    return {**document, "outbox": int(_EFFECTS_BESIDE if document.get("position") is None else _EFFECTS)}


def _derive(store: DocumentStore, network: str, clock: Clock) -> tuple[int, dict[str, str]]:
    """Compute what is not kept; return how many chains there are, and which the engine refused to follow."""
    Index(store, network).index_all()
    chains, refused = 0, {}
    archived, engine = Archive(store), WorkflowService(store, clock, Triggers({}))
    for chain in backup.chains_of(store):
        chains += 1
        try:
            _derive_chain(store, archived, engine, ChainId.parse(chain))
        except UnavailableError:
            raise
        except LiveContractError as error:
            log.warning("projection not derived", chain=chain, reason=str(error))
            refused[chain] = str(error)
    return chains, refused


def _derive_chain(store: DocumentStore, archived: Archive, engine: WorkflowService, chain: ChainId) -> None:
    """Compute members, branches and projection of a chain, and have its last event told of anew.

    Raises:
        LiveContractError: An event is refused; everything but the projection is complete.
    """
    tip, last, refusal = Tip.empty(chain), None, None
    for document in backup.by_number(store, archive.EVENTS, "position", {"chain": str(chain)}):
        tip, entry = tip.advance(read_event(document))
        last, refusal = document, refusal or _refusal(engine, entry)
    archived.set_members(chain, tip.identities)
    complete_branches(archived, chain)
    if last is not None:
        key: Document = {"chain": last["chain"], "hash": last["hash"]}
        store.update(archive.EVENTS, key, {"outbox": int(_EFFECTS)})
    if refusal is not None:
        raise refusal


def _refusal(engine: WorkflowService, entry: Entry) -> LiveContractError | None:
    try:
        engine.apply(entry)
    except UnavailableError:
        raise
    except LiveContractError as error:
        return error
    return None
