"""Transactions that wait for a block, in order of arrival.

The pool admits what the chain's state allows for the transaction alone, and for an account's waiting transactions
together: what they would spend is reserved, so nobody fills the pool with promises they cannot keep.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from anchor.account import address_of
from anchor.errors import PoolFullError, RejectedTransactionError
from anchor.parameters import Parameters
from anchor.payload import Anchor, Lease
from anchor.state import Draft, State
from anchor.transaction import Transaction, fee_of


class Mempool:
    """Keeps waiting transactions in memory; the service keeps them in its store too. Not safe for several threads."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._transactions: dict[bytes, Transaction] = {}
        self._anchors: dict[bytes, bytes] = {}
        self._reserved: Counter[bytes] = Counter()
        self._size = 0

    def __len__(self) -> int:
        return len(self._transactions)

    def __iter__(self) -> Iterator[Transaction]:
        return iter(tuple(self._transactions.values()))

    def __contains__(self, transaction_id: bytes) -> bool:
        return transaction_id in self._transactions

    def get(self, transaction_id: bytes) -> Transaction | None:
        """Return a waiting transaction by id, or None."""
        return self._transactions.get(transaction_id)

    def find_anchor(self, anchor: bytes) -> Transaction | None:
        """Return the first waiting transaction that anchors a hash, or None."""
        transaction_id = self._anchors.get(anchor)
        return None if transaction_id is None else self._transactions[transaction_id]

    def validate(self, transaction: Transaction, state: State) -> None:
        """Check that there is room and that the state allows it beside what waits already.

        Raises:
            PoolFullError: The pool is full.
            RejectedTransactionError: The state does not allow it.
        """
        limits = self._parameters
        size = self._size + len(transaction.encode())
        if len(self._transactions) >= limits.pool_transactions or size > limits.pool_bytes:
            raise PoolFullError("the mempool is full", hint="Send the transaction again in a minute.")
        Draft(state, limits).apply(transaction)
        for address, amount in self._claims(transaction).items():
            account = state.account(address)
            payable = max((state.account(item).spendable for item in account.sponsors), default=0)
            if self._reserved[address] + amount > max(account.spendable, payable):
                raise RejectedTransactionError(
                    "the account cannot pay this beside its waiting transactions",
                    hint="Wait until they are in a block.",
                )

    def add(self, transaction: Transaction) -> None:
        """Add a transaction that `validate` let pass."""
        self._transactions[transaction.id] = transaction
        self._size += len(transaction.encode())
        self._reserved.update(self._claims(transaction))
        for anchor in _anchors(transaction):
            self._anchors.setdefault(anchor, transaction.id)

    def remove(self, transactions: Iterable[Transaction]) -> None:
        """Drop transactions; those that are not there are passed over."""
        for transaction in transactions:
            stored = self._transactions.pop(transaction.id, None)
            if stored is None:
                continue
            self._size -= len(stored.encode())
            for address, amount in self._claims(stored).items():
                self._reserved[address] -= amount
                if not self._reserved[address]:
                    del self._reserved[address]
            for anchor in _anchors(stored):
                if self._anchors.get(anchor) == stored.id:
                    del self._anchors[anchor]

    def _claims(self, transaction: Transaction) -> dict[bytes, int]:
        """Return what the transaction may cost, by account."""
        payload, sender = transaction.payload, transaction.sender_address
        network = self._parameters.network
        payer = address_of(transaction.sponsor, network) if transaction.sponsor else sender
        claims = Counter({payer: fee_of(transaction, self._parameters)})
        claims[sender] += payload.amount if isinstance(payload, Lease) else payload.spent
        return claims


def _anchors(transaction: Transaction) -> tuple[bytes, ...]:
    return transaction.payload.anchors if isinstance(transaction.payload, Anchor) else ()
