"""An SQLite file for a service that asks other processes while it writes, and they write to the same file.

A `batch` of `SqliteStore` keeps all other writers out until it ends. Where the batch asks another process something,
and that process has to write before it answers, both would wait for each other. So here nothing is grouped: each write
is durable by itself, and who has to be alone on something takes a lease, as over a store on a server.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from eventchain.store.sqlite import SqliteStore


class SharedSqliteStore(SqliteStore):
    """Like `SqliteStore`, without batches."""

    needs_leases = True

    @contextmanager
    def batch(self) -> Iterator[None]:
        """See `DocumentStore.batch`. Each write is durable by itself."""
        yield
