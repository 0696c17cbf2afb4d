"""Receipts verify offline, and any change to them is found by the check it breaks."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchor import receipt as receipts
from anchor.block import Header
from anchor.errors import InvalidReceiptError
from anchor.receipt import Receipt, verify, verify_header_chain, verify_in_chain
from eventchain.core import base58
from tests.anchor.strategies import KEYS
from tests.anchor.world import World, hash_of

HASH = base58.decode(hash_of("event 3"))


@pytest.fixture(scope="module")
def world() -> World:
    world = World()
    world.turn_until_height(2)
    world.service.submit([hash_of(f"event {index}") for index in range(7)])
    world.turn_until_height(10)
    return world


@pytest.fixture(scope="module")
def headers(world: World) -> list[Header]:
    return world.service.headers(1, 100)


@pytest.fixture(scope="module")
def original(world: World) -> dict[str, Any]:
    return world.final_receipt(hash_of("event 3")).to_dict()


@pytest.fixture
def document(original: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(original)


def test_receipt_verifies_offline(document: dict[str, Any], world: World, headers: list[Header]) -> None:
    receipt = verify(document, HASH)
    assert receipt.day is not None
    assert receipt.to_dict() == document
    genesis = world.service.block_at(1).signature
    verify_header_chain(headers, genesis, world.parameters)
    verify_in_chain(receipt, headers)


def test_receipt_of_another_hash_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(InvalidReceiptError) as caught:
        verify(document, b"x" * 32)
    assert caught.value.check == "hash"


def flip(text: str) -> str:
    raw = base58.decode(text)
    return base58.encode(raw[:-1] + bytes([raw[-1] ^ 1]))


def change(document: dict[str, Any], path: list[Any], value: Any) -> None:
    for name in path[:-1]:
        document = document[name]
    document[path[-1]] = value(document[path[-1]]) if callable(value) else value


@pytest.mark.parametrize(
    ("path", "value", "check"),
    [
        (["version"], 2, "format"),
        (["version"], True, "format"),
        (["hash"], flip, "hash"),
        (["hash"], "0OIl", "format"),
        (["transaction"], None, "format"),
        (["path", "leaf"], 4, "path"),
        (["path", "leaf"], -1, "format"),
        (["path", "size"], 3, "path"),
        (["path", "hashes", 0], flip, "path"),
        (["path", "hashes"], lambda items: items[:-1], "path"),
        (["path", "hashes"], lambda items: items * 50, "format"),
        (["block", "id"], flip, "block"),
        (["block", "timestamp"], 1, "block"),
        (["block", "height"], "2", "format"),
        (["header"], "", "format"),
        (["header"], "!!!", "format"),
        (["header"], 7, "format"),
        (["day", "root"], flip, "day"),
        (["day", "number"], 5, "day"),
        (["day", "period"], 0, "day"),
        (["day", "hashes", 0], flip, "day"),
        (["day"], 7, "format"),
    ],
)
def test_changed_receipt_is_refused_by_name(document: dict[str, Any], path: list[Any], value: Any, check: str) -> None:
    change(document, path, value)
    with pytest.raises(InvalidReceiptError) as caught:
        verify(document, HASH)
    assert caught.value.check == check
    assert check in receipts.CHECKS


def test_header_with_a_forged_signature_is_refused(document: dict[str, Any]) -> None:
    from dataclasses import replace

    header = replace(receipts.parse_header_text(document["header"]), signature=b"x" * 64)
    document["header"] = receipts.encode_header(header)
    document["block"]["id"] = base58.encode(header.signature)
    with pytest.raises(InvalidReceiptError) as caught:
        verify(document, HASH)
    assert caught.value.check == "signature"


@given(st.data())
def test_any_character_of_the_header_changed_is_refused(original: dict[str, Any], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(original["header"]) - 1))
    text = original["header"]
    other = "A" if text[place] != "A" else "B"
    with pytest.raises(InvalidReceiptError):
        verify({**original, "header": text[:place] + other + text[place + 1 :]}, HASH)


json_values = st.recursive(
    st.none() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(json_values)
def test_what_is_no_receipt_is_refused(document: Any) -> None:
    with pytest.raises(InvalidReceiptError):
        receipts.from_dict(document)


def test_self_made_receipt_is_not_on_the_chain(world: World, headers: list[Header]) -> None:
    from anchor import merkle
    from anchor.block import sign_header, with_signature

    forged = sign_header(KEYS[1], timestamp=1, reference=b"r" * 64, base_target=1, generation_signature=b"g" * 64)
    unsigned = Header(
        timestamp=1,
        reference=b"r" * 64,
        base_target=1,
        generation_signature=b"g" * 64,
        transactions_hash=forged.transactions_hash,
        anchor_root=merkle.root([HASH]),
        generator=KEYS[1].public_key,
    )
    header = with_signature(unsigned, KEYS[1].sign(unsigned.signed_bytes))
    receipt = Receipt(hash=HASH, transaction_id=b"t" * 32, position=0, height=2, header=header, leaf=0, size=1, path=())
    verify(receipt, HASH)
    with pytest.raises(InvalidReceiptError) as caught:
        verify_in_chain(receipt, headers)
    assert caught.value.check == "receipt"


def test_receipt_of_the_newest_header_is_not_final(world: World, headers: list[Header]) -> None:
    receipt = world.final_receipt(hash_of("event 3"))
    with pytest.raises(InvalidReceiptError):
        verify_in_chain(receipt, headers[: receipt.height])


@pytest.mark.parametrize(
    ("edit", "check"),
    [
        (lambda items: [], "genesis"),
        (lambda items: items[1:], "genesis"),
        (lambda items: [*items[:3], *items[4:]], "reference"),
        (lambda items: [*items[:3], items[2], *items[3:]], "reference"),
    ],
)
def test_headers_that_are_no_chain_are_refused(world: World, headers: list[Header], edit: Any, check: str) -> None:
    genesis = world.service.block_at(1).signature
    with pytest.raises(InvalidReceiptError) as caught:
        verify_header_chain(edit(headers), genesis, world.parameters)
    assert caught.value.check == check
