"""A store in one SQLite file (stdlib), for a node whose services run in one process or on one machine.

Writes are durable when a call returns (write-ahead log, flushed on commit). One connection writes, and writers that
wait commit together (`group_commit`); every thread that reads has a connection to itself while it reads, and sees what
is committed. Inside `batch` a thread reads and writes through the writing connection.

A thread inside `batch` holds the writer: it should not wait there for another thread that writes.
"""

# ruff: noqa: S608 - statements are built of declared names, whose form is checked; values are always parameters.

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog

from eventchain.store import sqlite_schema, validation
from eventchain.store.document_store import Collection, Document, DuplicateError, Value
from eventchain.store.errors import StoreUnavailableError
from eventchain.store.group_commit import GroupCommit, open_connection, translated_errors
from eventchain.store.sqlite_schema import quoted

_LOG = structlog.get_logger(__name__)

_Condition = tuple[str, list[Value]]


class SqliteStore:
    """Keeps each collection in a table of one SQLite file."""

    needs_leases = False

    def __init__(self, path: Path, collections: Iterable[Collection], *, label: str = "change") -> None:
        """Open the file, make it if it is not there, and bring it to the declared collections.

        Before a table that is there changes, the file is copied to `<file>.before-<label>`.

        Args:
            path: Of the file.
            collections: What is kept.
            label: Names the copy: the version of who opens it.

        Raises:
            StoreUnavailableError: The file cannot be opened or is locked, or there is no room for the copy.
            IncompatibleStoreError: It is no store, or one of a version this node does not understand.
            ValueError: A declaration is unsound.
        """
        self._collections = validation.validate_collections(collections)
        self._path = path
        self._idle_readers: list[sqlite3.Connection] = []
        self._readers_lock = threading.Lock()
        self._is_closed = False
        self._writer = GroupCommit(open_connection(path), path.name)
        try:
            with self._writer.transaction() as connection:
                planned = sqlite_schema.plan(connection, self._collections.values())
                if planned.changes_tables:  # nobody else writes now, and nothing is written yet
                    self._copy_beside(label)
                sqlite_schema.carry_out(connection, planned)
        except BaseException:
            self._writer.close()
            raise

    def insert(self, collection: Collection, documents: Sequence[Document]) -> None:
        """See `DocumentStore.insert`."""
        validation.validate_known(self._collections, collection)
        rows = [validation.complete_document(collection, document) for document in documents]
        statement = f'INSERT INTO "{collection.name}" ({quoted(collection.fields)}) VALUES ({_marks(rows)})'
        duplicate: DuplicateError | None = None
        with self._writer.transaction() as connection:
            for index, row in enumerate(rows):
                try:
                    _write(connection, statement, list(row.values()))
                except sqlite3.IntegrityError:
                    duplicate = DuplicateError(collection.name, _conflict(connection, collection, row, False), index)
                    break
        if duplicate:
            raise duplicate

    def put(self, collection: Collection, document: Document) -> None:
        """See `DocumentStore.put`."""
        validation.validate_known(self._collections, collection)
        row = validation.complete_document(collection, document)
        changing = [name for name in row if name not in collection.key]
        assignments = ", ".join(f'"{name}" = excluded."{name}"' for name in changing)
        statement = (
            f'INSERT INTO "{collection.name}" ({quoted(row)}) VALUES ({_marks([row])}) '
            f"ON CONFLICT ({quoted(collection.key)}) DO {f'UPDATE SET {assignments}' if changing else 'NOTHING'}"
        )
        with self._writer.transaction() as connection:
            try:
                _write(connection, statement, list(row.values()))
            except sqlite3.IntegrityError:
                fields = _conflict(connection, collection, row, True)
                raise DuplicateError(collection.name, fields, 0) from None

    def update(
        self, collection: Collection, key: Document, changes: Document, *, expected: Document | None = None
    ) -> bool:
        """See `DocumentStore.update`."""
        validation.validate_known(self._collections, collection)
        values = validation.key_values(collection, key)
        validation.validate_changes(collection, changes)
        validation.validate_values(collection, expected or {})
        keys = dict(zip(collection.key, values, strict=True))
        condition, parameters = _all_of(_equals(keys), _equals(expected or {}))
        # Without changes the statement still says whether the document is as expected.
        assigned = changes or {collection.key[0]: values[0]}
        assignments = ", ".join(f'"{name}" = ?' for name in assigned)
        statement = f'UPDATE "{collection.name}" SET {assignments}{condition}'
        with self._writer.transaction() as connection:
            try:
                return _write(connection, statement, [*assigned.values(), *parameters]) == 1
            except sqlite3.IntegrityError:
                stored = _select(connection, collection, _all_of(_equals(keys)), "")[0]
                fields = _conflict(connection, collection, {**stored, **changes}, True)
                raise DuplicateError(collection.name, fields, 0) from None

    def get(self, collection: Collection, key: Document) -> Document | None:
        """See `DocumentStore.get`."""
        validation.validate_known(self._collections, collection)
        values = validation.key_values(collection, key)
        condition = _all_of(_equals(dict(zip(collection.key, values, strict=True))))
        with self._reading() as connection:
            return next(iter(_select(connection, collection, condition, "")), None)

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
        validation.validate_known(self._collections, collection)
        validation.validate_values(collection, where or {})
        validation.validate_order(collection, order_by, after, limit)
        beyond: list[tuple[str, list[Value]]] = []
        if after is not None:
            beyond.append((f'"{order_by}" {"<" if descending else ">"} ?', [after]))
        elif order_by is not None and order_by not in collection.key:
            beyond.append((f'"{order_by}" IS NOT NULL', []))
        condition, parameters = _all_of(_equals(where or {}), *beyond)
        direction = "DESC" if descending else "ASC"
        order = dict.fromkeys((*([order_by] if order_by else []), *collection.key))
        tail = " ORDER BY " + ", ".join(f'"{name}" {direction}' for name in order)
        if limit is not None:
            tail += " LIMIT ?"
            parameters.append(limit)
        with self._reading() as connection:
            return _select(connection, collection, (condition, parameters), tail)

    def delete(self, collection: Collection, where: Document) -> int:
        """See `DocumentStore.delete`."""
        validation.validate_known(self._collections, collection)
        validation.validate_values(collection, where)
        condition, parameters = _all_of(_equals(where))
        with self._writer.transaction() as connection:
            return _write(connection, f'DELETE FROM "{collection.name}"{condition}', parameters)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """See `DocumentStore.batch`. One commit; if the body raises, its writes are dropped."""
        with self._writer.transaction():
            yield

    def close(self) -> None:
        """See `DocumentStore.close`."""
        with self._readers_lock:
            self._is_closed = True
            readers, self._idle_readers = self._idle_readers, []
        for reader in readers:
            reader.close()
        self._writer.close()

    def _copy_beside(self, label: str) -> None:
        try:
            copy = sqlite_schema.copy_beside(self._path, label)
        except OSError as error:
            raise StoreUnavailableError(
                f"{self._path.name} cannot be copied before it is changed: {error.strerror}",
                hint="Make room beside it.",
            ) from error
        _LOG.info("store copied before it is changed", file=self._path.name, copy=copy.name)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Give this thread a connection to read through."""
        if self._writer.is_mine:
            with self._writer.transaction() as connection:
                yield connection
            return
        with translated_errors(self._path.name):
            connection = self._take_reader()
            try:
                yield connection
            finally:
                self._give_back(connection)

    def _take_reader(self) -> sqlite3.Connection:
        with self._readers_lock:
            if self._is_closed:
                raise StoreUnavailableError(f"{self._path.name} is closed")
            if self._idle_readers:
                return self._idle_readers.pop()
        connection = open_connection(self._path)
        connection.execute("PRAGMA query_only = ON")
        return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._readers_lock:
            if not self._is_closed:
                self._idle_readers.append(connection)
                return
        connection.close()


def _write(connection: sqlite3.Connection, statement: str, parameters: Sequence[Value]) -> int:
    """Run a statement in the open transaction and return how many rows it met."""
    if not connection.in_transaction:
        raise StoreUnavailableError("the engine gave up the transaction")
    return connection.execute(statement, parameters).rowcount


def _select(connection: sqlite3.Connection, collection: Collection, condition: _Condition, tail: str) -> list[Document]:
    names = list(collection.fields)
    statement = f'SELECT {quoted(names)} FROM "{collection.name}"{condition[0]}{tail}'
    return [dict(zip(names, row, strict=True)) for row in connection.execute(statement, condition[1])]


def _conflict(
    connection: sqlite3.Connection, collection: Collection, row: Document, replacing: bool
) -> tuple[str, ...]:
    """Return the combination that another document occupies: the key first, then in the declared order."""
    key = [row[name] for name in collection.key]
    for fields in (*([] if replacing else [collection.key]), *collection.unique):
        if any(row[name] is None for name in fields):
            continue
        found = _select(connection, collection, _all_of(_equals({name: row[name] for name in fields})), "")
        if any(not replacing or [other[name] for name in collection.key] != key for other in found):
            return fields
    raise StoreUnavailableError(f"{collection.name}: the engine refused a document that nothing stands against")


def _equals(where: Document) -> _Condition:
    terms = [f'"{name}" IS NULL' if value is None else f'"{name}" = ?' for name, value in where.items()]
    return " AND ".join(terms), [value for value in where.values() if value is not None]


def _all_of(*conditions: _Condition) -> _Condition:
    terms = [term for term, _ in conditions if term]
    clause = f" WHERE {' AND '.join(terms)}" if terms else ""
    return clause, [value for _, parameters in conditions for value in parameters]


def _marks(rows: Sequence[Document]) -> str:
    return ", ".join("?" for _ in rows[0]) if rows else ""
