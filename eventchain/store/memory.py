"""A store in memory, for simulations and tests of many nodes in one process. It is gone with the process."""

import heapq
import threading
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeAlias

from eventchain.store import validation
from eventchain.store.document_store import Collection, Document, DuplicateError, Value

_Key: TypeAlias = tuple[Value, ...]


class MemoryStore:
    """Keeps documents in dictionaries, with the answers of any other store.

    Every field that a declared combination holds is indexed, and a question is answered from the smallest fitting
    index. A batch groups nothing: each write stands at once.
    """

    needs_leases = False

    def __init__(self, collections: Iterable[Collection]) -> None:
        """Make an empty store.

        Raises:
            ValueError: A declaration is unsound.
        """
        self._collections = validation.validate_collections(collections)
        self._tables = {name: _Table(collection) for name, collection in self._collections.items()}
        self._lock = threading.RLock()

    def insert(self, collection: Collection, documents: Sequence[Document]) -> None:
        """See `DocumentStore.insert`."""
        table = self._table(collection)
        complete = [validation.complete_document(collection, document) for document in documents]
        with self._lock:
            for index, document in enumerate(complete):
                if fields := table.find_conflict(document, replacing=False):
                    raise DuplicateError(collection.name, fields, index)
                table.add(document)

    def put(self, collection: Collection, document: Document) -> None:
        """See `DocumentStore.put`."""
        table = self._table(collection)
        complete = validation.complete_document(collection, document)
        with self._lock:
            table.replace(complete)

    def update(
        self, collection: Collection, key: Document, changes: Document, *, expected: Document | None = None
    ) -> bool:
        """See `DocumentStore.update`."""
        table = self._table(collection)
        values = validation.key_values(collection, key)
        validation.validate_changes(collection, changes)
        validation.validate_values(collection, expected or {})
        with self._lock:
            document = table.documents.get(values)
            if document is None or not _equals(document, expected or {}):
                return False
            table.replace({**document, **changes})
            return True

    def get(self, collection: Collection, key: Document) -> Document | None:
        """See `DocumentStore.get`."""
        table = self._table(collection)
        values = validation.key_values(collection, key)
        with self._lock:
            document = table.documents.get(values)
            return None if document is None else dict(document)

    def find(
        self,
        collection: Collection,
        where: Document | None = None,
        *,
        order_by: str | None = None,
        after: str | int | None = None,
        descending: bool = False,
        limit: int | None = None,
    ) -> list[Document]:
        """See `DocumentStore.find`."""
        table = self._table(collection)
        validation.validate_values(collection, where or {})
        validation.validate_order(collection, order_by, after, limit)
        with self._lock:
            found = [table.documents[key] for key in table.candidates(where or {})]
            found = [document for document in found if _equals(document, where or {})]
            if order_by is not None:
                found = [document for document in found if _is_beyond(document[order_by], after, descending)]
            order = (order_by,) if order_by is not None else ()
            chosen = _sorted(found, (*order, *collection.key), descending, limit)
            return [dict(document) for document in chosen]

    def delete(self, collection: Collection, where: Document) -> int:
        """See `DocumentStore.delete`."""
        table = self._table(collection)
        validation.validate_values(collection, where)
        with self._lock:
            keys = [key for key in table.candidates(where) if _equals(table.documents[key], where)]
            for key in keys:
                table.remove(key)
            return len(keys)

    def batch(self) -> AbstractContextManager[None]:
        """See `DocumentStore.batch`. There is nothing to make durable."""
        return nullcontext()

    def close(self) -> None:
        """See `DocumentStore.close`. The documents stay, so that a simulated node can start again on its store."""

    def _table(self, collection: Collection) -> "_Table":
        validation.validate_known(self._collections, collection)
        return self._tables[collection.name]


class _Table:
    """The documents of one collection by key, with their indexes. Not safe for threads by itself."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self.documents: dict[_Key, dict[str, Value]] = {}
        self._unique: dict[tuple[str, ...], dict[_Key, _Key]] = {fields: {} for fields in collection.unique}
        indexed = {name for fields in (collection.key, *collection.unique, *collection.indexes) for name in fields}
        self._by_field: dict[str, dict[Value, dict[_Key, None]]] = {name: {} for name in indexed}

    def find_conflict(self, document: Document, *, replacing: bool) -> tuple[str, ...] | None:
        """Return the combination that another document occupies: the key first, then in the declared order."""
        key = _values(document, self.collection.key)
        if not replacing and key in self.documents:
            return self.collection.key
        for fields, owners in self._unique.items():
            if owners.get(_values(document, fields), key) != key:
                return fields
        return None

    def add(self, document: dict[str, Value]) -> None:
        key = _values(document, self.collection.key)
        self.documents[key] = document
        for fields, owners in self._unique.items():
            if None not in (values := _values(document, fields)):
                owners[values] = key
        for name, index in self._by_field.items():
            index.setdefault(document[name], {})[key] = None

    def replace(self, document: dict[str, Value]) -> None:
        if fields := self.find_conflict(document, replacing=True):
            raise DuplicateError(self.collection.name, fields, 0)
        key = _values(document, self.collection.key)
        if key in self.documents:
            self.remove(key)
        self.add(document)

    def remove(self, key: _Key) -> None:
        document = self.documents.pop(key)
        for fields, owners in self._unique.items():
            owners.pop(_values(document, fields), None)
        for name, index in self._by_field.items():
            keys = index[document[name]]
            del keys[key]
            if not keys:
                del index[document[name]]

    def candidates(self, where: Document) -> Iterable[_Key]:
        """Return keys that include every document `where` fits: the smallest index that says something about it."""
        indexes: list[dict[_Key, Any]] = [
            self._by_field[name].get(value, {}) for name, value in where.items() if name in self._by_field
        ]
        return min(indexes, key=len, default=self.documents)


def _values(document: Document, fields: Sequence[str]) -> _Key:
    return tuple(document[name] for name in fields)


def _equals(document: Document, where: Document) -> bool:
    return all(document[name] == value for name, value in where.items())


def _is_beyond(value: Any, after: Any, descending: bool) -> bool:
    if value is None or after is None:
        return value is not None
    return bool(value < after if descending else value > after)


def _sorted(found: Iterable[Document], fields: Sequence[str], descending: bool, limit: int | None) -> list[Document]:
    def order(document: Document) -> Any:
        return _values(document, fields)

    if limit is None:
        return sorted(found, key=order, reverse=descending)
    choose = heapq.nlargest if descending else heapq.nsmallest
    return choose(limit, found, key=order)
