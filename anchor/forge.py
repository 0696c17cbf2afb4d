"""Making blocks: pure functions from a chain and a forging account to what may follow it.

Nothing here decides *whether* to forge; the service asks for its turn and acts when it has come.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from anchor import consensus
from anchor.account import address_of
from anchor.block import (
    GENESIS_REFERENCE,
    Block,
    Microblock,
    sign_header,
    with_transactions,
)
from anchor.chain import Chain
from anchor.consensus import Turn
from anchor.errors import RejectedTransactionError
from anchor.parameters import LTO, Parameters
from anchor.state import Draft
from anchor.transaction import GenesisTransaction, Transaction
from eventchain.core.keys import KeyPair

DEVELOPMENT_SUPPLY = 10_000_000 * LTO
"""What a development chain gives its first account: enough for 28 million anchors, and below 2^53."""


def forge_genesis(key: KeyPair, amounts: Mapping[bytes, int], *, timestamp: int, base_target: int) -> Block:
    """Return a first block that gives amounts (units of 1e-8 LTO) to addresses, in the order given."""
    transactions = tuple(
        GenesisTransaction(timestamp=timestamp, recipient=recipient, amount=amount)
        for recipient, amount in amounts.items()
    )
    header = sign_header(
        key,
        timestamp=timestamp,
        reference=GENESIS_REFERENCE,
        base_target=base_target,
        generation_signature=consensus.GENESIS_GENERATION_SIGNATURE,
        transactions=transactions,
    )
    return Block(header=header, transactions=transactions)


def development_genesis(key: KeyPair, timestamp: int, parameters: Parameters) -> Block:
    """Return a first block in which one account has all money and forges at the wanted pace."""
    return forge_genesis(
        key,
        {address_of(key.public_key, parameters.network): DEVELOPMENT_SUPPLY},
        timestamp=timestamp,
        base_target=consensus.initial_base_target(DEVELOPMENT_SUPPLY, parameters),
    )


def next_turn(chain: Chain, key: KeyPair, parameters: Parameters) -> Turn | None:
    """Return when this account may forge the next key block, or None if its stake is too small."""
    balance = chain.state.generating_balance(address_of(key.public_key, parameters.network), parameters)
    return consensus.turn_of(key, chain.header, balance, parameters)


def forge_block(chain: Chain, key: KeyPair, turn: Turn, timestamp: int, parameters: Parameters) -> Block:
    """Return the next key block; transactions come with microblocks."""
    header = sign_header(
        key,
        timestamp=timestamp,
        reference=chain.header.signature,
        base_target=consensus.next_base_target(chain.header, chain.base_target_ancestor, timestamp, parameters),
        generation_signature=turn.generation_signature,
    )
    return Block(header=header)


def forge_microblock(chain: Chain, key: KeyPair, transactions: Sequence[Transaction]) -> Microblock:
    """Return a microblock that adds these transactions, which `select` has chosen, to the newest block."""
    unsigned = with_transactions(chain.header, (*chain.transactions, *transactions), b"")
    microblock = Microblock(
        previous=chain.header.signature,
        total=key.sign(unsigned.signed_bytes),
        transactions=tuple(transactions),
        generator=key.public_key,
    )
    return replace(microblock, signature=key.sign(microblock.signed_bytes()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a microblock takes from the mempool, and what the state refuses by now."""

    taken: tuple[Transaction, ...]
    refused: tuple[Transaction, ...]


def select(chain: Chain, candidates: Iterable[Transaction], parameters: Parameters) -> Selection:
    """Choose transactions for the next microblock, in their order, as many as fit."""
    draft = Draft(chain.state, parameters)
    taken: list[Transaction] = []
    refused: list[Transaction] = []
    size = chain.size
    for transaction in candidates:
        size += len(transaction.encode())
        if len(taken) == parameters.microblock_transactions or size > parameters.block_bytes:
            break
        try:
            draft.apply(transaction)
            taken.append(transaction)
        except RejectedTransactionError:
            refused.append(transaction)
    return Selection(taken=tuple(taken), refused=tuple(refused))
