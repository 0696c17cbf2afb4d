"""The waiting transactions of all copies of the anchor service: in the store, and in the memory of each copy.

Rows are numbered, and `anchor_pool_top` holds the highest number given. A copy writes its rows above the top and then
moves the top, if nobody else did meanwhile; only then does it acknowledge. So whoever reads the top first and then the
rows beyond what it knew has everything that was acknowledged. In a store that groups writes this succeeds at once.

Rows leave when their block is stored and indexed. Copies that do not forge notice when they `reload`.
"""

from collections.abc import Callable, Iterator, Sequence

from anchor.errors import InvalidTransactionError
from anchor.index import POOL, POOL_TOP, Index
from anchor.mempool import Mempool
from anchor.parameters import Parameters
from anchor.transaction import AnyTransaction, Transaction, parse
from eventchain.store.document_store import Document, DocumentStore, DuplicateError

_TOP: Document = {"slot": 0}


class Waiting:
    """The mempool, kept in step with the store. Not safe for several threads: the service holds its lock."""

    def __init__(self, store: DocumentStore, index: Index, parameters: Parameters) -> None:
        """Read what waits.

        Args:
            store: Of all copies.
            index: Tells what is on the chain already.
            parameters: Of the chain.
        """
        self._store = store
        self._index = index
        self._parameters = parameters
        self._known = -1
        self.pool = Mempool(parameters)
        self._begin()
        self.reload()

    def take_in(self, transactions: Sequence[Transaction], validate: Callable[[Transaction], None]) -> None:
        """Let transactions wait: all of them or none; durable, and known to all copies, when the call returns.

        Args:
            transactions: In their order.
            validate: Raises if one may not wait beside those before it.
        """
        added: list[Transaction] = []
        try:
            for transaction in transactions:
                validate(transaction)
                self.pool.add(transaction)
                added.append(transaction)
            before = self._store_rows(transactions)
        except Exception:
            self.pool.remove(added)
            raise
        if before == self._known:
            self._known += len(transactions)

    def refresh(self) -> None:
        """Read what other copies took in since the last look; one small read if there is nothing."""
        top = self._top()
        if top <= self._known:
            return
        for transaction in self._rows(after=self._known):
            if transaction.id not in self.pool and self._index.find_transaction(transaction.id) is None:
                self.pool.add(transaction)
        self._known = top

    def reload(self) -> None:
        """Read everything anew: what is not stored any more goes, and what came into a block meanwhile goes too."""
        top = self._top()
        waiting: list[Transaction] = []
        done: list[Transaction] = []
        for transaction in self._rows(after=None):
            is_done = self._index.find_transaction(transaction.id) is not None
            (done if is_done else waiting).append(transaction)
        pool = Mempool(self._parameters)
        for transaction in waiting:
            pool.add(transaction)
        self.pool, self._known = pool, top
        self._delete(done)

    def remove(self, transactions: Sequence[AnyTransaction]) -> None:
        """Forget transactions, in memory and store."""
        self.pool.remove([transaction for transaction in transactions if isinstance(transaction, Transaction)])
        self._delete(transactions)

    def _begin(self) -> None:
        """Start the count where a store has none yet."""
        if self._store.get(POOL_TOP, _TOP) is None:
            last = self._store.find(POOL, order_by="number", descending=True, limit=1)
            try:
                self._store.insert(POOL_TOP, [{"slot": 0, "number": _number(last[0]) if last else -1}])
            except DuplicateError:
                return

    def _top(self) -> int:
        found = self._store.get(POOL_TOP, _TOP)
        return -1 if found is None else _number(found)

    def _store_rows(self, transactions: Sequence[Transaction]) -> int:
        """Write rows and move the top over them; return where it was."""
        with self._store.batch():
            while True:
                top = self._top()
                rows: list[Document] = [
                    {"id": transaction.id, "number": top + 1 + offset, "transaction": transaction.encode()}
                    for offset, transaction in enumerate(transactions)
                ]
                self._put(rows)
                if self._store.update(POOL_TOP, _TOP, {"number": top + len(rows)}, expected={"number": top}):
                    return top

    def _put(self, rows: Sequence[Document]) -> None:
        """Write rows; those that are there, from another copy or an attempt before, get the new number."""
        try:
            self._store.insert(POOL, rows)
        except DuplicateError as error:
            for row in rows[error.index :]:
                self._store.put(POOL, row)

    def _rows(self, *, after: int | None) -> Iterator[Transaction]:
        """Yield what stands in the rows beyond a number, in order."""
        for document in self._store.find(POOL, order_by="number", after=after):
            found = parse(_bytes(document, "transaction"), self._parameters.network)
            if not isinstance(found, Transaction):
                raise InvalidTransactionError("a genesis transaction waits")
            yield found

    def _delete(self, transactions: Sequence[AnyTransaction]) -> None:
        if transactions:
            with self._store.batch():
                for transaction in transactions:
                    self._store.delete(POOL, {"id": transaction.id})


def _number(document: Document) -> int:
    value = document["number"]
    if not isinstance(value, int):
        raise TypeError("number should be an integer")
    return value


def _bytes(document: Document, name: str) -> bytes:
    value = document[name]
    if not isinstance(value, bytes):
        raise TypeError(f"{name} should be bytes")
    return value
