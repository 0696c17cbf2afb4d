"""What may follow a block, who may add to it, and which branch weighs more."""

from dataclasses import replace
from typing import Any

import pytest

from anchor import forge
from anchor.account import address_of
from anchor.block import Block, Microblock, sign_header
from anchor.chain import Chain, append, extend, resume, start
from anchor.consensus import next_base_target
from anchor.errors import InvalidBlockError, InvalidTransactionError
from anchor.parameters import LTO, development
from anchor.payload import Anchor, Transfer
from anchor.transaction import GenesisTransaction, Transaction
from eventchain.core.keys import KeyPair
from tests.anchor.strategies import ADDRESSES, KEYS

PARAMETERS = development()
NOW = 1_700_000_000_000
STAKE = 1_000_000 * LTO


@pytest.fixture
def genesis_chain() -> Chain:
    amounts = dict.fromkeys(ADDRESSES[:3], STAKE)
    return start(forge.forge_genesis(KEYS[0], amounts, timestamp=NOW, base_target=4_000), PARAMETERS)


def forge_on(chain: Chain, key: KeyPair = KEYS[0], *, later: int = 0) -> Chain:
    turn = forge.next_turn(chain, key, PARAMETERS)
    assert turn is not None
    block = forge.forge_block(chain, key, turn, turn.due + later, PARAMETERS)
    return append(chain, block, PARAMETERS, now=turn.due + later)


def anchor_of(text: bytes, key: KeyPair = KEYS[1], timestamp: int = NOW) -> Transaction:
    payload = Anchor(anchors=(text * 32,))
    fee = payload.fee_units * PARAMETERS.fee_price
    item = Transaction(network="T", timestamp=timestamp, sender=key.public_key, fee=fee, payload=payload)
    return item.signed_by(key)


def test_several_forgers_take_turns_on_one_chain(genesis_chain: Chain) -> None:
    chain = genesis_chain
    generators = set()
    for _ in range(30):
        turns = [
            (turn.due, index) for index, key in enumerate(KEYS) if (turn := forge.next_turn(chain, key, PARAMETERS))
        ]
        chain = forge_on(chain, KEYS[min(turns)[1]])
        generators.add(chain.header.generator)
    assert chain.height == 31
    assert generators == {key.public_key for key in KEYS[:3]}


def test_microblocks_renew_the_block_with_all_transactions_so_far(genesis_chain: Chain) -> None:
    chain = forge_on(genesis_chain)
    first = extend(chain, forge.forge_microblock(chain, KEYS[0], [anchor_of(b"a")]), PARAMETERS)
    second = extend(first, forge.forge_microblock(first, KEYS[0], [anchor_of(b"b")]), PARAMETERS)
    assert len({item.header.signature for item in (chain, first, second)}) == 3
    assert second.header.timestamp == chain.header.timestamp
    assert [item.payload for item in second.transactions] == [
        Anchor(anchors=(b"a" * 32,)),
        Anchor(anchors=(b"b" * 32,)),
    ]
    Block(header=second.header, transactions=second.transactions).verify_attachment()
    assert forge_on(second).header.reference == second.header.signature


def test_whole_block_gives_the_state_of_its_microblocks(genesis_chain: Chain) -> None:
    chain = forge_on(genesis_chain)
    liquid = extend(chain, forge.forge_microblock(chain, KEYS[0], [anchor_of(b"a"), anchor_of(b"b")]), PARAMETERS)
    whole = append(genesis_chain, Block(header=liquid.header, transactions=liquid.transactions), PARAMETERS)
    resumed = resume(chain, liquid.header, liquid.transactions, PARAMETERS)
    for other in (whole, resumed):
        assert dict(other.state.accounts.items()) == dict(liquid.state.accounts.items())
        assert replace(other, state=liquid.state) == liquid


def test_next_forger_may_leave_microblocks_out(genesis_chain: Chain) -> None:
    chain = forge_on(genesis_chain)
    liquid = extend(chain, forge.forge_microblock(chain, KEYS[0], [anchor_of(b"a")]), PARAMETERS)
    on_key_block, on_liquid = forge_on(chain, KEYS[2]), forge_on(liquid, KEYS[2])
    assert on_key_block.height == on_liquid.height
    assert on_key_block.score == on_liquid.score


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (lambda item: replace(item, previous=b"x" * 64), "reference"),
        (lambda item: replace(item, generator=KEYS[1].public_key), "generator"),
        (lambda item: replace(item, transactions=()), "size"),
        (lambda item: replace(item, signature=b"x" * 64), "signature"),
        (lambda item: replace(item, total=b"x" * 64), "signature"),
        (lambda item: replace(item, transactions=item.transactions[:1]), "signature"),
    ],
)
def test_microblock_that_does_not_fit_is_refused(genesis_chain: Chain, change: Any, check: str) -> None:
    chain = forge_on(genesis_chain)
    microblock: Microblock = forge.forge_microblock(chain, KEYS[0], [anchor_of(b"a"), anchor_of(b"b")])
    with pytest.raises(InvalidBlockError) as caught:
        extend(chain, change(microblock), PARAMETERS)
    assert caught.value.check == check


def test_microblock_with_a_wrong_total_is_refused_though_signed(genesis_chain: Chain) -> None:
    chain = forge_on(genesis_chain)
    microblock = replace(forge.forge_microblock(chain, KEYS[0], [anchor_of(b"a")]), total=b"x" * 64)
    resigned = replace(microblock, signature=KEYS[0].sign(microblock.signed_bytes()))
    with pytest.raises(InvalidBlockError) as caught:
        extend(chain, resigned, PARAMETERS)
    assert caught.value.check == "signature"


@pytest.mark.parametrize(
    "item",
    [
        replace(anchor_of(b"a"), proofs=(b"x" * 64,)),
        replace(anchor_of(b"a"), fee=1),
        anchor_of(b"a", key=KEYS[3]),
        anchor_of(b"a", timestamp=NOW - 10**9),
    ],
)
def test_microblock_with_an_invalid_transaction_is_refused(genesis_chain: Chain, item: Transaction) -> None:
    chain = forge_on(genesis_chain)
    with pytest.raises(InvalidTransactionError):
        extend(chain, forge.forge_microblock(chain, KEYS[0], [item]), PARAMETERS)


def test_genesis_transaction_in_a_later_block_is_refused(genesis_chain: Chain) -> None:
    turn = forge.next_turn(genesis_chain, KEYS[0], PARAMETERS)
    assert turn is not None
    gift = GenesisTransaction(timestamp=NOW, recipient=ADDRESSES[0], amount=1)
    header = sign_header(
        KEYS[0],
        timestamp=turn.due,
        reference=genesis_chain.header.signature,
        base_target=next_base_target(genesis_chain.header, None, turn.due, PARAMETERS),
        generation_signature=turn.generation_signature,
        transactions=[gift],
    )
    with pytest.raises(InvalidBlockError, match="first block"):
        append(genesis_chain, Block(header=header, transactions=(gift,)), PARAMETERS)


def test_block_from_the_future_is_refused(genesis_chain: Chain) -> None:
    turn = forge.next_turn(genesis_chain, KEYS[0], PARAMETERS)
    assert turn is not None
    block = forge.forge_block(genesis_chain, KEYS[0], turn, turn.due + 100, PARAMETERS)
    with pytest.raises(InvalidBlockError) as caught:
        append(genesis_chain, block, PARAMETERS, now=turn.due)
    assert caught.value.check == "time"


def test_block_of_an_account_without_stake_is_refused(genesis_chain: Chain) -> None:
    assert forge.next_turn(genesis_chain, KEYS[3], PARAMETERS) is None
    turn = forge.next_turn(genesis_chain, KEYS[0], PARAMETERS)
    assert turn is not None
    stolen = replace(turn, generation_signature=KEYS[3].sign(b"whatever"))
    block = forge.forge_block(genesis_chain, KEYS[3], stolen, turn.due + 60_000, PARAMETERS)
    with pytest.raises(InvalidBlockError) as caught:
        append(genesis_chain, block, PARAMETERS)
    assert caught.value.check == "generation signature"


def test_money_received_counts_for_forging_after_the_depth_only() -> None:
    parameters = replace(PARAMETERS, balance_depth=3)
    chain = start(forge.development_genesis(KEYS[0], NOW, parameters), parameters)

    def step(chain: Chain) -> Chain:
        turn = forge.next_turn(chain, KEYS[0], parameters)
        assert turn is not None
        return append(chain, forge.forge_block(chain, KEYS[0], turn, turn.due, parameters), parameters)

    chain = step(chain)
    payload = Transfer(recipient=address_of(KEYS[3].public_key, "T"), amount=2_000 * LTO)
    item = Transaction(network="T", timestamp=NOW, sender=KEYS[0].public_key, fee=LTO, payload=payload).signed_by(
        KEYS[0]
    )
    chain = extend(chain, forge.forge_microblock(chain, KEYS[0], [item]), parameters)
    turns = []
    for _ in range(4):
        turns.append(forge.next_turn(chain, KEYS[3], parameters) is not None)
        chain = step(chain)
    assert turns == [False, False, True, True]


def test_selection_takes_in_order_what_fits_and_names_what_is_refused(genesis_chain: Chain) -> None:
    parameters = replace(PARAMETERS, microblock_transactions=2)
    chain = forge_on(genesis_chain)
    items = [anchor_of(b"a"), anchor_of(b"b", key=KEYS[3]), anchor_of(b"c"), anchor_of(b"d")]
    selection = forge.select(chain, items, parameters)
    assert selection.taken == (items[0], items[2])
    assert selection.refused == (items[1],)
    small = replace(PARAMETERS, block_bytes=len(items[0].encode()) + 10)
    assert forge.select(chain, items, small).taken == (items[0],)


def test_first_block_with_other_transactions_is_refused() -> None:
    item = anchor_of(b"a")
    header = sign_header(
        KEYS[0],
        timestamp=NOW,
        reference=b"\xff" * 64,
        base_target=1,
        generation_signature=bytes(64),
        transactions=[item],
    )
    with pytest.raises(InvalidBlockError, match="genesis"):
        start(Block(header=header, transactions=(item,)), PARAMETERS)
