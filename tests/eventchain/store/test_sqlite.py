"""The SQLite store keeps the contract, its file grows with the collections, and a kill leaves it whole."""

import sqlite3
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from eventchain.store.document_store import Collection, DocumentStore, DuplicateError
from eventchain.store.errors import IncompatibleStoreError, StoreUnavailableError
from eventchain.store.shared_sqlite import SharedSqliteStore
from eventchain.store.sqlite import SqliteStore
from tests.contracts.document_store import COLLECTIONS, EVENTS, DocumentStoreContract, event


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "node.sqlite"


class TestSqliteStore(DocumentStoreContract):
    @pytest.fixture
    def store(self, path: Path) -> Iterator[DocumentStore]:
        store = SqliteStore(path, COLLECTIONS)
        yield store
        store.close()


class TestSharedSqliteStore(DocumentStoreContract):
    @pytest.fixture
    def store(self, path: Path) -> Iterator[DocumentStore]:
        store = SharedSqliteStore(path, COLLECTIONS)
        yield store
        store.close()


def test_shared_store_lets_another_process_write_inside_a_batch(path: Path) -> None:
    shared, other = SharedSqliteStore(path, COLLECTIONS), SqliteStore(path, COLLECTIONS)
    with shared.batch():
        shared.insert(EVENTS, [event(1)])
        other.insert(EVENTS, [event(2)])
    assert len(shared.find(EVENTS)) == 2
    shared.close()
    other.close()


def test_documents_are_there_after_opening_again(path: Path) -> None:
    store = SqliteStore(path, COLLECTIONS)
    store.insert(EVENTS, [event(1)])
    store.close()
    store = SqliteStore(path, COLLECTIONS)
    assert store.find(EVENTS) == [event(1)]
    store.close()


def test_file_is_readable_by_its_owner_alone(path: Path) -> None:
    SqliteStore(path, COLLECTIONS).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_many_may_open_a_new_file_at_once(path: Path) -> None:
    ready = threading.Barrier(8)

    def open_and_write(number: int) -> None:
        ready.wait()
        store = SqliteStore(path, COLLECTIONS)
        store.insert(EVENTS, [event(number)])
        store.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(open_and_write, range(8)))
    store = SqliteStore(path, COLLECTIONS)
    assert len(store.find(EVENTS)) == 8
    store.close()


def test_batch_is_one_commit_and_others_see_all_or_nothing(path: Path) -> None:
    store, other = SqliteStore(path, COLLECTIONS), SqliteStore(path, COLLECTIONS)
    statements: list[str] = []
    store._writer._connection.set_trace_callback(statements.append)
    with store.batch():
        store.insert(EVENTS, [event(1)])
        with store.batch():
            store.put(EVENTS, event(2))
        assert other.find(EVENTS) == []
        store.delete(EVENTS, {"position": 2})
    assert other.find(EVENTS) == [event(1)]
    assert statements.count("COMMIT") == 1
    store.close()
    other.close()


def test_writes_of_a_batch_that_raised_are_dropped(path: Path) -> None:
    store = SqliteStore(path, COLLECTIONS)
    with pytest.raises(DuplicateError), store.batch():
        store.insert(EVENTS, [event(1), event(1)])
    assert store.find(EVENTS) == []
    store.close()


def test_statements_use_the_declared_indexes(path: Path) -> None:
    store = SqliteStore(path, COLLECTIONS)
    connection = sqlite3.connect(path)
    for condition, index in (
        ("chain = ? AND position = ?", "events__unique__chain__position"),
        ("chain = ? AND position > ? ORDER BY position, chain, hash", "events__unique__chain__position"),
        ("chain = ? AND position IS NOT NULL ORDER BY position DESC", "events__unique__chain__position"),
        ("outbox = ?", "events__index__outbox"),
    ):
        values = ["x"] * condition.count("?")
        plan = str(list(connection.execute(f"EXPLAIN QUERY PLAN SELECT * FROM events WHERE {condition}", values)))
        assert index in plan
    connection.close()
    store.close()


def test_closed_store_says_so(path: Path) -> None:
    store = SqliteStore(path, COLLECTIONS)
    store.find(EVENTS)
    store.close()
    with pytest.raises(StoreUnavailableError, match="closed"):
        store.find(EVENTS)
    with pytest.raises(StoreUnavailableError, match="closed"):
        store.insert(EVENTS, [event(1)])


# growth of the file


def reopen_with(path: Path, collection: Collection) -> SqliteStore:
    return SqliteStore(path, [collection if declared is EVENTS else declared for declared in COLLECTIONS])


@pytest.fixture
def filled(path: Path) -> Path:
    store = SqliteStore(path, COLLECTIONS)
    store.insert(EVENTS, [event(1), event(2)])
    store.close()
    return path


def test_collection_may_gain_fields_and_indexes(filled: Path) -> None:
    grown = replace(
        EVENTS,
        fields={"height": int, **EVENTS.fields},
        unique=(*EVENTS.unique, ("chain", "height")),
        indexes=(*EVENTS.indexes, ("height",)),
    )
    store = reopen_with(filled, grown)
    assert store.find(grown) == [event(1, height=None), event(2, height=None)]
    store.update(grown, {"chain": "a", "hash": b"\1"}, {"height": 3})
    with pytest.raises(DuplicateError):
        store.update(grown, {"chain": "a", "hash": b"\2"}, {"height": 3})
    store.close()


def test_older_node_refuses_the_file_of_a_newer_one(filled: Path) -> None:
    reopen_with(filled, replace(EVENTS, fields={**EVENTS.fields, "height": int})).close()
    with pytest.raises(IncompatibleStoreError, match="height"):
        SqliteStore(filled, COLLECTIONS)


@pytest.mark.parametrize(
    "changed",
    [
        replace(EVENTS, fields={**EVENTS.fields, "position": str}),
        replace(EVENTS, key=("hash", "chain")),
        replace(EVENTS, key=("hash",)),
        replace(EVENTS, unique=()),
        replace(EVENTS, unique=(*EVENTS.unique, ("chain", "body"))),
    ],
)
def test_other_differences_are_refused_and_change_nothing(filled: Path, changed: Collection) -> None:
    changed = replace(changed, fields={"new": str, **changed.fields})
    with pytest.raises(IncompatibleStoreError):
        reopen_with(filled, changed)
    store = SqliteStore(filled, COLLECTIONS)
    assert store.find(EVENTS) == [event(1), event(2)]
    store.close()


def test_higher_layout_version_is_refused(filled: Path) -> None:
    connection = sqlite3.connect(filled)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(IncompatibleStoreError, match="layout 99"):
        SqliteStore(filled, COLLECTIONS)


def test_file_that_is_no_database_is_refused_and_kept(path: Path) -> None:
    path.write_bytes(b"precious" * 1000)
    with pytest.raises(IncompatibleStoreError):
        SqliteStore(path, COLLECTIONS)
    assert path.read_bytes() == b"precious" * 1000


def test_damaged_file_is_unavailable_so_that_no_message_dies_of_it(filled: Path) -> None:
    store = SqliteStore(filled, COLLECTIONS)
    store.insert(EVENTS, [event(number, body=bytes(3000)) for number in range(10, 60)])
    store.close()
    size = filled.stat().st_size
    with filled.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * (size - 8192))
    store = SqliteStore(filled, COLLECTIONS)
    with pytest.raises(StoreUnavailableError, match="malformed"):
        store.find(EVENTS)
    store.close()


def test_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match=r"node\.sqlite"):
        SqliteStore(tmp_path / "missing" / "node.sqlite", COLLECTIONS)


@pytest.mark.parametrize(
    "collection",
    [
        Collection(name="Bad Name", fields={"id": str}, key=("id",)),
        Collection(name="bad", fields={"a.b": str}, key=("a.b",)),
        Collection(name="bad", fields={'x" BLOB); --': str}, key=('x" BLOB); --',)),
        Collection(name="bad", fields={"id": float}, key=("id",)),  # type: ignore[dict-item]  # the mistake
        Collection(name="bad", fields={"id": str}, key=()),
        Collection(name="bad", fields={"id": str}, key=("other",)),
        Collection(name="bad", fields={"id": str}, key=("id", "id")),
        Collection(name="bad", fields={"id": str}, key=("id",), indexes=(("other",),)),
    ],
)
def test_unsound_declarations_are_refused(path: Path, collection: Collection) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        SqliteStore(path, [collection])
    assert not path.exists()


# a full disk


def test_full_disk_is_unavailable_keeps_nothing_of_the_call_and_heals(path: Path) -> None:
    store = SqliteStore(path, COLLECTIONS)
    store.insert(EVENTS, [event(1)])
    connection = store._writer._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreUnavailableError, match="full"):
        store.insert(EVENTS, [event(2), event(3, body=bytes(100_000))])
    with pytest.raises(StoreUnavailableError), store.batch():
        fill_and_go_on(store)
    assert store.find(EVENTS) == [event(1)]
    connection.execute("PRAGMA max_page_count = 1000000")
    store.insert(EVENTS, [event(3, body=bytes(100_000))])
    assert len(store.find(EVENTS)) == 2
    store.close()


def fill_and_go_on(store: DocumentStore) -> None:
    """Write as a caller that swallows the error; the batch must not commit the half that came after."""
    store.put(EVENTS, event(4))
    with suppress(StoreUnavailableError):
        store.put(EVENTS, event(5, body=bytes(100_000)))
    store.put(EVENTS, event(6))
