"""The bytes of our own key block, microblock and receipt, kept so that no change to them goes unnoticed.

`vectors/key-block.json` was made by this package and checked against the layout drawn in `anchor.block` with `struct`,
as the first test does. Changing these bytes makes nodes disagree: it needs a new version byte and new vectors beside.
"""

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import nacl.signing
import pytest

from anchor import receipt as receipts
from anchor.block import Block, encode_transactions, parse_header, parse_microblock, parse_transactions
from anchor.chain import append, extend, start
from anchor.forge import development_genesis, forge_block, forge_microblock, next_turn
from anchor.parameters import development
from anchor.payload import Anchor
from anchor.transaction import Transaction
from eventchain.core import base58
from eventchain.core.keys import KeyPair

VECTORS = Path(__file__).parent / "vectors" / "key-block.json"
PARAMETERS = development()


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    return json.loads(VECTORS.read_text())


def make_vectors() -> dict[str, Any]:
    """Return the vectors as this package makes them: a first block, a second one, and a microblock with two anchors."""
    key, now = KeyPair.from_seed_phrase("test"), 1_519_862_400_000
    genesis = development_genesis(key, now, PARAMETERS)
    chain = start(genesis, PARAMETERS)
    turn = next_turn(chain, key, PARAMETERS)
    assert turn is not None
    second = forge_block(chain, key, turn, turn.due, PARAMETERS)
    chain = append(chain, second, PARAMETERS)
    payload = Anchor(anchors=(hashlib.sha256(b"").digest(), hashlib.sha256(b"a").digest()))
    fee = payload.fee_units * PARAMETERS.fee_price
    item = Transaction(network="T", timestamp=now, sender=key.public_key, fee=fee, payload=payload).signed_by(key)
    microblock = forge_microblock(chain, key, [item])
    chain = extend(chain, microblock, PARAMETERS)
    return {
        "note": "Seed phrase test, network T, development parameters with key blocks every second. Bytes in hex.",
        "genesis_header": genesis.header.encode().hex(),
        "genesis_attachment": encode_transactions(genesis.transactions).hex(),
        "second_delay": turn.due - now,
        "second_header": second.header.encode().hex(),
        "microblock": microblock.encode().hex(),
        "renewed_header": chain.header.encode().hex(),
        "anchor_root": chain.header.anchor_root.hex(),
    }


def test_bytes_are_what_they_were(vectors: dict[str, Any]) -> None:
    assert make_vectors() == vectors


def test_layout_read_with_struct_alone(vectors: dict[str, Any]) -> None:
    parent = bytes.fromhex(vectors["genesis_header"])
    data = bytes.fromhex(vectors["renewed_header"])
    fields = struct.unpack(">BQ64sIQ64s32s32s32s64s", data)
    version, timestamp, reference, length, base_target, generation, list_hash, root, generator, signature = fields
    assert (version, length, reference) == (0x81, 72, parent[-64:])
    assert timestamp == 1_519_862_400_000 + vectors["second_delay"]
    assert base_target == struct.unpack(">Q", parent[77:85])[0]
    verify_key = nacl.signing.VerifyKey(generator)
    verify_key.verify(data[:-64], signature)
    verify_key.verify(hashlib.sha256(parent[85:149]).digest(), generation)
    leaves = [hashlib.sha256(b"\x00" + hashlib.sha256(item).digest()).digest() for item in (b"", b"a")]
    assert root == hashlib.sha256(b"\x01" + leaves[0] + leaves[1]).digest() == bytes.fromhex(vectors["anchor_root"])
    microblock = bytes.fromhex(vectors["microblock"])
    attachment = microblock[133:-96]
    assert microblock[0] == 0x83
    assert microblock[129:133] == struct.pack(">I", len(attachment))
    assert hashlib.sha256(attachment).digest() == list_hash
    assert microblock[65:129] == signature
    verify_key.verify(microblock[:-64], microblock[-64:])


def test_stored_bytes_are_a_chain(vectors: dict[str, Any]) -> None:
    genesis = Block(
        header=parse_header(bytes.fromhex(vectors["genesis_header"])),
        transactions=parse_transactions(bytes.fromhex(vectors["genesis_attachment"]), "T"),
    )
    second = Block(header=parse_header(bytes.fromhex(vectors["second_header"])))
    chain = append(start(genesis, PARAMETERS), second, PARAMETERS)
    chain = extend(chain, parse_microblock(bytes.fromhex(vectors["microblock"]), "T"), PARAMETERS)
    assert chain.header.encode().hex() == vectors["renewed_header"]
    headers = [genesis.header, chain.header]
    receipts.verify_header_chain(headers, genesis.signature, PARAMETERS)
    assert base58.encode(genesis.signature) == base58.encode(bytes.fromhex(vectors["genesis_header"])[-64:])
