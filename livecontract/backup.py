"""What a backup keeps of a node's store, in which order it is read, and writing it while the node runs.

Kept is what nothing else tells: events, results of system actions, drafts, invitations, mails, blocks, what waits to be
anchored, and the key file. Members, branches, projections and indexes are computed again from events and blocks. Nonces
and leases are not kept: a nonce counts for five minutes, less than a restore takes, and a lease is a dead copy's. Nor
are early events, like those in the queues: they are asked for again.

Nothing is locked, so documents change while they are read. Each collection is read so that what is missing at the end
is missing as if the node had been stopped earlier:

- Invitations come before events: one that looks less far than it is goes on, and adding its event twice is adding it
  once. Results come after events: an action whose result is known is never run again.
- The events of a chain are read by position, which only grows, so what is read is a chain without a gap; branches
  beside it are read before, since what they leave is there already.
- The newest snapshot of the public chain comes before days and blocks, which it counts on; what waits comes before the
  blocks, so that a transaction may be found in both, and is then taken for done.

Queues are not kept. What they held is told again after a restore (`livecontract.restore`).
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import anchor.index
from eventchain import archive
from eventchain.core.clock import Clock
from eventchain.store.document_store import Collection, Document, DocumentStore
from livecontract import __version__, backup_file, key_store
from livecontract.backup_file import Manifest
from livecontract.invitations import INVITATIONS
from livecontract.mailbox import MAILS
from workflow_engine import records

PAGE = 50
"""Documents read at once: some are as large as a block."""

KEPT: tuple[Collection, ...] = (
    records.DRAFTS,
    INVITATIONS,
    MAILS,
    archive.EVENTS,
    records.RESULTS,
    records.DEFERRED,
    anchor.index.SNAPSHOTS,
    anchor.index.DAYS,
    anchor.index.POOL,
    anchor.index.BLOCKS,
)
"""In the order in which they are read."""


def write(
    store: DocumentStore,
    key_file: Path,
    path: Path,
    clock: Clock,
    *,
    declared: Sequence[Collection] = KEPT,
) -> Manifest:
    """Write a backup of a store and a key file, whole or not at all.

    Args:
        store: Of a node that may be running.
        key_file: Of the node's key.
        path: Of the backup; there is nothing yet.
        clock: Milliseconds since 1970.
        declared: What the store was opened with: in a store of an older version, the collections as that knew them.

    Raises:
        FileExistsError: There is a file of that name.
        InvalidKeyFileError: The key file is none.
        UnavailableError: The store cannot be read.
        OSError: The backup cannot be written.
    """
    key, node = key_store.read_as_it_is(key_file)
    created, by_name = clock(), {collection.name: collection for collection in declared}
    with backup_file.writing(path) as writer:
        for collection in (by_name[kept.name] for kept in KEPT if kept.name in by_name):
            writer.add_documents(collection, documents_of(store, collection))
        writer.add_key(key)
        return writer.finish(created=created, software=__version__, node=node)


def documents_of(store: DocumentStore, collection: Collection) -> Iterator[Document]:
    """Yield the documents of a collection, a page at a time."""
    if collection.name == archive.EVENTS.name:
        for chain in chains_of(store, collection):
            yield from _branches(store, collection, chain)
            yield from by_number(store, collection, "position", {"chain": chain})
    elif any(collection.fields[name] is bytes for name in collection.key):
        yield from by_number(store, collection, "number", {})
    else:
        yield from _by_key(store, collection, {})


def chains_of(store: DocumentStore, events: Collection = archive.EVENTS) -> Iterator[str]:
    """Yield the ids of all chains of which the store holds events."""
    for chain in _values(store, events, "chain", {}):
        yield str(chain)


def by_number(
    store: DocumentStore, collection: Collection, field: str, where: Mapping[str, str | int]
) -> Iterator[Document]:
    """Yield documents in the order of an integer field, which several may share."""
    after: int | None = None
    while page := store.find(collection, where, order_by=field, after=after, limit=PAGE):
        last = cast("int", page[-1][field])
        yield from (document for document in page if document[field] != last)
        yield from store.find(collection, {**where, field: last})
        after = last


def _by_key(store: DocumentStore, collection: Collection, fixed: Mapping[str, str | int]) -> Iterator[Document]:
    """Yield documents in the order of their key, of which some fields are fixed."""
    field = collection.key[len(fixed)]
    if len(fixed) + 1 < len(collection.key):
        for value in _values(store, collection, field, fixed):
            yield from _by_key(store, collection, {**fixed, field: value})
        return
    after: str | int | None = None
    while page := store.find(collection, fixed, order_by=field, after=after, limit=PAGE):
        yield from page
        after = cast("str | int", page[-1][field])


def _values(
    store: DocumentStore, collection: Collection, field: str, fixed: Mapping[str, str | int]
) -> Iterator[str | int]:
    """Yield the values that a field of the key has, each once, in order."""
    after: str | int | None = None
    while found := store.find(collection, fixed, order_by=field, after=after, limit=1):
        after = cast("str | int", found[0][field])
        yield after


def _branches(store: DocumentStore, events: Collection, chain: str) -> list[Document]:
    """Return the events beside a canonical chain, with all that lead from it to them."""
    found = {str(item["hash"]): item for item in store.find(events, {"chain": chain, "position": None})}
    open_ = list(found.values())
    while open_:
        previous = str(open_.pop()["previous"])
        parent = None if previous in found else store.get(events, {"chain": chain, "hash": previous})
        if parent is not None and parent["position"] is None:  # it came between, while the others were read
            found[previous] = parent
            open_.append(parent)
    return list(found.values())
