"""One SQLite file, one writing connection, and writers that wait together commit together.

A commit costs a flush of the disk, whatever it holds. While one thread flushes, others come to wait; they then take
turns on the connection, each within a savepoint, and hand the open transaction on instead of committing. Whoever finds
nobody waiting commits for all; only then do their calls return.

```
thread A   begin ─ writes ─ commit ═══ flush ═══╗
thread B            waits ······················╚═ begin ─ writes ─┐ hands on, waits ········┐
thread C               waits ·················· turn: savepoint ───┴─ writes ─ commit ═══════╧═ B and C return
```

A body that raises takes back its own writes only. If the commit fails, or SQLite gives up the transaction (full disk),
the call of every member raises, and nothing of the group is kept.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from eventchain.store.errors import IncompatibleStoreError, StoreUnavailableError

MAX_MEMBERS = 64
"""Bodies in one commit at most, so that the first never waits for an endless stream of others."""

BUSY_TIMEOUT_MS = 10_000
"""How long to wait for a writer in another process."""

_PAUSE_MS = 10

_CACHED_STATEMENTS = 512


def open_connection(path: Path) -> sqlite3.Connection:
    """Open a database file (made, readable by its owner alone, if it is not there) in WAL mode, flushing on commit.

    Raises:
        StoreUnavailableError: It cannot be opened.
        IncompatibleStoreError: It is no SQLite database, or its file system cannot hold a write-ahead log.
    """
    with translated_errors(path.name):
        try:
            path.touch(mode=0o600)
        except OSError as error:
            raise StoreUnavailableError(f"{path} cannot be opened: {error.strerror}") from error
        connection = sqlite3.connect(
            path,
            timeout=BUSY_TIMEOUT_MS / 1000,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_CACHED_STATEMENTS,
        )
        try:
            if _set_write_ahead_log(connection) != "wal":
                raise IncompatibleStoreError(
                    f"{path.name} cannot keep a write-ahead log", hint="Put it on a local disk, not a network share."
                )
            connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            connection.close()
            raise
        return connection


def _set_write_ahead_log(connection: sqlite3.Connection) -> str:
    """Return the journal mode after asking for a write-ahead log; this one request SQLite does not wait for itself."""
    for _ in range(BUSY_TIMEOUT_MS // _PAUSE_MS):
        try:
            return str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if _primary_code(error) != sqlite3.SQLITE_BUSY:
                raise
        time.sleep(_PAUSE_MS / 1000)
    raise StoreUnavailableError("another process holds the file", hint="Is it being copied or opened elsewhere?")


@contextmanager
def translated_errors(name: str) -> Iterator[None]:
    """Raise our errors for those of the engine, but for broken constraints, which their owner explains."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except sqlite3.OperationalError as error:
        raise StoreUnavailableError(f"{name}: {error}", hint="Is the disk full, or the file in use?") from error
    except sqlite3.DatabaseError as error:
        if _primary_code(error) == sqlite3.SQLITE_NOTADB:
            raise IncompatibleStoreError(f"{name}: {error}", hint="Is this the right file?") from error
        raise StoreUnavailableError(f"{name}: {error}", hint="Restore the file from a backup.") from error


def _primary_code(error: sqlite3.Error) -> int | None:
    """Return SQLite's result code without its extension, or None for an error of the Python module itself."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


class GroupCommit:
    """Turns on the one writing connection of a file. It owns the connection."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._turn = threading.Lock()
        self._counting = threading.Lock()
        self._waiting = 0
        self._group: _Group | None = None
        self._owner: int | None = None
        self._is_closed = False

    @property
    def is_mine(self) -> bool:
        """Whether this thread is inside a transaction."""
        return self._owner == threading.get_ident()

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """Give the connection for a transaction of this thread; the outermost of nested ones decides.

        Args:
            durable: Whether the writes are on the disk when the context ends. If not, they survive the death of the
                process, may be lost with the power, and cost no flush.

        Raises:
            StoreUnavailableError: The writes were not kept.
        """
        with translated_errors(self._name):
            if self.is_mine:
                yield self._connection
                return
            group = self._enter(durable)
            try:
                yield self._connection
            except BaseException:
                self._leave(group, keep=False)
                raise
            self._leave(group, keep=True)

    def close(self) -> None:
        """Close the connection, after the transaction that is open."""
        with self._turn:
            self._is_closed = True
            self._connection.close()

    def _enter(self, durable: bool) -> "_Group":
        self._wait_for_turn()
        try:
            if self._is_closed:
                raise StoreUnavailableError(f"{self._name} is closed")
            group = self._group
            if group is None:
                group = _Group(durable)
                if not durable:
                    self._connection.execute("PRAGMA synchronous = NORMAL")
                self._connection.execute("BEGIN IMMEDIATE")
                self._group = group
            group.members += 1
            self._connection.execute("SAVEPOINT member")
        except BaseException as error:
            self._abandon(error)
            self._turn.release()
            raise
        self._owner = threading.get_ident()
        return group

    def _wait_for_turn(self) -> None:
        with self._counting:
            self._waiting += 1
        try:
            self._turn.acquire()
        except BaseException:  # interrupted; but a group may count on this thread
            self._turn.acquire()
            with self._counting:
                self._waiting -= 1
            self._finish_or_hand_on()
            raise
        with self._counting:
            self._waiting -= 1

    def _leave(self, group: "_Group", *, keep: bool) -> None:
        self._owner = None
        try:
            if not self._connection.in_transaction:
                self._abandon(StoreUnavailableError(f"{self._name}: the engine gave up the transaction"))
            elif keep:
                self._connection.execute("RELEASE member")
            else:
                self._connection.execute("ROLLBACK TO member")
                self._connection.execute("RELEASE member")
        except sqlite3.Error as error:
            self._abandon(error)
        self._finish_or_hand_on()
        if keep:
            group.wait(self._name)

    def _finish_or_hand_on(self) -> None:
        """Commit the open group, unless somebody waits who will; end this thread's turn."""
        group = self._group
        try:
            if group is None or (group.durable and self._waiting and group.members < MAX_MEMBERS):
                return
            try:
                self._connection.execute("COMMIT")
                if not group.durable:
                    self._connection.execute("PRAGMA synchronous = FULL")
            except sqlite3.Error as error:
                self._abandon(error)
                return
            self._group = None
            group.done.set()
        finally:
            self._turn.release()

    def _abandon(self, error: BaseException) -> None:
        """Give up the open group: roll back, and let the call of every member raise."""
        group, self._group = self._group, None
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._connection.execute("PRAGMA synchronous = FULL")
        if group is not None:
            group.error = error
            group.done.set()


class _Group:
    """The members of one commit, and how it ended."""

    def __init__(self, durable: bool) -> None:
        self.durable = durable
        self.members = 0
        self.done = threading.Event()
        self.error: BaseException | None = None

    def wait(self, name: str) -> None:
        self.done.wait()
        if self.error is not None:
            raise StoreUnavailableError(f"{name}: the write was not kept: {self.error}") from self.error
