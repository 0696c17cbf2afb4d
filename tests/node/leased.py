"""Stores for tests in which every write stands by itself, as in MongoDB, and nodes that are killed between any two."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dispatcher.broker import Broker
from dispatcher.sqlite_broker import SqliteBroker
from eventchain.core.clock import Clock
from eventchain.store.document_store import Collection, Document, DocumentStore
from eventchain.store.errors import StoreUnavailableError
from eventchain.store.memory import MemoryStore
from livecontract.node import COLLECTIONS
from livecontract.simulation import NodeKilled


class LeasedMemoryStore(MemoryStore):
    """A memory store that several copies share as if they were processes: it groups nothing, and says so."""

    needs_leases = True


Decide = Callable[[str], bool]
"""Told the kind of a write; says whether the node dies there."""


class MortalStore:
    """What one life of a node has of a store: once the node is dead, nothing of it reaches the store any more."""

    needs_leases = True

    def __init__(self, store: DocumentStore, dies_before: Decide, dies_after: Decide) -> None:
        self._store = store
        self._dies_before = dies_before
        self._dies_after = dies_after
        self._is_dead = False

    def _check_alive(self) -> None:
        if self._is_dead:
            raise StoreUnavailableError("the node is dead")

    @contextmanager
    def _write(self, collection: Collection, kind: str) -> Iterator[None]:
        self._check_alive()
        what = f"{kind} {collection.name}"
        if self._dies_before(what):
            self.kill()
        yield
        if self._dies_after(what):
            self.kill()

    def kill(self) -> None:
        self._is_dead = True
        raise NodeKilled

    def insert(self, collection: Collection, documents: Sequence[Document]) -> None:
        with self._write(collection, "insert"):
            self._store.insert(collection, documents)

    def put(self, collection: Collection, document: Document) -> None:
        with self._write(collection, "put"):
            self._store.put(collection, document)

    def update(self, collection: Collection, key: Document, changes: Document, **named: Any) -> bool:
        with self._write(collection, "update"):
            return self._store.update(collection, key, changes, **named)

    def delete(self, collection: Collection, where: Document) -> int:
        with self._write(collection, "delete"):
            return self._store.delete(collection, where)

    def get(self, collection: Collection, key: Document) -> Document | None:
        self._check_alive()
        return self._store.get(collection, key)

    def find(self, *arguments: Any, **named: Any) -> list[Document]:
        self._check_alive()
        return self._store.find(*arguments, **named)

    def batch(self) -> Any:
        self._check_alive()
        return self._store.batch()

    def close(self) -> None:
        self._is_dead = True


class LeasedStorage:
    """Keeps every node's documents in a store without batches, and its queues in a file."""

    def __init__(
        self,
        folder: Path,
        dies_before: Callable[[str, str], bool] = lambda _name, _what: False,
        dies_after: Callable[[str, str], bool] = lambda _name, _what: False,
        open_store: Callable[[str], DocumentStore] | None = None,
    ) -> None:
        """Ask `dies_before` and `dies_after`, with the name of the node and a write, whether the node dies there."""
        self._folder = folder
        self._dies_before = dies_before
        self._dies_after = dies_after
        self._open_store = open_store or (lambda _name: LeasedMemoryStore(COLLECTIONS))
        self.stores: dict[str, DocumentStore] = {}

    def open_store(self, name: str) -> DocumentStore:
        if name not in self.stores:
            self.stores[name] = self._open_store(name)
        return MortalStore(
            self.stores[name],
            lambda what: self._dies_before(name, what),
            lambda what: self._dies_after(name, what),
        )

    def close(self) -> None:
        for store in self.stores.values():
            store.close()

    def open_broker(self, name: str, clock: Clock) -> Broker:
        return SqliteBroker(self._folder / f"{name}-queue.db", clock)
