"""Ids of chains and resources: published values of three generations, and ids that were tampered with."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventchain.core import base58
from eventchain.core.errors import InvalidError, InvalidIdError
from eventchain.core.hashing import secure_hash, sha256
from eventchain.core.ids import NONCE_LENGTH, ChainId, Generation, nonce_from_text
from eventchain.core.keys import KeyPair

ALICE, BOB = (KeyPair.from_seed_phrase(name).public_key for name in ("alice", "bob"))
NONCE = nonce_from_text("foo")

generations = st.sampled_from(Generation)
nonces = st.binary(min_size=NONCE_LENGTH, max_size=NONCE_LENGTH)


def test_published_classic_ids(eventchain_vectors: dict[str, Any]) -> None:
    vector = eventchain_vectors["g1_chain_id"]
    key = KeyPair.from_seed_phrase(vector["seed_phrase"], vector["account_nonce"]).public_key
    for case in vector["cases"]:
        nonce = nonce_from_text(case["nonce_seed"]) if "nonce_seed" in case else bytes(20)
        chain_id = ChainId.create(key, nonce, generation=Generation.G1)
        assert str(chain_id) == case["id"]
        assert base58.encode(chain_id.initial_hash) == case["initial_hash"]


@pytest.mark.parametrize(("name", "generation"), [("v1_chain", Generation.V1), ("v2_chain", Generation.V2)])
def test_published_binary_ids(eventchain_vectors: dict[str, Any], name: str, generation: Generation) -> None:
    inputs, vector = eventchain_vectors["v2_chain"], eventchain_vectors[name]
    key = KeyPair.from_seed_phrase(inputs["seed_phrase"], inputs["account_nonce"]).public_key
    nonce = nonce_from_text(inputs["nonce"])
    chain_id = ChainId.create(key, nonce, generation=generation, network=inputs["network"])
    assert str(chain_id) == vector["id"]
    assert base58.encode(chain_id.initial_hash) == vector["initial_hash"]


def test_published_id_of_an_empty_nonce(eventchain_vectors: dict[str, Any]) -> None:
    chain_id = ChainId.create(KeyPair.from_seed_phrase("test").public_key, nonce_from_text(""))
    assert str(chain_id) == eventchain_vectors["v2_two_events"]["id"]


def test_published_chain_ends_in_the_published_state(eventchain_vectors: dict[str, Any]) -> None:
    vector = eventchain_vectors["v2_two_events"]
    state = ChainId.parse(vector["id"]).initial_state
    for event in vector["events"]:
        state = sha256(state + base58.decode(event["hash"]))
    assert base58.encode(state) == vector["final_state"]


@given(generations, nonces, st.sampled_from("TLx0"))
def test_id_round_trip(generation: Generation, nonce: bytes, network: str) -> None:
    chain_id = ChainId.create(ALICE, nonce, generation=generation, network=network)
    assert ChainId.parse(str(chain_id)) == chain_id
    assert chain_id.generation is generation
    assert len(chain_id.raw) == generation.id_length
    assert chain_id.network == (network if generation.has_network else None)
    chain_id.verify_creator(ALICE)
    with pytest.raises(InvalidIdError, match="another key"):
        chain_id.verify_creator(BOB)


@given(generations, st.data(), st.integers(1, 255))
def test_id_with_one_byte_changed_is_refused(generation: Generation, data: st.DataObject, difference: int) -> None:
    raw = bytearray(ChainId.create(ALICE, NONCE, generation=generation).raw)
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= difference
    with pytest.raises(InvalidIdError):
        ChainId.parse(base58.encode(bytes(raw)), path="$.id")


@given(generations, st.integers(0, 60))
def test_id_of_another_length_is_refused(generation: Generation, length: int) -> None:
    raw = ChainId.create(ALICE, NONCE, generation=generation).raw
    cut = (raw + bytes(60))[:length]
    if length != len(raw):
        with pytest.raises(InvalidIdError):
            ChainId.parse(base58.encode(cut))


@pytest.mark.parametrize("type_byte", [0x00, 0x01, 0x3F, 0x43, 0x50, 0x51, 0x52, 0xFF])
def test_id_of_another_type_with_a_right_checksum_is_refused(type_byte: int) -> None:
    for length in (41, 42):
        body = bytes([type_byte]) + bytes(length - 1)
        with pytest.raises(InvalidIdError, match="not the id of an event chain"):
            ChainId.parse(base58.encode(body + secure_hash(body)[:4]))


@given(st.one_of(st.text(), st.none(), st.integers(), st.lists(st.text()), st.binary()))
def test_any_value_is_an_id_or_refused(value: object) -> None:
    with pytest.raises(InvalidError) as caught:
        ChainId.parse(value, path="$.id")
    assert caught.value.path == "$.id"


@pytest.mark.parametrize("network", ["", "TT", "é", "\ud800"])
def test_network_is_one_ascii_character(network: str) -> None:
    with pytest.raises(InvalidIdError, match="network"):
        ChainId.create(ALICE, NONCE, network=network)


@pytest.mark.parametrize("length", [0, 19, 21, 32])
def test_nonce_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(InvalidIdError, match="20 bytes"):
        ChainId.create(ALICE, bytes(length))
    with pytest.raises(InvalidIdError, match="20 bytes"):
        ChainId.create(ALICE, NONCE).resource_id(bytes(length))


def test_nonce_that_is_not_unicode_is_refused() -> None:
    with pytest.raises(InvalidIdError, match="Unicode"):
        nonce_from_text("\ud800")


# --- Resource ids -----------------------------------------------------------------------------------------------------


@given(generations, nonces)
def test_resource_id_belongs_to_its_chain_alone(generation: Generation, nonce: bytes) -> None:
    mine, other = (ChainId.create(key, NONCE, generation=generation) for key in (ALICE, BOB))
    text = mine.resource_id(nonce)
    raw = base58.decode(text)
    assert raw[0] == generation.resource_type
    assert len(raw) == generation.id_length
    assert mine.is_resource_id(text)
    assert not other.is_resource_id(text)
    with pytest.raises(InvalidIdError):
        ChainId.parse(text)


def test_resource_id_of_another_network_or_generation_is_foreign() -> None:
    chain_ids = [
        ChainId.create(ALICE, NONCE, generation=generation, network=network)
        for generation, network in [
            (Generation.G1, "T"),
            (Generation.V1, "T"),
            (Generation.V2, "T"),
            (Generation.V2, "L"),
        ]
    ]
    for owner in chain_ids:
        text = owner.resource_id(NONCE)
        assert [chain_id for chain_id in chain_ids if chain_id.is_resource_id(text)] == [owner]


@given(generations, st.integers(0, 44), st.integers(1, 255))
def test_resource_id_with_one_byte_changed_belongs_to_no_chain(
    generation: Generation, at: int, difference: int
) -> None:
    chain_id = ChainId.create(ALICE, NONCE, generation=generation)
    raw = bytearray(base58.decode(chain_id.resource_id(NONCE)))
    raw[at] ^= difference
    assert not chain_id.is_resource_id(base58.encode(bytes(raw)))


@given(generations, st.text())
def test_any_text_is_a_resource_id_or_not(generation: Generation, text: str) -> None:
    assert not ChainId.create(ALICE, NONCE, generation=generation).is_resource_id(text)


def test_classic_ids_over_base58_text_are_read_as_javascript_clients_write_them() -> None:
    def of_text(type_byte: int, text: str) -> str:
        body = bytes([type_byte]) + NONCE + secure_hash(text.encode())[:20]
        return base58.encode(body + secure_hash(body)[:4])

    chain_id = ChainId.parse(of_text(0x40, str(ALICE)))
    chain_id.verify_creator(ALICE)
    with pytest.raises(InvalidIdError):
        chain_id.verify_creator(BOB)
    assert chain_id.is_resource_id(of_text(0x50, str(chain_id)))
    assert chain_id.resource_id(NONCE) != of_text(0x50, str(chain_id))
