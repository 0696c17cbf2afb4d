"""A chain of key blocks: what may come next, and what the chain then is.

A `Chain` is a value. Several of them that share their past are several branches; which one a node follows is decided
by `score`. Its newest block is *liquid*: microblocks still add transactions to it. The next key block names the liquid
block's newest signature and so makes it what it will be for ever.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from anchor import consensus
from anchor.account import address_of
from anchor.block import Block, Header, Microblock, with_transactions
from anchor.errors import InvalidBlockError
from anchor.parameters import Parameters
from anchor.state import State, apply_block, apply_transactions, empty_state
from anchor.transaction import AnyTransaction, Transaction, validate, verify_proofs

Check = Callable[[Transaction, Parameters], None]
"""Checks the form and proofs of a transaction."""


def check_transaction(transaction: Transaction, parameters: Parameters) -> None:
    """Check everything about a transaction that does not depend on others.

    Raises:
        InvalidTransactionError: Something is wrong.
    """
    validate(transaction, parameters)
    verify_proofs(transaction)


def check_nothing(transaction: Transaction, parameters: Parameters) -> None:
    """Check nothing: for transactions that this node checked before it stored them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A branch up to its newest block.

    Attributes:
        header: Of the newest block, as the last microblock left it.
        transactions: Of the newest block, so far.
        size: Bytes of these transactions.
        ancestors: Headers of the blocks before it, oldest first; as many as the base target needs.
        score: Sum of what the blocks before the newest and the newest itself were worth.
        state: After the newest block, so far.
    """

    header: Header
    transactions: tuple[AnyTransaction, ...]
    size: int
    ancestors: tuple[Header, ...]
    score: int
    state: State

    @property
    def height(self) -> int:
        """Number of key blocks; the first one has height 1."""
        return self.state.height

    @property
    def base_target_ancestor(self) -> Header | None:
        """The block two before the newest: with it the next base target is computed."""
        return self.ancestors[-2] if len(self.ancestors) >= 2 else None


def start(genesis: Block, parameters: Parameters) -> Chain:
    """Return the chain of a first block.

    Raises:
        InvalidBlockError: It is no first block.
        InvalidTransactionError: One of its transactions is wrong.
    """
    consensus.verify_genesis(genesis.header)
    genesis.verify_attachment()
    if any(isinstance(item, Transaction) for item in genesis.transactions):
        raise InvalidBlockError("the first block holds genesis transactions only", check="genesis")
    return Chain(
        header=genesis.header,
        transactions=genesis.transactions,
        size=_size(genesis.transactions),
        ancestors=(),
        score=consensus.score_of(genesis.header.base_target),
        state=apply_block(empty_state(), genesis, parameters),
    )


def append(
    chain: Chain, block: Block, parameters: Parameters, *, now: int | None = None, check: Check = check_transaction
) -> Chain:
    """Return the chain with one more key block.

    Args:
        chain: The branch it continues.
        block: The block, with the transactions it has by now.
        parameters: Of the chain.
        now: The own clock, to refuse blocks from the future; None where that was checked before.
        check: How transactions are checked.

    Raises:
        InvalidBlockError: It does not follow from its parent.
        InvalidTransactionError: One of its transactions is wrong.
    """
    header = block.header
    consensus.verify_link(header, chain.header, chain.base_target_ancestor, parameters)
    balance = _generating_balance(chain.state, header, parameters)
    consensus.verify_turn(header, chain.header, balance, parameters)
    if now is not None and header.timestamp >= now + parameters.clock_tolerance:
        raise InvalidBlockError("the block is from the future; compare the clocks", check="time")
    block.verify_attachment()
    _check_transactions(block.transactions, parameters, check)
    size = _size(block.transactions)
    _check_size(size, parameters)
    return Chain(
        header=header,
        transactions=block.transactions,
        size=size,
        ancestors=(*chain.ancestors, chain.header)[-2:],
        score=chain.score + consensus.score_of(header.base_target),
        state=apply_block(chain.state, block, parameters),
    )


def extend(chain: Chain, microblock: Microblock, parameters: Parameters, *, check: Check = check_transaction) -> Chain:
    """Return the chain with a microblock's transactions in its newest block.

    Raises:
        InvalidBlockError: It does not continue the newest block, or is not its forger's.
        InvalidTransactionError: One of its transactions is wrong.
    """
    if microblock.previous != chain.header.signature:
        raise InvalidBlockError("the microblock does not continue the newest block", check="reference")
    if microblock.generator != chain.header.generator:
        raise InvalidBlockError("only the forger of a key block adds microblocks to it", check="generator")
    if not 0 < len(microblock.transactions) <= parameters.microblock_transactions:
        raise InvalidBlockError(
            f"a microblock brings 1 to {parameters.microblock_transactions} transactions", check="size"
        )
    microblock.verify_signature()
    transactions = (*chain.transactions, *microblock.transactions)
    header = with_transactions(chain.header, transactions, microblock.total)
    header.verify_signature()
    size = chain.size + _size(microblock.transactions)
    _check_size(size, parameters)
    _check_transactions(microblock.transactions, parameters, check)
    state = apply_transactions(chain.state, microblock.transactions, parameters)
    return replace(chain, header=header, transactions=transactions, size=size, state=state)


def resume(chain: Chain, header: Header, transactions: Sequence[AnyTransaction], parameters: Parameters) -> Chain:
    """Return the chain with transactions that a microblock brought, of which this node kept header and transactions.

    Raises:
        InvalidBlockError: The header is not that of the newest block with these transactions.
        InvalidTransactionError: One of them is not possible there.
    """
    together = (*chain.transactions, *transactions)
    if with_transactions(chain.header, together, header.signature) != header:
        raise InvalidBlockError("the header is not that of the newest block", check="transaction list")
    state = apply_transactions(chain.state, transactions, parameters)
    return replace(chain, header=header, transactions=together, size=chain.size + _size(transactions), state=state)


def _generating_balance(state: State, header: Header, parameters: Parameters) -> int:
    return state.generating_balance(address_of(header.generator, parameters.network), parameters)


def _check_transactions(transactions: Sequence[AnyTransaction], parameters: Parameters, check: Check) -> None:
    for transaction in transactions:
        if not isinstance(transaction, Transaction):
            raise InvalidBlockError("genesis transactions stand in the first block only", check="genesis")
        check(transaction, parameters)


def _size(transactions: Sequence[AnyTransaction]) -> int:
    return sum(len(transaction.encode()) for transaction in transactions)


def _check_size(size: int, parameters: Parameters) -> None:
    if size > parameters.block_bytes:
        raise InvalidBlockError(
            f"the block has {size} bytes of transactions; the limit is {parameters.block_bytes}", check="size"
        )
