"""Blocks: our key block and microblock, and those of LTO."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchor import merkle
from anchor.account import parse_address
from anchor.block import (
    GENESIS_REFERENCE,
    HEADER_LENGTH,
    Block,
    Header,
    Microblock,
    anchors_of,
    encode_transactions,
    parse_header,
    parse_microblock,
    parse_transactions,
    sign_header,
    with_transactions,
)
from anchor.errors import InvalidBlockError, InvalidTransactionError
from anchor.lto_block import LtoBlock, parse_block
from anchor.payload import Anchor
from anchor.transaction import AnyTransaction, GenesisTransaction
from eventchain.core import base58
from eventchain.core.errors import InvalidError
from eventchain.core.hashing import sha256
from eventchain.core.keys import KeyPair
from tests.anchor.strategies import KEYS, genesis_transactions, transactions

lists = st.lists(st.one_of(transactions, genesis_transactions), max_size=5).map(tuple)


def make_header(items: tuple[AnyTransaction, ...] = (), **members: Any) -> Header:
    values = {
        "timestamp": 1_700_000_000_000,
        "reference": b"r" * 64,
        "base_target": 418,
        "generation_signature": b"g" * 64,
    }
    return sign_header(KEYS[0], transactions=items, **{**values, **members})


@given(lists, st.integers(0, 2**53), st.integers(1, 2**63 - 1))
def test_header_round_trip(items: tuple[AnyTransaction, ...], timestamp: int, base_target: int) -> None:
    header = make_header(items, timestamp=timestamp, base_target=base_target)
    data = header.encode()
    assert len(data) == HEADER_LENGTH
    assert parse_header(data) == header
    header.verify_signature()
    Block(header=header, transactions=items).verify_attachment()


@given(lists)
def test_attachment_round_trip(items: tuple[AnyTransaction, ...]) -> None:
    assert parse_transactions(encode_transactions(items), "T") == items


@given(st.integers(0, HEADER_LENGTH - 1), st.integers(0, 7))
def test_header_with_any_bit_flipped_is_refused(place: int, bit: int) -> None:
    data = bytearray(make_header().encode())
    data[place] ^= 1 << bit
    with pytest.raises(InvalidError):
        parse_header(bytes(data)).verify_signature()


@given(st.binary(max_size=400))
def test_any_bytes_are_no_header_microblock_or_lto_block(data: bytes) -> None:
    for parse in (parse_header, lambda item: parse_microblock(item, "T"), lambda item: parse_block(item, "L")):
        with pytest.raises((InvalidBlockError, InvalidTransactionError)):
            parse(data)


def test_version_is_none_of_lto() -> None:
    data = make_header().encode()
    assert data[0] not in range(1, 5)
    with pytest.raises(InvalidBlockError, match="version"):
        parse_block(data, "T")


@given(st.lists(transactions, min_size=1, max_size=4, unique_by=lambda item: item.id))
def test_swapped_attachment_is_refused(items: list[AnyTransaction]) -> None:
    header = make_header(tuple(items))
    with pytest.raises(InvalidBlockError, match="transactions"):
        Block(header=header, transactions=tuple(items[:-1])).verify_attachment()


@given(lists)
def test_anchor_root_is_over_the_anchors_in_list_order(items: tuple[AnyTransaction, ...]) -> None:
    anchors = [
        anchor
        for item in items
        if isinstance(getattr(item, "payload", None), Anchor)
        for anchor in item.payload.anchors
    ]  # type: ignore[union-attr]
    assert anchors_of(items) == anchors
    assert make_header(items).anchor_root == merkle.root(anchors)


def test_wrong_anchor_root_is_refused() -> None:
    header = make_header()
    forged = replace(header, anchor_root=b"x" * 32)
    with pytest.raises(InvalidBlockError, match="anchor root"):
        Block(header=forged).verify_attachment()


@given(st.lists(st.one_of(transactions), min_size=1, max_size=4).map(tuple))
def test_microblock_round_trip(items: tuple[AnyTransaction, ...]) -> None:
    unsigned = Microblock(previous=b"p" * 64, total=b"t" * 64, transactions=items, generator=KEYS[0].public_key)
    microblock = replace(unsigned, signature=KEYS[0].sign(unsigned.signed_bytes()))
    microblock.verify_signature()
    assert parse_microblock(microblock.encode(), "T") == microblock


def test_microblock_without_transactions_is_refused() -> None:
    empty = Microblock(
        previous=b"p" * 64, total=b"t" * 64, transactions=(), generator=KEYS[0].public_key, signature=b"s" * 64
    )
    with pytest.raises(InvalidBlockError, match="at least one"):
        parse_microblock(empty.encode(), "T")


def test_count_beyond_the_bytes_is_refused_at_once() -> None:
    with pytest.raises(InvalidBlockError, match="cut off"):
        parse_transactions(b"\xff\xff\xff\xff", "T")


def test_renewed_header_keeps_time_and_turn() -> None:
    header = make_header()
    item = GenesisTransaction(timestamp=1, recipient=b"x" * 26, amount=1)
    renewed = with_transactions(header, (item,), b"s" * 64)
    assert (renewed.timestamp, renewed.generation_signature) == (header.timestamp, header.generation_signature)
    assert renewed.transactions_hash != header.transactions_hash


@pytest.fixture
def mainnet_genesis(public_chain_vectors: dict[str, Any]) -> tuple[LtoBlock, str]:
    vector = public_chain_vectors["genesis_block_mainnet"]
    key = KeyPair.from_seed(sha256(b""))
    unsigned = LtoBlock(
        version=1,
        timestamp=vector["timestamp"],
        reference=GENESIS_REFERENCE,
        base_target=vector["base_target"],
        generation_signature=bytes(32),
        transactions=tuple(
            GenesisTransaction(
                timestamp=vector["timestamp"],
                recipient=parse_address(item["recipient"], "L"),
                amount=item["amount_lto"] * 100_000_000,
            )
            for item in vector["transactions"]
        ),
        generator=key.public_key,
    )
    return replace(unsigned, signature=key.sign(unsigned.signed_bytes())), vector["signature"]


def test_mainnet_genesis_has_its_published_signature(mainnet_genesis: tuple[LtoBlock, str]) -> None:
    block, signature = mainnet_genesis
    assert base58.encode(block.signature) == signature
    block.verify_signature()
    assert parse_block(block.encode(), "L") == block


@pytest.mark.parametrize(("version", "length"), [(3, 225), (4, 226)])
def test_empty_lto_blocks_have_their_published_lengths(version: int, length: int) -> None:
    block = LtoBlock(
        version=version,
        timestamp=1,
        reference=b"r" * 64,
        base_target=100,
        generation_signature=b"g" * 32,
        transactions=(),
        fee_vote=-1 if version == 4 else 0,
        generator=KEYS[0].public_key,
        signature=b"s" * 64,
    )
    assert len(block.encode()) == length
    assert parse_block(block.encode(), "T") == block


@given(st.lists(transactions, max_size=3).map(tuple), st.lists(st.integers(0, 65535), max_size=5).map(tuple))
def test_lto_block_round_trip(items: tuple[AnyTransaction, ...], features: tuple[int, ...]) -> None:
    block = LtoBlock(
        version=4,
        timestamp=1,
        reference=b"r" * 64,
        base_target=100,
        generation_signature=b"g" * 32,
        transactions=items,
        features=features,
        fee_vote=1,
        generator=KEYS[0].public_key,
        signature=b"s" * 64,
    )
    assert parse_block(block.encode(), "T") == block
    with pytest.raises(InvalidBlockError):
        block.verify_signature()
