"""A node that did something, a backup of it, and stores to restore it into."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from anchor.turn_lease import FORGER
from eventchain.core.clock import system_clock
from eventchain.core.errors import UnavailableError
from eventchain.store.document_store import Collection, Document, DocumentStore
from eventchain.store.memory import MemoryStore
from eventchain.store.sqlite import SqliteStore
from livecontract import backup, restore
from livecontract.bootstrap import ALL_COLLECTIONS
from livecontract.nonces import NONCES
from livecontract.restore import RESTORES
from tests.livecontract.running import PROCESS, World, running, settle, wait_for

DERIVED = {
    "members",
    "conflicts",
    "workflow_entries",
    "workflow_states",
    "anchor_transactions",
    "anchor_hashes",
    "anchor_pool_top",
}
FORGOTTEN = {NONCES.name, RESTORES.name, FORGER.name, "leases", "early"}
BLOCK_MS = 100


class BreakingStore(MemoryStore):
    """A memory store that fails after some reads or writes, and remembers how much was read at once."""

    reads_left: int | None = None
    writes_left: int | None = None
    largest = 0

    def insert(self, collection: Collection, documents: Sequence[Document]) -> None:
        if self.writes_left is not None:
            self.writes_left -= 1
            if self.writes_left < 0:
                raise UnavailableError("the disk is full")
        super().insert(collection, documents)

    def find(self, collection: Collection, where: Document | None = None, **how: Any) -> list[Document]:
        if self.reads_left is not None:
            self.reads_left -= 1
            if self.reads_left < 0:
                raise UnavailableError("the store is away")
        found = super().find(collection, where, **how)
        self.largest = max(self.largest, len(found))
        return found


class Original:
    """A node that did something, its files, and a backup of it."""

    def __init__(self, directory: Path) -> None:
        self.data = directory / "node"
        with running(self.data, block_time_ms=BLOCK_MS, mail="mailbox") as node:
            world = World(node)
            world.agent.invite(world.chain, identity="p2", email="p@p.example", name="P", title="Quotation")
            settle(node)
            wait_for(lambda: not node.node.eventchain.archive.awaiting(1), "the receipts")
            self.chain = world.chain
            self.events = world.agent.chain(world.chain)
            self.process = world.agent.process(PROCESS)
            self.key = node.key
        self.key_file = self.data / "keys" / "system.json"
        self.file = directory / "backup.zip"
        self.store = SqliteStore(self.data / "node.db", ALL_COLLECTIONS)
        self.manifest = backup.write(self.store, self.key_file, self.file, system_clock)
        self.documents = everything(self.store)


def everything(store: DocumentStore) -> dict[str, list[Document]]:
    """Return all documents but for the effects that are still to be done, and what is not kept."""
    found = {item.name: store.find(item) for item in ALL_COLLECTIONS if item.name not in FORGOTTEN}
    found["events"] = [{**document, "outbox": None} for document in found["events"]]
    del found["anchor_pool_top"]  # counts on from what waits
    return found


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Original]:
    made = Original(tmp_path_factory.mktemp("original"))
    yield made
    made.store.close()


def restored(original: Original, store: DocumentStore, key_file: Path, **how: Any) -> restore.Restored:
    return restore.restore(
        how.pop("file", original.file), store, ALL_COLLECTIONS, key_file, network="T", clock=system_clock, **how
    )
