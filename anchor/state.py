"""What the transactions of the public chain add up to: balances, leases, sponsors and the ids already used.

`apply_block(state, block) -> State` is pure. A microblock continues the block it belongs to: `begin_block` and then
`apply_transactions` as often as transactions come gives the same state as applying them at once.

Money: the account that takes a transaction in gets floor(fee / 5) * 2, 40 %, and the forger of the next key block the
rest (paper section 15.6); nothing is burned and nothing is made, so balances and carried fees always add up to what
the genesis gave.

Forging counts the *generating* balance: the smallest effective balance (own + leased in - leased out) over the last
`balance_depth` blocks. An account keeps only what later minima can need: of two values the older one matters only if
it is smaller.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from anchor.account import address_of
from anchor.block import Block
from anchor.errors import InvalidTransactionError, RejectedTransactionError
from anchor.layered_map import LayeredMap
from anchor.parameters import Parameters
from anchor.payload import Anchor, CancelLease, CancelSponsorship, Lease, MassTransfer, Payload, Sponsorship, Transfer
from anchor.transaction import AnyTransaction, GenesisTransaction, Transaction, fee_of, validate_genesis
from anchor.wire import MAX_INT64
from eventchain.core.keys import PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Money of an address, in units of 1e-8 LTO.

    Attributes:
        balance: What it owns, leased out or not.
        leased_in: What others lease to it.
        leased_out: What it leases to others, and cannot spend.
        sponsors: Addresses that pay its fees, newest first.
        since: Height of the block that changed the effective balance last.
        minima: Pairs (height, least effective balance from that height on) for the heights before `since`, rising.
    """

    balance: int = 0
    leased_in: int = 0
    leased_out: int = 0
    sponsors: tuple[bytes, ...] = ()
    since: int = 0
    minima: tuple[tuple[int, int], ...] = ()

    @property
    def effective(self) -> int:
        """What counts for forging, now."""
        return self.balance + self.leased_in - self.leased_out

    @property
    def spendable(self) -> int:
        """What it can send away."""
        return self.balance - self.leased_out

    def generating(self, height: int, depth: int) -> int:
        """Return the least effective balance over the `depth` blocks that end at `height`."""
        start = max(1, height - depth + 1)
        if self.since <= start:
            return self.effective
        before = [value for since, value in self.minima if since <= start]
        return min(before[-1] if before else 0, self.effective)


_NOBODY = Account()


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveLease:
    """A lease that was not cancelled."""

    sender: bytes
    recipient: bytes
    amount: int
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The state after a block, or after the part of it that is known.

    Attributes:
        height: Of the block; 0 before the first.
        timestamp: Of the block.
        generator: Address that gets 40 % of the fees.
        carried: Fees that the next key block's forger gets.
        accounts: By address.
        leases: By transaction id, cancelled ones too.
        used: Timestamp of each transaction id that could still be sent again.
    """

    height: int = 0
    timestamp: int = 0
    generator: bytes = b""
    carried: int = 0
    accounts: LayeredMap[bytes, Account]
    leases: LayeredMap[bytes, ActiveLease]
    used: LayeredMap[bytes, int]

    def account(self, address: bytes) -> Account:
        """Return an account; one without money if it was never seen."""
        return self.accounts.get(address) or _NOBODY

    def generating_balance(self, address: bytes, parameters: Parameters) -> int:
        """Return what counts for forging the next block."""
        return self.account(address).generating(self.height, parameters.balance_depth)


def empty_state() -> State:
    """Return the state before the first block."""
    return State(accounts=LayeredMap(), leases=LayeredMap(), used=LayeredMap())


def apply_block(state: State, block: Block, parameters: Parameters) -> State:
    """Return the state after a whole block.

    Raises:
        InvalidTransactionError: One of its transactions is not possible there.
    """
    begun = begin_block(state, block.header.timestamp, block.header.generator, parameters)
    return apply_transactions(begun, block.transactions, parameters)


def begin_block(state: State, timestamp: int, generator: PublicKey, parameters: Parameters) -> State:
    """Return the state of a new key block without transactions: its forger has the fees the one before left over."""
    address = address_of(generator, parameters.network)
    begun = replace(state, height=state.height + 1, timestamp=timestamp, generator=address, carried=0)
    draft = Draft(begun, parameters)
    draft.credit(address, state.carried)
    return draft.freeze()


def apply_transactions(state: State, transactions: Sequence[AnyTransaction], parameters: Parameters) -> State:
    """Return the state after more transactions of the same block.

    Raises:
        InvalidTransactionError: One of them is not possible there.
    """
    draft = Draft(state, parameters)
    for transaction in transactions:
        draft.apply(transaction)
    return draft.freeze()


class Draft:
    """A state being made: transactions are tried one by one, and one that is refused changes nothing.

    The only mutable thing here; it never leaves the function or the lock that made it.
    """

    def __init__(self, state: State, parameters: Parameters) -> None:
        self._state = state
        self._parameters = parameters
        self._accounts: dict[bytes, Account] = {}
        self._leases: dict[bytes, ActiveLease] = {}
        self._used: dict[bytes, int] = {}
        self._carried = state.carried

    def freeze(self) -> State:
        """Return the state with everything applied so far."""
        oldest = self._state.timestamp - self._parameters.maximum_age
        return replace(
            self._state,
            carried=self._carried,
            accounts=self._state.accounts.with_changes(self._accounts),
            leases=self._state.leases.with_changes(self._leases),
            used=self._state.used.with_changes(self._used, keep=lambda timestamp: timestamp >= oldest),
        )

    def account(self, address: bytes) -> Account:
        """Return an account as it is by now."""
        return self._accounts.get(address) or self._state.account(address)

    def apply(self, transaction: AnyTransaction) -> None:
        """Apply a transaction whose form and proofs are checked already.

        Raises:
            RejectedTransactionError: It is not possible in this state.
        """
        if isinstance(transaction, GenesisTransaction):
            self._apply_genesis(transaction)
            return
        self._check_time(transaction)
        if transaction.id in self._used or transaction.id in self._state.used:
            raise RejectedTransactionError("the transaction is on the chain already")
        changes = _Changes(self)
        _apply_payload(changes, transaction)
        fee = fee_of(transaction, self._parameters)
        changes.add(self._fee_payer(transaction, fee), -fee)
        taken = fee // 5 * 2
        changes.add(self._state.generator, taken)
        changes.check()
        self._commit(changes)
        self._carried += fee - taken
        self._used[transaction.id] = transaction.timestamp

    def lease(self, lease_id: bytes) -> ActiveLease | None:
        """Return a lease as it is by now."""
        return self._leases.get(lease_id) or self._state.leases.get(lease_id)

    def credit(self, address: bytes, amount: int) -> None:
        """Give money to an address."""
        if amount:
            changes = _Changes(self)
            changes.add(address, amount)
            self._commit(changes)

    def _apply_genesis(self, transaction: GenesisTransaction) -> None:
        if self._state.height != 1:
            raise RejectedTransactionError("genesis transactions stand in the first block only")
        validate_genesis(transaction, self._parameters)
        if self.account(transaction.recipient).balance + transaction.amount > MAX_INT64:
            raise InvalidTransactionError("the genesis gives more than 2^63 - 1")
        self.credit(transaction.recipient, transaction.amount)

    def _check_time(self, transaction: Transaction) -> None:
        now, limits = self._state.timestamp, self._parameters
        if transaction.timestamp > now + limits.maximum_ahead:
            raise RejectedTransactionError(
                "the transaction is dated too far ahead of the chain", path="$.timestamp", hint="Compare the clocks."
            )
        if transaction.timestamp < now - limits.maximum_age:
            raise RejectedTransactionError(
                "the transaction is too old", path="$.timestamp", hint="Make and sign it anew."
            )

    def _fee_payer(self, transaction: Transaction, fee: int) -> bytes:
        """Return who pays: the transaction's sponsor or sender, or the newest of their sponsors that can."""
        network = self._parameters.network
        payer = address_of(transaction.sponsor, network) if transaction.sponsor else transaction.sender_address
        for sponsor in self.account(payer).sponsors:
            if self.account(sponsor).spendable >= fee:
                return sponsor
        return payer

    def _commit(self, changes: "_Changes") -> None:
        for address, account in changes.accounts.items():
            before = self.account(address)
            moved = account.effective != before.effective
            height, depth = self._state.height, self._parameters.balance_depth
            self._accounts[address] = _remember_minimum(account, before, height, depth) if moved else account
        self._leases.update(changes.leases)


class _Changes:
    """What one transaction would change."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self.accounts: dict[bytes, Account] = {}
        self.leases: dict[bytes, ActiveLease] = {}

    def account(self, address: bytes) -> Account:
        return self.accounts.get(address) or self._draft.account(address)

    def lease(self, lease_id: bytes) -> ActiveLease | None:
        return self._draft.lease(lease_id)

    def set(self, address: bytes, account: Account) -> None:
        self.accounts[address] = account

    def add(self, address: bytes, amount: int) -> None:
        account = self.account(address)
        self.accounts[address] = replace(account, balance=account.balance + amount)

    def check(self) -> None:
        """Refuse an account that would spend what it does not have, or has leased to others."""
        for address, account in self.accounts.items():
            if account.spendable < 0 and account.spendable < self._draft.account(address).spendable:
                raise RejectedTransactionError(
                    "the account cannot pay this: money that is leased out cannot be spent",
                    hint="Look at /addresses/balance/details of the sender, or of the sponsor.",
                )


def _apply_payload(changes: _Changes, transaction: Transaction) -> None:
    sender, payload = transaction.sender_address, transaction.payload
    match payload:
        case Anchor():
            pass
        case Transfer():
            _move(changes, sender, [(payload.recipient, payload.amount)])
        case MassTransfer():
            _move(changes, sender, payload.transfers)
        case Lease():
            _lease(changes, sender, payload, transaction.id)
        case CancelLease():
            _cancel_lease(changes, sender, payload)
        case Sponsorship():
            _sponsor(changes, sender, payload)


def _move(changes: _Changes, sender: bytes, transfers: Iterable[tuple[bytes, int]]) -> None:
    for recipient, amount in transfers:
        changes.add(sender, -amount)
        changes.add(recipient, amount)


def _lease(changes: _Changes, sender: bytes, lease: Lease, lease_id: bytes) -> None:
    if lease.recipient == sender:
        raise RejectedTransactionError("nobody leases to themselves", path="$.recipient")
    _shift_lease(changes, sender, lease.recipient, lease.amount)
    changes.leases[lease_id] = ActiveLease(sender=sender, recipient=lease.recipient, amount=lease.amount)


def _cancel_lease(changes: _Changes, sender: bytes, payload: CancelLease) -> None:
    lease = changes.lease(payload.lease_id)
    if lease is None or not lease.active:
        raise RejectedTransactionError("there is no such active lease", path="$.leaseId")
    if lease.sender != sender:
        raise RejectedTransactionError("only who gave a lease may cancel it", path="$.leaseId")
    _shift_lease(changes, sender, lease.recipient, -lease.amount)
    changes.leases[payload.lease_id] = replace(lease, active=False)


def _shift_lease(changes: _Changes, sender: bytes, recipient: bytes, amount: int) -> None:
    giver = changes.account(sender)
    changes.set(sender, replace(giver, leased_out=giver.leased_out + amount))
    taker = changes.account(recipient)
    changes.set(recipient, replace(taker, leased_in=taker.leased_in + amount))


def _sponsor(changes: _Changes, sender: bytes, payload: Payload) -> None:
    assert isinstance(payload, Sponsorship)  # noqa: S101 (narrows the type for the checker)
    account = changes.account(payload.recipient)
    others = tuple(sponsor for sponsor in account.sponsors if sponsor != sender)
    if isinstance(payload, CancelSponsorship):
        if len(others) == len(account.sponsors):
            raise RejectedTransactionError("there is no such sponsorship", path="$.recipient")
        changes.set(payload.recipient, replace(account, sponsors=others))
    else:
        changes.set(payload.recipient, replace(account, sponsors=(sender, *others)))


def _remember_minimum(account: Account, before: Account, height: int, depth: int) -> Account:
    """Return the account with the value it had until this block kept among its minima."""
    if before.since == height:
        return account
    since, value = max(before.since, 1), before.effective
    minima = list(before.minima)
    while minima and minima[-1][1] >= value:
        since = minima.pop()[0]
    if height > 1:
        minima.append((since, value))
    start = height - depth + 1
    while len(minima) > 1 and minima[1][0] <= start:
        minima.pop(0)
    return replace(account, since=height, minima=tuple(minima))
