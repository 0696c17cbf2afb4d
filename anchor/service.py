"""The anchor service: takes hashes and transactions in, forges with one account, and gives receipts.

What comes in is stored before it is acknowledged, and leaves the mempool's storage only after the block that holds it
is stored; killed in between, a node finds both and drops the waiting one. Everything that decides is in the pure
modules; here is the lock, the clock, the store and the forging loop, which is the only place that knows of one forger.

Any number of copies work over one store. Each takes in and answers; the one that holds a lease forges (`turn_lease`).
The chain is kept whole by the numbers of its rows (`ledger`), and what one copy acknowledged all copies know
(`waiting`). A hash that two copies take in at the same moment may be paid twice; it has one place, the first.
"""

import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import structlog

from anchor import chain as chains
from anchor import forge
from anchor.anchoring import Anchoring, parse_hash
from anchor.chain import Chain
from anchor.consensus import Turn
from anchor.errors import (
    InvalidAnchorError,
    InvalidBlockError,
    OutOfFundsError,
    OutpacedError,
    RejectedTransactionError,
)
from anchor.index import Index
from anchor.ledger import Ledger
from anchor.parameters import Parameters
from anchor.payload import MAX_ANCHORS, Anchor
from anchor.reader import ChainReader
from anchor.state import State
from anchor.transaction import Transaction
from anchor.turn_lease import TurnLease
from anchor.waiting import Waiting
from eventchain.core import base58
from eventchain.core.clock import Clock
from eventchain.core.errors import LiveContractError, UnavailableError
from eventchain.core.keys import KeyPair, Random
from eventchain.store.document_store import DocumentStore

MAX_SUBMITTED = 10_000
"""Hashes in one call of `submit`."""

LEASE = 3_000
"""Milliseconds after which another copy forges if the one that did is silent; more where microblocks are slow."""

_LEASE_STEPS = 3
"""Microblocks a holder may miss before it counts as silent."""

_LOG = structlog.get_logger(__name__)


class AnchorService(ChainReader):
    """A node of the public chain with one account, which pays for anchors and forges.

    Safe for several threads, and for several copies over one store, in processes and on machines of their own.
    """

    def __init__(
        self,
        store: DocumentStore,
        account: KeyPair,
        parameters: Parameters,
        *,
        clock: Clock,
        random: Random = os.urandom,
    ) -> None:
        """Open the chain in the store; a store without one gets a first block that gives the account all money.

        Args:
            store: Made with `anchor.index.COLLECTIONS`.
            account: Pays for anchors and forges; the same one for all copies.
            parameters: Of the chain.
            clock: Milliseconds since 1970.
            random: Names this copy among the others.

        Raises:
            InvalidBlockError: The store holds a damaged chain.
        """
        super().__init__(Index(store, parameters.network), parameters)
        self._ledger = Ledger(self._index, parameters)
        self._account = account
        self._clock = clock
        self._lock = threading.RLock()
        self._lease = TurnLease(store, max(LEASE, _LEASE_STEPS * parameters.microblock_time), random)
        self._last_microblock = 0
        if self._ledger.is_empty:
            with suppress(OutpacedError):  # another copy began it
                self._ledger.begin(forge.development_genesis(account, clock(), parameters))
        self._waiting = Waiting(store, self._index, parameters)
        self._reloaded_at = self._ledger.chain.height

    @property
    def chain(self) -> Chain:
        """The chain as it is now: a value, so it may be read without the lock."""
        with self._lock:
            self._follow()
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
            self._catch_up()
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
            self._catch_up()
            if transaction.id not in self._waiting.pool:
                self._take_in([transaction])

    # Asking

    def find(self, hash_text: str) -> Anchoring | None:
        """Return how far a hash (base58) is, or None if it was never submitted.

        Raises:
            InvalidAnchorError: It is no hash.
        """
        anchor = parse_hash(hash_text)
        with self._lock:
            self._catch_up()
            return self._anchoring(anchor) if self._is_known(anchor) else None

    def unconfirmed(self) -> tuple[Transaction, ...]:
        """Return the waiting transactions in their order."""
        with self._lock:
            self._catch_up()
            return tuple(self._waiting.pool)

    # Forging

    def step(self, now: int | None = None) -> bool:
        """Forge what is due at `now` (the clock's time if None), and say whether anything was.

        A key block comes first, so that transactions never enter a block that is older than its turn allows.
        """
        moment = self._clock() if now is None else now
        with self._lock:
            self._catch_up()
            if not self._is_due(moment) or not self._take_lease(moment):
                return False
            try:
                forged_block = self._forge_block(moment)
                forged_microblock = self._forge_microblock(moment)
            except OutpacedError:
                self._lease.lose()
                return False
        return forged_block or forged_microblock

    def run(self, stop: threading.Event) -> None:
        """Forge until `stop` is set, then leave it to other copies. A step that fails is logged and tried again."""
        while not stop.is_set():
            wait = self._parameters.microblock_time
            try:
                self.step()
                wait = self._wait()
            except UnavailableError as error:
                _LOG.warning("forging waits", reason=str(error))
                wait = self._parameters.block_time
            except Exception:  # noqa: BLE001 (the loop outlives any failure of one step)
                _LOG.exception("forging failed; trying again")
                wait = self._parameters.block_time
            stop.wait(wait / 1000)
        try:
            with self._lock:
                self._lease.release()
        except LiveContractError as error:
            _LOG.warning("the lease to forge ends by itself", reason=str(error))

    def _wait(self) -> int:
        """Return milliseconds until something may be due, for this copy."""
        with self._lock:
            turn, now = self._turn(), self._clock()
            is_others = turn is not None and turn.due <= now and not self._lease.is_held(now)
        if turn is None or is_others:
            return self._parameters.microblock_time
        return max(1, min(turn.due - now, self._parameters.microblock_time))

    def _turn(self) -> Turn | None:
        return forge.next_turn(self._ledger.chain, self._account, self._parameters)

    def _is_due(self, now: int) -> bool:
        """Whether a key block or a microblock may be forged at `now`."""
        turn = self._turn()
        return (turn is not None and turn.due <= now) or self._is_microblock_due(now)

    def _is_microblock_due(self, now: int) -> bool:
        chain = self._ledger.chain
        is_ours = chain.header.generator == self._account.public_key and chain.height > 1
        is_time = now >= self._last_microblock + self._parameters.microblock_time
        return is_ours and is_time and len(self._waiting.pool) > 0

    def _take_lease(self, now: int) -> bool:
        """Say whether this copy forges now; if it did not before, let it know all that the others did."""
        was_held = self._lease.is_held(now)
        if not self._lease.take(now):
            return False
        if not was_held:
            self._ledger.follow()
            self._ledger.settle()
            self._reload_pool()
        return True

    def _forge_block(self, now: int) -> bool:
        chain, turn = self._ledger.chain, self._turn()
        if turn is None or now < turn.due:
            return False
        block = forge.forge_block(chain, self._account, turn, now, self._parameters)
        self._ledger.append(block, now=now)
        return True

    def _forge_microblock(self, now: int) -> bool:
        if not self._is_microblock_due(now):
            return False
        chain = self._ledger.chain
        selection = forge.select(chain, self._waiting.pool, self._parameters)
        if selection.refused and self._ledger.follow():
            raise OutpacedError("the refusal was judged by a chain that has gone on")
        for transaction in selection.refused:
            self._drop(transaction)
        if not selection.taken:
            return False
        microblock = forge.forge_microblock(chain, self._account, selection.taken)
        self._ledger.extend(microblock, check=chains.check_nothing)
        self._last_microblock = now
        self._waiting.remove(selection.taken)
        return True

    # What other copies did

    def _follow(self) -> None:
        """Follow the chain, unless this copy is the one that continues it."""
        if not self._lease.is_held(self._clock()):
            self._ledger.follow()

    def _catch_up(self) -> None:
        """Know the blocks and the waiting transactions of all copies."""
        self._follow()
        self._waiting.refresh()
        if self._ledger.chain.height > self._reloaded_at and not self._lease.is_held(self._clock()):
            self._reload_pool()

    def _reload_pool(self) -> None:
        """Drop what other copies forged or dropped. Those who do not forge do it once for each key block."""
        self._waiting.reload()
        self._reloaded_at = self._ledger.chain.height

    # Inside

    def _is_known(self, anchor: bytes) -> bool:
        return self._waiting.pool.find_anchor(anchor) is not None or self._index.find_hash(anchor) is not None

    def _anchoring(self, anchor: bytes) -> Anchoring:
        place = self._index.find_hash(anchor)
        text = base58.encode(anchor)
        if place is None:
            waiting = self._waiting.pool.find_anchor(anchor)
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
        self._waiting.take_in(transactions, lambda transaction: self._validate(transaction, expected))

    def _validate(self, transaction: Transaction, state: State) -> None:
        try:
            self._waiting.pool.validate(transaction, state)
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
        pool = self._waiting.pool
        pool.remove([transaction])
        if transaction.sender == self._account.public_key and isinstance(transaction.payload, Anchor):
            missing = [anchor for anchor in transaction.payload.anchors if not self._is_known(anchor)]
            try:
                self._take_in([self._anchor_transaction(missing)] if missing else [])
            except LiveContractError as error:
                pool.add(transaction)
                _LOG.warning("anchoring waits", id=base58.encode(transaction.id), reason=str(error))
                return
        self._waiting.remove([transaction])
        _LOG.info("transaction dropped", id=base58.encode(transaction.id))


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
