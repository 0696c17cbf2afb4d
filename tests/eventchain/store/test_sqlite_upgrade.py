"""A file grows into a newer declaration; before that it is copied beside, whole, and once."""

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from eventchain.store import sqlite_schema
from eventchain.store.document_store import Collection
from eventchain.store.errors import IncompatibleStoreError, StoreUnavailableError
from eventchain.store.sqlite import SqliteStore
from tests.contracts.document_store import COLLECTIONS, EVENTS, event

GROWN = replace(EVENTS, fields={**EVENTS.fields, "height": int}, indexes=(*EVENTS.indexes, ("height",)))
ADDED = Collection(name="added", fields={"id": str}, key=("id",))


def declared(*changed: Collection) -> list[Collection]:
    """Return the collections with some changed or added."""
    return list(({item.name: item for item in COLLECTIONS} | {item.name: item for item in changed}).values())


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "node.db"
    store = SqliteStore(path, COLLECTIONS)
    store.insert(EVENTS, [event(1), event(2)])
    store.close()
    yield path
    assert [item.name for item in tmp_path.iterdir() if "unfinished" in item.name] == []


def copies(path: Path) -> list[str]:
    return sorted(item.name for item in path.parent.glob("*before*"))


def test_file_is_copied_before_a_table_changes(old: Path) -> None:
    store = SqliteStore(old, declared(GROWN), label="2.0")
    assert store.find(GROWN) == [event(1, height=None), event(2, height=None)]
    store.put(GROWN, event(3, height=1))
    store.close()
    assert copies(old) == ["node.db.before-2.0"]
    copy = old.with_name("node.db.before-2.0")
    assert copy.stat().st_mode & 0o777 == 0o600
    store = SqliteStore(copy, COLLECTIONS)
    assert store.find(EVENTS) == [event(1), event(2)]
    store.close()


def test_copy_put_back_is_the_store_as_it_was(old: Path) -> None:
    SqliteStore(old, declared(GROWN), label="2.0").close()
    with pytest.raises(IncompatibleStoreError, match="height") as refused:
        SqliteStore(old, COLLECTIONS)
    assert "copy it made before" in str(refused.value)
    old.with_name("node.db.before-2.0").replace(old)
    store = SqliteStore(old, COLLECTIONS)
    assert store.find(EVENTS) == [event(1), event(2)]
    store.close()


def test_nothing_is_copied_where_no_table_changes(old: Path, tmp_path: Path) -> None:
    SqliteStore(tmp_path / "new.db", declared(GROWN), label="2.0").close()
    for collections in (COLLECTIONS, declared(ADDED), [ADDED], declared(ADDED)):
        SqliteStore(old, collections, label="2.0").close()
    assert copies(old) == []
    SqliteStore(old, declared(GROWN), label="2.0").close()
    SqliteStore(old, declared(GROWN), label="3.0").close()
    assert copies(old) == ["node.db.before-2.0"]


def test_refused_file_is_not_copied(old: Path) -> None:
    for wrong in (replace(GROWN, key=("hash",)), replace(GROWN, unique=())):
        with pytest.raises(IncompatibleStoreError):
            SqliteStore(old, declared(wrong), label="2.0")
    assert copies(old) == []


def test_change_that_fails_is_taken_back_and_copied_again(old: Path) -> None:
    store = SqliteStore(old, COLLECTIONS)
    store.insert(EVENTS, [event(8, body=b"same"), event(9, body=b"same")])
    store.close()
    narrow = replace(GROWN, unique=(*EVENTS.unique, ("chain", "body")))
    for expected in (["node.db.before-2.0"], ["node.db.before-2.0", "node.db.before-2.0-2"]):
        with pytest.raises(IncompatibleStoreError, match="allows once"):
            SqliteStore(old, declared(narrow), label="2.0")
        assert copies(old) == expected
    store = SqliteStore(old, COLLECTIONS)
    assert len(store.find(EVENTS)) == 4
    store.close()


def test_file_that_cannot_be_copied_is_not_changed(old: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="cannot be copied"):
        SqliteStore(old, declared(GROWN), label="x" * 300)
    store = SqliteStore(old, COLLECTIONS)
    assert store.find(EVENTS) == [event(1), event(2)]
    store.close()


def test_copy_holds_what_another_process_has_only_in_its_log(old: Path) -> None:
    other = SqliteStore(old, COLLECTIONS)
    other.insert(EVENTS, [event(3)])
    SqliteStore(old, declared(GROWN), label="2.0").close()
    other.close()
    store = SqliteStore(old.with_name("node.db.before-2.0"), COLLECTIONS)
    assert store.find(EVENTS) == [event(1), event(2), event(3)]
    store.close()


def test_of_several_that_open_at_once_one_copies(old: Path) -> None:
    opened: list[SqliteStore] = []
    threads = [
        threading.Thread(target=lambda: opened.append(SqliteStore(old, declared(GROWN), label="2.0"))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 6
    for store in opened:
        assert len(store.find(GROWN)) == 2
        store.close()
    assert copies(old) == ["node.db.before-2.0"]


def test_planning_writes_nothing(old: Path) -> None:
    connection = sqlite3.connect(f"file:{old}?mode=ro", uri=True)
    planned = sqlite_schema.plan(connection, declared(GROWN, ADDED))
    connection.close()
    assert planned.changes_tables
    assert [statement.split()[0] for statement, _ in planned.statements] == ["ALTER", "CREATE", "CREATE"]
