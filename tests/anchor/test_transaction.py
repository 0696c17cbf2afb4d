"""Transactions: the published bytes, round trips, and what strangers may send."""

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from anchor import transaction_json
from anchor.account import parse_address
from anchor.errors import InvalidTransactionError
from anchor.parameters import LTO, Parameters
from anchor.payload import Anchor, CancelSponsorship, Lease, MassTransfer, Payload, Transfer
from anchor.transaction import AnyTransaction, GenesisTransaction, Transaction, fee_of, parse, validate, verify_proofs
from eventchain.core import base58
from eventchain.core.keys import KeyPair, KeyType, PublicKey
from tests.anchor.strategies import (
    ADDRESSES,
    KEYS,
    genesis_transactions,
    legacy_transactions,
    transactions,
)

PARAMETERS = Parameters()
NOW = 1_519_862_400_000


def unsigned(payload: Payload, **members: Any) -> Transaction:
    fee = payload.fee_units * PARAMETERS.fee_price
    return Transaction(
        **{
            "network": "T",
            "timestamp": NOW,
            "sender": KEYS[0].public_key,
            "fee": fee,
            "payload": payload,
            **members,
        }
    )


def vector_transaction(vector: dict[str, Any], payload: Payload) -> Transaction:
    key = KeyPair.from_seed_phrase(vector["seed_phrase"])
    return unsigned(payload, timestamp=vector["timestamp"], sender=key.public_key, fee=vector["fee"]).signed_by(key)


def check_vector(vector: dict[str, Any], transaction: Transaction) -> None:
    assert transaction.body.hex() == vector["body_hex"]
    assert base58.encode(transaction.id) == vector["id"]
    assert base58.encode(transaction.proofs[0]) == vector["proof"]
    verify_proofs(transaction)


def test_published_anchor(public_chain_vectors: dict[str, Any]) -> None:
    vector = public_chain_vectors["anchor_v3"]
    transaction = vector_transaction(vector, Anchor(anchors=(bytes.fromhex(vector["anchor_hex"]),)))
    check_vector(vector, transaction)
    assert (len(transaction.body), len(transaction.encode())) == (88, 159)


def test_published_transfer(public_chain_vectors: dict[str, Any]) -> None:
    vector = public_chain_vectors["transfer_v3"]
    recipient = parse_address(vector["recipient"], "T")
    payload = Transfer(recipient=recipient, amount=vector["amount"], attachment=vector["attachment_text"].encode())
    check_vector(vector, vector_transaction(vector, payload))


def test_published_genesis_transaction(public_chain_vectors: dict[str, Any]) -> None:
    vector = public_chain_vectors["genesis_transaction_signature"]
    transaction = GenesisTransaction(
        timestamp=vector["timestamp"], recipient=base58.decode(vector["recipient"]), amount=vector["amount"]
    )
    assert base58.encode(transaction.id) == vector["signature"]
    assert len(transaction.encode()) == 43


@given(st.one_of(transactions, legacy_transactions, genesis_transactions))
def test_bytes_round_trip(transaction: AnyTransaction) -> None:
    assert parse(transaction.encode(), "T") == transaction


@given(st.one_of(transactions, legacy_transactions))
def test_json_round_trip(transaction: Transaction) -> None:
    document = transaction_json.to_dict(transaction)
    assert transaction_json.from_dict(document, "T") == transaction
    assert document["id"] == base58.encode(transaction.id)


@given(transactions, st.data())
def test_cut_off_bytes_are_refused(transaction: Transaction, data: st.DataObject) -> None:
    encoded = transaction.encode()
    with pytest.raises(InvalidTransactionError):
        parse(encoded[: data.draw(st.integers(0, len(encoded) - 1))], "T")


@given(transactions)
def test_bytes_after_the_end_are_refused(transaction: Transaction) -> None:
    with pytest.raises(InvalidTransactionError, match="follow"):
        parse(transaction.encode() + b"\x00", "T")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_transaction_or_an_error(data: bytes) -> None:
    try:
        transaction = parse(data, "T")
    except InvalidTransactionError:
        return
    assert transaction.encode() == data


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(transactions, st.data())
def test_any_member_of_the_json_may_be_anything(transaction: Transaction, data: st.DataObject) -> None:
    document = transaction_json.to_dict(transaction)
    member = data.draw(st.sampled_from(sorted(document)))
    document[member] = data.draw(json_values)
    try:
        transaction_json.from_dict(document, "T")
    except InvalidTransactionError as error:
        assert error.path is not None  # noqa: PT017 (both outcomes are right)


@pytest.mark.parametrize("document", [None, 7, [], "x", {}, {"type": 15}, {"type": True}, {"type": "15"}, {"type": 12}])
def test_what_is_no_transaction_is_refused(document: object) -> None:
    with pytest.raises(InvalidTransactionError):
        transaction_json.from_dict(document, "T")


def test_missing_and_empty_attachment_are_alike() -> None:
    document = transaction_json.to_dict(unsigned(Transfer(recipient=ADDRESSES[1], amount=5)).signed_by(KEYS[0]))
    assert document["attachment"] == ""
    without = {name: value for name, value in document.items() if name != "attachment"}
    assert transaction_json.from_dict(without, "T") == transaction_json.from_dict(document, "T")


def test_sender_that_is_not_the_key_is_refused() -> None:
    document = transaction_json.to_dict(unsigned(Anchor(anchors=(b"x" * 32,))).signed_by(KEYS[0]))
    document["sender"] = base58.encode(ADDRESSES[1])
    with pytest.raises(InvalidTransactionError, match="not the address"):
        transaction_json.from_dict(document, "T")


@pytest.mark.parametrize(
    ("payload", "units"),
    [
        (Anchor(anchors=(b"x" * 32,)), 350),
        (Anchor(anchors=()), 250),
        (Transfer(recipient=ADDRESSES[1], amount=1), 1000),
        (Lease(recipient=ADDRESSES[1], amount=1), 1000),
        (MassTransfer(transfers=((ADDRESSES[1], 1), (ADDRESSES[2], 1))), 1200),
        (CancelSponsorship(recipient=ADDRESSES[1]), 1000),
    ],
)
def test_fee_follows_schedule_five(payload: Payload, units: int) -> None:
    transaction = unsigned(payload)
    assert fee_of(transaction, PARAMETERS) == units * LTO // 1000
    validate(transaction, PARAMETERS)
    with pytest.raises(InvalidTransactionError, match="fee"):
        validate(replace(transaction, fee=transaction.fee - 1), PARAMETERS)


def foreign_address() -> bytes:
    return base58.decode(KEYS[1].public_key.address("L"))


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        (Anchor(anchors=(b"x", b"x")), "$.anchors"),
        (Anchor(anchors=(b"",)), "$.anchors[0]"),
        (Anchor(anchors=(b"y" * 32, b"x" * 81)), "$.anchors[1]"),
        (Anchor(anchors=tuple(bytes([index]) for index in range(101))), "$.anchors"),
        (Transfer(recipient=ADDRESSES[1], amount=0), "$.amount"),
        (Transfer(recipient=ADDRESSES[1][:-1] + b"\x00", amount=1), "$.recipient"),
        (Transfer(recipient=foreign_address(), amount=1), "$.recipient"),
        (Transfer(recipient=ADDRESSES[1], amount=1, attachment=b"x" * 141), "$.attachment"),
        (MassTransfer(transfers=((ADDRESSES[1], 2**62),) * 2), "$.transfers"),
        (Lease(recipient=ADDRESSES[1], amount=0), "$.amount"),
    ],
)
def test_payload_over_a_limit_is_refused(payload: Payload, path: str) -> None:
    with pytest.raises(InvalidTransactionError) as caught:
        validate(unsigned(payload, fee=LTO * 20), PARAMETERS)
    assert caught.value.path == path


def test_transaction_of_another_network_is_refused() -> None:
    with pytest.raises(InvalidTransactionError, match="network"):
        validate(unsigned(Anchor(anchors=()), network="L"), PARAMETERS)


def test_fee_and_amount_together_stay_below_the_limit() -> None:
    with pytest.raises(InvalidTransactionError, match="fee"):
        validate(unsigned(Transfer(recipient=ADDRESSES[1], amount=2**63 - 1)), PARAMETERS)


def test_proof_of_another_key_is_refused() -> None:
    with pytest.raises(InvalidTransactionError, match="proofs do not fit"):
        verify_proofs(unsigned(Anchor(anchors=(b"x" * 32,))).signed_by(KEYS[1]))


@pytest.mark.parametrize("count", [0, 2])
def test_wrong_number_of_proofs_is_refused(count: int) -> None:
    transaction = unsigned(Anchor(anchors=(b"x" * 32,)))
    for _ in range(count):
        transaction = transaction.signed_by(KEYS[0])
    with pytest.raises(InvalidTransactionError, match="1 proofs are needed"):
        verify_proofs(transaction)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_sponsor_and_sender_prove_in_any_order(order: tuple[int, int]) -> None:
    transaction = unsigned(Anchor(anchors=(b"x" * 32,)), sponsor=KEYS[1].public_key)
    for index in order:
        transaction = transaction.signed_by(KEYS[index])
    verify_proofs(transaction)


def test_two_proofs_of_the_sender_are_no_sponsorship() -> None:
    transaction = unsigned(Anchor(anchors=(b"x" * 32,)), sponsor=KEYS[1].public_key)
    with pytest.raises(InvalidTransactionError):
        verify_proofs(transaction.signed_by(KEYS[0]).signed_by(KEYS[0]))


@pytest.mark.parametrize(
    ("curve", "key_type"), [(ec.SECP256K1(), KeyType.SECP256K1), (ec.SECP256R1(), KeyType.SECP256R1)]
)
def test_sender_with_an_ecdsa_key(curve: ec.EllipticCurve, key_type: KeyType) -> None:
    private = ec.derive_private_key(12345, curve)
    raw = private.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    transaction = unsigned(Anchor(anchors=(b"x" * 32,)), sender=PublicKey(raw, key_type))
    r, s = utils.decode_dss_signature(private.sign(transaction.body, ec.ECDSA(SHA256())))
    proven = replace(transaction, proofs=(r.to_bytes(32, "big") + s.to_bytes(32, "big"),))
    verify_proofs(proven)
    validate(proven, PARAMETERS)
    assert parse(proven.encode(), "T") == proven


def test_sponsor_changes_the_bytes_and_not_the_id() -> None:
    plain = unsigned(Anchor(anchors=(b"x" * 32,)))
    sponsored = replace(plain, sponsor=KEYS[1].public_key)
    assert sponsored.id == plain.id
    assert sponsored.encode() != plain.encode()
