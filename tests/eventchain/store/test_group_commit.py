"""Writers that wait together commit together, and one that fails takes nothing of the others with it."""

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from eventchain.store.errors import StoreUnavailableError
from eventchain.store.group_commit import MAX_MEMBERS, GroupCommit, open_connection


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.sqlite"


@pytest.fixture
def writer(path: Path) -> Iterator[GroupCommit]:
    connection = open_connection(path)
    connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)")
    writer = GroupCommit(connection, "file")
    yield writer
    with suppress(StoreUnavailableError):
        writer.close()


def stored(path: Path) -> list[int]:
    connection = sqlite3.connect(path)
    try:
        return [row[0] for row in connection.execute("SELECT n FROM t ORDER BY n")]
    finally:
        connection.close()


class Crowd:
    """Threads that are made to wait behind a first transaction, so that they form one group."""

    def __init__(self, writer: GroupCommit, count: int) -> None:
        self.writer = writer
        self.count = count
        self.statements: list[str] = []

    def run(self, body: object, path: Path) -> list[object]:
        assert callable(body)

        def write(number: int) -> object:
            try:
                with self.writer.transaction() as connection:
                    body(connection, number)
            except (StoreUnavailableError, RuntimeError) as error:
                return error
            return number in stored(path)

        with ThreadPoolExecutor(self.count) as pool:
            with suppress(StoreUnavailableError), self.writer.transaction() as connection:
                connection.set_trace_callback(self.statements.append)
                futures = [pool.submit(write, number) for number in range(self.count)]
                everybody_waits = threading.Event()
                while self.writer._waiting < self.count:
                    everybody_waits.wait(0.001)
            return [future.result() for future in futures]


def insert(connection: sqlite3.Connection, number: int) -> None:
    connection.execute("INSERT INTO t VALUES (?)", [number])


def test_waiting_writers_share_one_commit_and_return_after_it(writer: GroupCommit, path: Path) -> None:
    crowd = Crowd(writer, 8)
    assert crowd.run(insert, path) == [True] * 8
    assert crowd.statements.count("COMMIT") == 1


def test_group_has_a_limit(writer: GroupCommit, path: Path) -> None:
    crowd = Crowd(writer, MAX_MEMBERS + 8)
    assert crowd.run(insert, path) == [True] * crowd.count
    assert crowd.statements.count("COMMIT") == 2


def test_body_that_raises_takes_back_its_own_writes_only(writer: GroupCommit, path: Path) -> None:
    def body(connection: sqlite3.Connection, number: int) -> None:
        insert(connection, number)
        insert(connection, number + 100)
        if number % 2:
            raise RuntimeError("mine")

    results = Crowd(writer, 8).run(body, path)
    assert [result is True for result in results] == [True, False] * 4
    assert stored(path) == [0, 2, 4, 6, 100, 102, 104, 106]


def test_all_raise_when_the_engine_gives_up_the_transaction(writer: GroupCommit, path: Path) -> None:
    def body(connection: sqlite3.Connection, number: int) -> None:
        insert(connection, number)
        if number == 5:
            connection.execute("ROLLBACK")  # as a full disk would

    results = Crowd(writer, 6).run(body, path)
    kept = stored(path)
    assert isinstance(results[5], StoreUnavailableError)
    for number, result in enumerate(results):
        assert (number in kept) is (result is True)
        assert result is True or isinstance(result, StoreUnavailableError)
    with writer.transaction() as connection:
        insert(connection, 50)
    assert 50 in stored(path)


def test_all_raise_when_the_commit_fails(writer: GroupCommit, path: Path) -> None:
    with writer.transaction() as connection:
        connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("CREATE TABLE child (n REFERENCES t (n) DEFERRABLE INITIALLY DEFERRED)")

    def body(connection: sqlite3.Connection, number: int) -> None:
        insert(connection, number)
        connection.execute("INSERT INTO child VALUES (999)")  # broken only at COMMIT

    results = Crowd(writer, 4).run(body, path)
    assert all(isinstance(result, StoreUnavailableError) for result in results)
    assert stored(path) == []


def test_write_that_need_not_be_durable_stands_and_flushing_comes_back(writer: GroupCommit, path: Path) -> None:
    with writer.transaction(durable=False) as connection:
        insert(connection, 1)
    assert stored(path) == [1]
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    with pytest.raises(RuntimeError), writer.transaction(durable=False):
        raise RuntimeError
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2


def test_busy_file_is_unavailable_and_free_later(path: Path, writer: GroupCommit) -> None:
    with writer.transaction() as connection:
        pass
    connection.execute("PRAGMA busy_timeout = 20")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError, match="locked"), writer.transaction():
        pass
    other.execute("COMMIT")
    other.close()
    with writer.transaction() as connection:
        insert(connection, 1)
    assert stored(path) == [1]


class InterruptedLock:
    """A lock that interrupts the second thread which waits for it, once the first has handed its group on."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.turns = 0
        self.was_released = threading.Event()

    def acquire(self) -> bool:
        self.turns += 1
        if self.turns == 2:
            self.was_released.wait()
            raise KeyboardInterrupt
        return self.lock.acquire()

    def release(self) -> None:
        self.lock.release()
        self.was_released.set()


def test_interrupted_writer_still_commits_for_those_who_count_on_it(writer: GroupCommit, path: Path) -> None:
    lock = writer._turn = InterruptedLock()  # type: ignore[assignment]  # as much of a lock as is needed

    def interrupted() -> None:
        with writer.transaction() as connection:
            insert(connection, 2)

    with ThreadPoolExecutor(1) as pool:
        with writer.transaction() as connection:
            insert(connection, 1)
            second = pool.submit(interrupted)
            patience = threading.Event()
            while lock.turns < 2:
                patience.wait(0.001)
        assert stored(path) == [1]
        with pytest.raises(KeyboardInterrupt):
            second.result()
    writer._turn = threading.Lock()
