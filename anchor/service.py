"""The anchor service: takes hashes and transactions in, forges with one account, and gives receipts.

What comes in is stored before it is acknowledged, and leaves the mempool's storage only after the block that holds it
is stored; killed in between, a node finds both and drops the waiting one. Everything that decides is in the pure
modules; here is the lock, the clock, the store and the forging loop, which is the only place that knows of one forger.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from anchor import chain as chains
from anchor import forge, merkle
from anchor import receipt as receipts
from anchor.anchoring import Anchoring, parse_hash
from anchor.block import Block, Header, anchors_of
from anchor.chain import Chain
from anchor.errors import (
    InvalidAnchorError,
    InvalidBlockError,
    OutOfFundsError,
    RejectedTransactionError,
    UnknownBlockError,
)
from anchor.index import Index, Place
from anchor.ledger import Ledger
from anchor.mempool import Mempool
from anchor.parameters import Parameters
from anchor.payload import MAX_ANCHORS, Anchor
from anchor.receipt import Receipt
from anchor.state import State
from anchor.transaction import AnyTransaction, Transaction
from eventchain.core import base58
from eventchain.core.clock import Clock
from eventchain.core.errors import LiveContractError
from eventchain.core.keys import KeyPair
from eventchain.store.document_store import DocumentStore

MAX_SUBMITTED = 10_000
"""Hashes in one call of `submit`."""

_LOG = structlog.get_logger(__name__)


class AnchorService:
    """A node of the public chain with one account, which pays for anchors and forges. Safe for several threads.

    One service at a time may forge with an account and write to a store; reading goes with any number.
    """

    def __init__(self, store: DocumentStore, account: KeyPair, parameters: Parameters, *, clock: Clock) -> None:
        """Open the chain in the store; a store without one gets a first block that gives the account all money.

        Args:
            store: Made with `anchor.index.COLLECTIONS`.
            account: Pays for anchors and forges.
            parameters: Of the chain.
            clock: Milliseconds since 1970.

        Raises:
            InvalidBlockError: The store holds a damaged chain.
        """
        self._index = Index(store, parameters.network)
        self._ledger = Ledger(self._index, parameters)
        self._account = account
        self._parameters = parameters
        self._clock = clock
        self._lock = threading.RLock()
        self._pool = Mempool(parameters)
        self._number = 0
        self._last_microblock = 0
        if self._ledger.is_empty:
            self._ledger.begin(forge.development_genesis(account, clock(), parameters))
        self._load_pool()

    @property
    def parameters(self) -> Parameters:
        """The rules of the chain."""
        return self._parameters

    @property
    def chain(self) -> Chain:
        """The chain as it is now: a value, so it may be read without the lock."""
        with self._lock:
            return self._ledger.chain

    @property
    def clock(self) -> Clock:
        """The clock of this node."""
        return self._clock

    # Taking in

    def submit(self, hashes: Sequence[str]) -> list[Anchoring]:
        """Have hashes (base58) anchored; durable when the call returns. A hash that is known is not paid twice.

        Raises:
            InvalidAnchorError: One of them is no hash, or they are too many.
            OutOfFundsError: The account cannot pay.
            PoolFullError: Too much is waiting.
        """
        if len(hashes) > MAX_SUBMITTED:
            raise InvalidAnchorError(f"{len(hashes)} hashes are too many; one call takes {MAX_SUBMITTED}")
        wanted = {parse_hash(text, path=f"$[{index}]"): None for index, text in enumerate(hashes)}
        with self._lock:
            fresh = [anchor for anchor in wanted if not self._is_known(anchor)]
            batches = [fresh[start : start + MAX_ANCHORS] for start in range(0, len(fresh), MAX_ANCHORS)]
            self._take_in([self._anchor_transaction(batch) for batch in batches])
            return [self._anchoring(parse_hash(text)) for text in hashes]

    def broadcast(self, transaction: Transaction) -> None:
        """Take a signed transaction in; durable when the call returns. One that waits already is taken as sent again.

        Raises:
            InvalidTransactionError: It is malformed, wrongly signed, or not possible.
            PoolFullError: Too much is waiting.
        """
        chains.check_transaction(transaction, self._parameters)
        with self._lock:
            if transaction.id not in self._pool:
                self._take_in([transaction])

    # Asking

    def find(self, hash_text: str) -> Anchoring | None:
        """Return how far a hash (base58) is, or None if it was never submitted.

        Raises:
            InvalidAnchorError: It is no hash.
        """
        anchor = parse_hash(hash_text)
        with self._lock:
            return self._anchoring(anchor) if self._is_known(anchor) else None

    def receipt(self, hash_text: str) -> Receipt | None:
        """Return the final receipt of a hash (base58); None if it is unknown, or no key block follows its block yet.

        Raises:
            InvalidAnchorError: It is no hash.
        """
        anchor = parse_hash(hash_text)
        with self._lock:
            place, height = self._index.find_hash(anchor), self._ledger.chain.height
        if place is None or place.height >= height:
            return None
        return self._prover(place.height)(anchor, place)

    def receipts(self, hashes: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the final receipts there are for these hashes (base58), as JSON objects.

        Raises:
            InvalidAnchorError: One of them is no hash.
        """
        anchors = {text: parse_hash(text) for text in hashes}
        top = self.chain.height
        by_height: dict[int, dict[str, Place]] = defaultdict(dict)
        for text, anchor in anchors.items():
            place = self._index.find_hash(anchor)
            if place is not None and place.height < top:
                by_height[place.height][text] = place
        found: dict[str, dict[str, Any]] = {}
        for height, places in by_height.items():
            prove = self._prover(height)
            found |= {text: prove(anchors[text], place).to_dict() for text, place in places.items()}
        return found

    def headers(self, first: int, last: int) -> list[Header]:
        """Return the headers of the final blocks at heights `first` to `last` (inclusive, as far as there are any)."""
        first, last = max(first, 1), min(last, self.chain.height - 1)
        return self._index.headers(first, last) if first <= last else []

    def block_at(self, height: int) -> Block:
        """Return the block at a height; the newest one may still grow.

        Raises:
            UnknownBlockError: There is none.
        """
        block = self._index.block_at(height) if 0 < height <= self.chain.height else None
        if block is None:
            raise UnknownBlockError(f"there is no block at height {height}")
        return block

    def block_by_signature(self, signature: bytes) -> tuple[int, Block]:
        """Return the height and the block that has this signature.

        Raises:
            UnknownBlockError: There is none.
        """
        found = self._index.block_by_signature(signature)
        if found is None:
            raise UnknownBlockError("there is no block with this signature")
        return found

    def find_transaction(self, transaction_id: bytes) -> tuple[AnyTransaction, Place] | None:
        """Return a transaction on the chain and its place, or None."""
        place = self._index.find_transaction(transaction_id)
        if place is None:
            return None
        return self.block_at(place.height).transactions[place.position], place

    def unconfirmed(self) -> tuple[Transaction, ...]:
        """Return the waiting transactions in their order."""
        with self._lock:
            return tuple(self._pool)

    # Forging

    def step(self, now: int | None = None) -> bool:
        """Forge what is due at `now` (the clock's time if None), and say whether anything was.

        A key block comes first, so that transactions never enter a block that is older than its turn allows.
        """
        moment = self._clock() if now is None else now
        with self._lock:
            forged_block = self._forge_block(moment)
            forged_microblock = self._forge_microblock(moment)
        return forged_block or forged_microblock

    def run(self, stop: threading.Event) -> None:
        """Forge until `stop` is set. A step that fails is logged and tried again."""
        while not stop.is_set():
            wait = self._parameters.microblock_time
            try:
                self.step()
                wait = self._wait()
            except Exception:  # noqa: BLE001 (the loop outlives any failure of one step)
                _LOG.exception("forging failed; trying again")
                wait = self._parameters.block_time
            stop.wait(wait / 1000)

    def _wait(self) -> int:
        """Return milliseconds until something may be due."""
        with self._lock:
            turn = forge.next_turn(self._ledger.chain, self._account, self._parameters)
        remaining = self._parameters.block_time if turn is None else turn.due - self._clock()
        return max(1, min(remaining, self._parameters.microblock_time))

    def _forge_block(self, now: int) -> bool:
        chain = self._ledger.chain
        turn = forge.next_turn(chain, self._account, self._parameters)
        if turn is None or now < turn.due:
            return False
        block = forge.forge_block(chain, self._account, turn, now, self._parameters)
        self._ledger.append(block, now=now)
        return True

    def _forge_microblock(self, now: int) -> bool:
        chain = self._ledger.chain
        is_ours = chain.header.generator == self._account.public_key and chain.height > 1
        if not len(self._pool) or not is_ours or now < self._last_microblock + self._parameters.microblock_time:
            return False
        selection = forge.select(chain, self._pool, self._parameters)
        for transaction in selection.refused:
            self._drop(transaction)
        if not selection.taken:
            return False
        microblock = forge.forge_microblock(chain, self._account, selection.taken)
        self._ledger.extend(microblock, check=chains.check_nothing)
        self._last_microblock = now
        self._pool.remove(selection.taken)
        self._index.remove_waiting(selection.taken)
        return True

    # Inside

    def _is_known(self, anchor: bytes) -> bool:
        return self._pool.find_anchor(anchor) is not None or self._index.find_hash(anchor) is not None

    def _anchoring(self, anchor: bytes) -> Anchoring:
        place = self._index.find_hash(anchor)
        text = base58.encode(anchor)
        if place is None:
            waiting = self._pool.find_anchor(anchor)
            if waiting is None:
                raise InvalidBlockError("the hash is neither waiting nor on the chain", check="store")
            return Anchoring(hash=text, transaction_id=base58.encode(waiting.id))
        chain = self._ledger.chain
        header = chain.header if place.height == chain.height else self._index.rows_at(place.height)[-1].header
        return Anchoring(
            hash=text,
            transaction_id=base58.encode(place.transaction_id),
            height=place.height,
            position=place.position,
            leaf=place.leaf,
            timestamp=header.timestamp,
            final=place.height < chain.height,
        )

    def _prover(self, height: int) -> Callable[[bytes, Place], Receipt]:
        """Return what makes receipts for the hashes of one block: block, tree and day are read once."""
        block = self.block_at(height)
        leaves = anchors_of(block.transactions)
        tree = merkle.levels(leaves)
        number, period = (height - 1) // self._parameters.period, self._parameters.period
        day = self._index.day(number)
        day_path = receipts.make_day_path(number, period, height, *day) if day else None

        def prove(anchor: bytes, place: Place) -> Receipt:
            return Receipt(
                hash=anchor,
                transaction_id=place.transaction_id,
                position=place.position,
                height=height,
                header=block.header,
                leaf=place.leaf,
                size=len(leaves),
                path=merkle.path_in(tree, place.leaf),
                day=day_path,
            )

        return prove

    def _anchor_transaction(self, anchors: Sequence[bytes]) -> Transaction:
        payload = Anchor(anchors=tuple(anchors))
        fee = payload.fee_units * self._parameters.fee_price
        return Transaction(
            network=self._parameters.network,
            timestamp=max(self._clock(), self._ledger.chain.header.timestamp),
            sender=self._account.public_key,
            fee=fee,
            payload=payload,
        ).signed_by(self._account)

    def _take_in(self, transactions: Sequence[Transaction]) -> None:
        """Check against the state, store, and let wait: all of them or none.

        Their time is judged by the clock: after a pause the chain is behind until the key block that is due is forged.
        """
        if not transactions:
            return
        state = self._ledger.chain.state
        expected = replace(state, timestamp=max(state.timestamp, self._clock()))
        try:
            for transaction in transactions:
                self._validate(transaction, expected)
                self._pool.add(transaction)
            self._index.add_waiting(self._number, transactions)
        except Exception:
            self._pool.remove(transactions)
            raise
        self._number += len(transactions)

    def _validate(self, transaction: Transaction, state: State) -> None:
        try:
            self._pool.validate(transaction, state)
        except RejectedTransactionError as error:
            if transaction.sender == self._account.public_key and isinstance(transaction.payload, Anchor):
                own = self._account.public_key.address(self._parameters.network)
                raise OutOfFundsError(
                    f"the anchor service cannot pay for it now: {error.message}",
                    hint=f"Try again in a minute, or send money to {own}.",
                ) from None
            raise

    def _drop(self, transaction: Transaction) -> None:
        """Forget a transaction the state refuses; hashes this service promised to anchor are promised anew."""
        self._pool.remove([transaction])
        if transaction.sender == self._account.public_key and isinstance(transaction.payload, Anchor):
            missing = [anchor for anchor in transaction.payload.anchors if not self._is_known(anchor)]
            try:
                self._take_in([self._anchor_transaction(missing)] if missing else [])
            except LiveContractError as error:
                self._pool.add(transaction)
                _LOG.warning("anchoring waits", id=base58.encode(transaction.id), reason=str(error))
                return
        self._index.remove_waiting([transaction])
        _LOG.info("transaction dropped", id=base58.encode(transaction.id))

    def _load_pool(self) -> None:
        """Let wait again what waited, without what came into a block just before the node ended."""
        done: list[Transaction] = []
        for number, transaction in self._index.waiting():
            self._number = max(self._number, number + 1)
            if self._index.find_transaction(transaction.id) is None:
                self._pool.add(transaction)
            else:
                done.append(transaction)
        self._index.remove_waiting(done)


def balances(chain: Chain, address: bytes, parameters: Parameters) -> Mapping[str, int]:
    """Return the balances of an address under the reference node's names."""
    account = chain.state.account(address)
    return {
        "regular": account.balance,
        "available": account.spendable,
        "leasing": account.leased_out,
        "unbonding": 0,
        "effective": account.effective,
        "generating": chain.state.generating_balance(address, parameters),
    }
