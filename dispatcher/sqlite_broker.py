"""A broker in a SQLite file, for a node whose services run in one process.

```
dispatcher_message   seq (order of arrival), queue, id, group, headers, attempts, failure, due, lease
dispatcher_body      seq, body: apart, so that a lease does not write a large body again
dispatcher_dead      id, seq (order of death), queue, message_id, group, body, headers, attempts, reason, died_at
dispatcher_layout    version of these tables
```

The file may be the store's, but is better one of its own: the two then flush side by side and never wait for each
other. (In one file, publishing inside the store's `batch` would wait for itself.)

What `publish`, `ack`, `retry`, `reject`, `requeue` and `discard` do is on the disk when they return. A lease is written
without a flush: it survives the death of the process, so that a message that kills its process counts an attempt each
time and ends as a dead letter, and it may be lost with the power, when nobody holds it any more. One process per file:
`<file>.lock` is held while the broker is open, and opening releases the leases of the dead.
"""

# ruff: noqa: S608 - statements are put together from the constants below; values are always parameters.

import itertools
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dispatcher.errors import BrokerClosedError, DeadLetterNotFoundError, QueueTakenError
from dispatcher.message import PROCESS_ENDED, DeadLetter, Delivery, Depth, Message, printable
from dispatcher.wake_up import WakeUp
from eventchain.core.clock import Clock
from eventchain.store.errors import IncompatibleStoreError, StoreUnavailableError
from eventchain.store.group_commit import GroupCommit, open_connection, translated_errors

LAYOUT_VERSION = 1

MAX_RECEIVED_BYTES = 64 * 1024 * 1024
"""Bodies that one `receive` takes into memory, unless a single one is larger."""

_LAYOUT = (
    "CREATE TABLE dispatcher_layout (version INTEGER NOT NULL)",
    f"INSERT INTO dispatcher_layout VALUES ({LAYOUT_VERSION})",
    """CREATE TABLE dispatcher_message (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, id TEXT NOT NULL, "group" TEXT NOT NULL,
        headers TEXT NOT NULL, attempts INTEGER NOT NULL, failure TEXT NOT NULL, due INTEGER NOT NULL, lease TEXT,
        UNIQUE (queue, id))""",
    "CREATE TABLE dispatcher_body (seq INTEGER PRIMARY KEY, body BLOB NOT NULL)",
    """CREATE TRIGGER dispatcher_message_gone AFTER DELETE ON dispatcher_message
        BEGIN DELETE FROM dispatcher_body WHERE seq = OLD.seq; END""",
    "CREATE INDEX dispatcher_message_waiting ON dispatcher_message (queue, seq) WHERE lease IS NULL",
    "CREATE INDEX dispatcher_message_due ON dispatcher_message (queue, due) WHERE lease IS NULL",
    'CREATE INDEX dispatcher_message_group ON dispatcher_message (queue, "group", seq) WHERE lease IS NULL',
    'CREATE INDEX dispatcher_message_leased ON dispatcher_message (queue, "group") WHERE lease IS NOT NULL',
    """CREATE TABLE dispatcher_dead (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, queue TEXT NOT NULL, message_id TEXT NOT NULL,
        "group" TEXT NOT NULL, body BLOB NOT NULL, headers TEXT NOT NULL, attempts INTEGER NOT NULL,
        reason TEXT NOT NULL, died_at INTEGER NOT NULL)""",
)

_FREE = """queue = ? AND lease IS NULL AND NOT EXISTS (
    SELECT 1 FROM dispatcher_message AS l WHERE l.queue = m.queue AND l."group" = m."group" AND l.lease IS NOT NULL)"""
"""Messages that wait in groups of which nothing is leased."""

# Without the indexes named, SQLite would look at all that is due, for every group again.
_HEAD = f"""SELECT "group" FROM dispatcher_message AS m INDEXED BY dispatcher_message_waiting
    WHERE {_FREE} AND due <= ? ORDER BY seq LIMIT 1"""

_GROUP = """SELECT seq, queue, id, "group", body, headers, attempts, failure
    FROM dispatcher_message INDEXED BY dispatcher_message_group JOIN dispatcher_body USING (seq)
    WHERE queue = ? AND "group" = ? AND lease IS NULL AND due <= ? ORDER BY seq LIMIT ?"""

_BODY = 4
"""Place of the body in a row of `_GROUP`."""

_NEXT_DUE = f"""SELECT due FROM dispatcher_message AS m INDEXED BY dispatcher_message_due
    WHERE {_FREE} ORDER BY due LIMIT 1"""


class SqliteBroker:
    """Keeps messages in tables of one SQLite file."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Open the file, make its tables if they are not there, and release the leases of a process that died.

        Raises:
            StoreUnavailableError: The file cannot be opened.
            QueueTakenError: Another process has its broker open.
            IncompatibleStoreError: It was written by a version that this one does not understand.
        """
        self._clock = clock
        self._wake_up = WakeUp(clock)
        self._leases = itertools.count(1)
        self._is_closed = False
        self._lock = _lock_file(path.with_name(path.name + ".lock"))
        try:
            self._writer = GroupCommit(open_connection(path), path.name)
        except BaseException:
            self._lock.close()
            raise
        try:
            with self._writer.transaction() as connection:
                _prepare(connection)
        except BaseException:
            self._writer.close()
            self._lock.close()
            raise

    def publish(self, messages: Sequence[Message]) -> None:
        """See `Broker.publish`."""
        if not messages:
            return
        with self._writing() as connection:
            for message in messages:
                self._add(connection, message)

    def receive(self, queue: str, limit: int) -> list[Delivery]:
        """See `Broker.receive`."""
        deliveries: list[Delivery] = []
        now, size = self._clock(), 0
        with self._transaction(durable=False) as connection:
            while len(deliveries) < limit and size < MAX_RECEIVED_BYTES:
                if not (head := connection.execute(_HEAD, (queue, now)).fetchone()):
                    break
                for row in _take_group(connection, queue, head[0], now, limit - len(deliveries), size):
                    seq, message = row[0], _message(*row[1:])
                    size += len(message.body)
                    deliveries.append(self._lease(connection, seq, message))
        return deliveries

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """See `Broker.ack`."""
        if not deliveries:
            return
        with self._writing() as connection:
            connection.executemany(
                "DELETE FROM dispatcher_message WHERE queue = ? AND id = ? AND lease = ?", map(_lease_key, deliveries)
            )

    def retry(self, delivery: Delivery, reason: str, delay_ms: int) -> None:
        """See `Broker.retry`."""
        with self._writing() as connection:
            connection.execute(
                """UPDATE dispatcher_message SET lease = NULL, attempts = attempts + 1, failure = ?, due = ?
                WHERE queue = ? AND id = ? AND lease = ?""",
                (printable(reason), self._clock() + delay_ms, *_lease_key(delivery)),
            )

    def reject(self, delivery: Delivery, reason: str) -> None:
        """See `Broker.reject`."""
        with self._writing() as connection:
            connection.execute(
                """INSERT OR REPLACE INTO dispatcher_dead
                    (id, queue, message_id, "group", body, headers, attempts, reason, died_at)
                SELECT queue || '.' || id, queue, id, "group", body, headers, attempts + 1, ?, ?
                FROM dispatcher_message JOIN dispatcher_body USING (seq) WHERE queue = ? AND id = ? AND lease = ?""",
                (printable(reason), self._clock(), *_lease_key(delivery)),
            )
            connection.execute(
                "DELETE FROM dispatcher_message WHERE queue = ? AND id = ? AND lease = ?", _lease_key(delivery)
            )

    def dead_letters(self, queue: str | None = None) -> list[DeadLetter]:
        """See `Broker.dead_letters`."""
        with self._transaction(durable=False) as connection:
            rows = connection.execute(
                """SELECT queue, message_id, "group", length(body), attempts, reason, died_at FROM dispatcher_dead
                WHERE ? IN (queue, '') ORDER BY seq""",
                (queue or "",),
            ).fetchall()
        return [
            DeadLetter(
                queue=row[0],
                message_id=row[1],
                group=row[2],
                size=row[3],
                attempts=row[4],
                reason=row[5],
                died_at=row[6],
            )
            for row in rows
        ]

    def requeue(self, letter_id: str) -> None:
        """See `Broker.requeue`."""
        with self._writing() as connection:
            row = connection.execute(
                """SELECT queue, message_id, "group", body, headers, attempts, reason
                FROM dispatcher_dead WHERE id = ?""",
                (letter_id,),
            ).fetchone()
            _delete_dead(connection, letter_id)
            self._add(connection, _message(*row))

    def discard(self, letter_id: str) -> None:
        """See `Broker.discard`."""
        with self._writing() as connection:
            _delete_dead(connection, letter_id)

    def depth(self, queue: str) -> Depth:
        """See `Broker.depth`."""
        with self._transaction(durable=False) as connection:
            counts = [
                connection.execute(f"SELECT count(*) FROM {rows}", (queue,)).fetchone()[0]
                for rows in (
                    "dispatcher_message WHERE queue = ? AND lease IS NULL",
                    "dispatcher_message WHERE queue = ? AND lease IS NOT NULL",
                    "dispatcher_dead WHERE queue = ?",
                )
            ]
        return Depth(waiting=counts[0], leased=counts[1], dead=counts[2])

    def oldest_due(self, queue: str) -> int | None:
        """Return since when (ms since 1970) the message that waits longest may be handled; None if none waits."""
        with self._transaction(durable=False) as connection:
            found = connection.execute(
                "SELECT min(due) FROM dispatcher_message WHERE queue = ? AND lease IS NULL", (queue,)
            ).fetchone()[0]
        return None if found is None else int(found)

    def wait(self, queue: str, timeout_ms: int) -> bool:
        """See `Broker.wait`."""
        return self._wake_up.wait(lambda: self._next_due(queue), timeout_ms)

    def close(self) -> None:
        """See `Broker.close`."""
        self._wake_up.close()
        if self._is_closed:
            return
        self._is_closed = True
        self._writer.close()
        self._lock.close()

    @contextmanager
    def _transaction(self, *, durable: bool) -> Iterator[sqlite3.Connection]:
        if self._is_closed:
            raise BrokerClosedError("the broker is closed")
        with self._writer.transaction(durable=durable) as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for a durable transaction, and wake who waits when it stands."""
        with self._transaction(durable=True) as connection:
            yield connection
        self._wake_up.notify()

    def _add(self, connection: sqlite3.Connection, message: Message) -> None:
        headers = json.dumps(dict(message.headers))
        added = connection.execute(
            """INSERT INTO dispatcher_message (queue, id, "group", headers, attempts, failure, due)
            VALUES (?, ?, ?, ?, 0, '', ?) ON CONFLICT (queue, id) DO NOTHING""",
            (message.queue, message.id, message.group, headers, self._clock()),
        )
        if added.rowcount:
            connection.execute("INSERT INTO dispatcher_body VALUES (?, ?)", (added.lastrowid, message.body))

    def _lease(self, connection: sqlite3.Connection, seq: int, message: Message) -> Delivery:
        tag = f"{seq}.{message.attempts}.{next(self._leases)}"  # never used before, in no earlier process either
        connection.execute("UPDATE dispatcher_message SET lease = ? WHERE seq = ?", (tag, seq))
        return Delivery(message=message, tag=tag)

    def _next_due(self, queue: str) -> int | None:
        with self._transaction(durable=False) as connection:
            row = connection.execute(_NEXT_DUE, (queue,)).fetchone()
        return row[0] if row else None


def _lock_file(path: Path) -> sqlite3.Connection:
    """Take the lock that the operating system gives back when the process ends, however it ends."""
    with translated_errors(path.name):
        try:
            path.touch(mode=0o600)
        except OSError as error:
            raise StoreUnavailableError(f"{path} cannot be opened: {error.strerror}") from error
        connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            connection.close()
            raise QueueTakenError(
                f"another process has this queue open: {path.with_suffix('')}",
                hint="Two nodes cannot share it. Stop the other process, or name another data directory with --data.",
            ) from None
        return connection


def _prepare(connection: sqlite3.Connection) -> None:
    tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'dispatcher_layout'")
    if not tables.fetchone()[0]:
        for statement in _LAYOUT:
            connection.execute(statement)
    version = connection.execute("SELECT max(version) FROM dispatcher_layout").fetchone()[0]
    if version != LAYOUT_VERSION:
        raise IncompatibleStoreError(
            f"the queue has layout {version}, and this node knows {LAYOUT_VERSION}",
            hint="Run the version of the node that wrote it.",
        )
    connection.execute(
        "UPDATE dispatcher_message SET lease = NULL, attempts = attempts + 1, failure = ? WHERE lease IS NOT NULL",
        (PROCESS_ENDED,),
    )


def _take_group(
    connection: sqlite3.Connection, queue: str, group: str, now: int, limit: int, size: int
) -> list[tuple[Any, ...]]:
    """Return the rows of a group that may go, with no more bodies than fit beside `size` bytes, but one at least."""
    rows = []
    for row in connection.execute(_GROUP, (queue, group, now, limit)):
        rows.append(row)
        size += len(row[_BODY])
        if size >= MAX_RECEIVED_BYTES:
            break
    return rows


def _message(
    queue: str, message_id: str, group: str, body: bytes, headers: str, attempts: int, failure: str
) -> Message:
    return Message(
        queue=queue,
        id=message_id,
        group=group,
        body=body,
        headers=json.loads(headers),
        attempts=attempts,
        failure=failure,
    )


def _lease_key(delivery: Delivery) -> tuple[str, str, str]:
    return delivery.message.queue, delivery.message.id, delivery.tag


def _delete_dead(connection: sqlite3.Connection, letter_id: str) -> None:
    if not connection.execute("DELETE FROM dispatcher_dead WHERE id = ?", (letter_id,)).rowcount:
        raise DeadLetterNotFoundError(f"there is no dead letter {printable(letter_id)}")
