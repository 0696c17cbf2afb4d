"""A sealed message proves its sender, at one node, with one body; anything else is refused."""

import base64
import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.envelope import ASK, CHAIN, open_envelope, seal
from dispatcher.errors import InvalidDestinationError, InvalidSealError
from eventchain.core import base58
from eventchain.core.keys import KeyPair

KEY = KeyPair.from_seed(bytes(range(32)))
OTHER = KeyPair.from_seed(bytes(32))
HERE = "amqps://broker.example.com/acme"
BODY = b'{"id":"x"}'

VECTORS: list[tuple[str, str, str, bytes, int, str]] = [
    (
        "amqps://Broker.Example.com/acme",
        "9vXN",
        CHAIN,
        BODY,
        1700000000000,
        "0mMya4t9YYgiqZfAImvrF1HgZujR5sfyiBTkeEHRUhA/fKi58tOUZwlwabeFbW3BQaIrxLO822FmC04cm3B3AQ==",
    ),
    (
        "amqp://10.0.0.1:5673/%2F",
        "ask-1",
        ASK,
        b"",
        1,
        "AQVoyJCKeBbFr0a72EqgyJXg/i/AaZfLh+riHUyQiwy+P/byfHwIDktJwRF69wrvZbkSJ18JrfiRZo/2muFnBA==",
    ),
]
"""Destination, id, kind, body, time; signature of the key with the seed 00 01 … 1f."""


@pytest.mark.parametrize(("destination", "message_id", "kind", "body", "time", "signature"), VECTORS)
def test_seal_is_that_of_the_vectors(
    destination: str, message_id: str, kind: str, body: bytes, time: int, signature: str
) -> None:
    headers = seal(KEY, destination, message_id, kind, body, time=time)
    assert headers == {
        "seal": "1",
        "seal-id": message_id,
        "seal-kind": kind,
        "seal-sender": "FAe4sisG95oZ42w7buUn5qEE4TAnfTTFPiguZUHmhiF",
        "seal-time": str(time),
        "seal-signature": signature,
    }


def test_statement_is_the_documented_one() -> None:
    statement = (
        b'{"$schema":"urn:livecontract:seal:1",'
        b'"body":"' + base58.encode(hashlib.sha256(BODY).digest()).encode() + b'",'
        b'"destination":"amqps://broker.example.com:5671/acme",'
        b'"id":"9vXN","kind":"chain","sender":"FAe4sisG95oZ42w7buUn5qEE4TAnfTTFPiguZUHmhiF","time":1700000000000}'
    )
    key = Ed25519PublicKey.from_public_bytes(KEY.public_key.raw)
    key.verify(base64.b64decode(VECTORS[0][5]), statement)  # by another library


@given(st.binary(max_size=200), st.sampled_from([CHAIN, ASK]), st.integers(1, 10**14))
def test_what_is_sealed_here_is_opened_here(body: bytes, kind: str, time: int) -> None:
    envelope = open_envelope(seal(KEY, HERE, "id", kind, body, time=time), body, "amqps://BROKER.example.com:5671/acme")
    assert (envelope.sender, envelope.kind, envelope.id, envelope.time) == (KEY.public_key, kind, "id", time)


def sealed(**changes: str) -> dict[str, str]:
    return {**seal(KEY, HERE, "9vXN", CHAIN, BODY, time=1700000000000), **changes}


@pytest.mark.parametrize(
    "destination",
    [
        "amqp://broker.example.com/acme",
        "amqps://broker.example.com/other",
        "amqps://broker.example.com:5673/acme",
        "amqps://broker2.example.com/acme",
        "https://broker.example.com/acme",
    ],
)
def test_message_sealed_for_another_node_is_refused(destination: str) -> None:
    with pytest.raises(InvalidSealError):
        open_envelope(sealed(), BODY, destination)


@pytest.mark.parametrize(
    "change",
    [
        {"seal": "2"},
        {"seal": ""},
        {"seal-id": "9vXM"},
        {"seal-id": ""},
        {"seal-id": "x" * 129},
        {"seal-id": "a\nb"},
        {"seal-kind": ASK},
        {"seal-kind": "other"},
        {"seal-sender": str(OTHER.public_key)},
        {"seal-sender": ""},
        {"seal-sender": "0OIl"},
        {"seal-sender": "1" * 10_000},
        {"seal-time": "1700000000001"},
        {"seal-time": "01700000000000"},
        {"seal-time": "-1"},
        {"seal-time": "9" * 16},
        {"seal-time": "\u0661"},
        {"seal-signature": ""},
        {"seal-signature": "AAAA"},
        {"seal-signature": "A" * 86 + "=="},
        {"seal-signature": "?" * 88},
        {"seal-signature": "\u00e9"},
        {"seal-signature": "A" * 1_000_000},
    ],
)
def test_changed_seal_is_refused(change: dict[str, str]) -> None:
    open_envelope(sealed(), BODY, HERE)
    with pytest.raises(InvalidSealError):
        open_envelope(sealed(**change), BODY, HERE)


@pytest.mark.parametrize("missing", sorted(sealed()))
def test_seal_without_one_of_its_headers_is_refused(missing: str) -> None:
    headers = sealed()
    del headers[missing]
    with pytest.raises(InvalidSealError):
        open_envelope(headers, BODY, HERE)


@given(st.binary(max_size=40).filter(lambda body: body != BODY))
def test_changed_body_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidSealError):
        open_envelope(sealed(), body, HERE)


@given(st.dictionaries(st.sampled_from(sorted(sealed())), st.text(max_size=100), min_size=1))
def test_junk_in_the_headers_is_refused_and_nothing_else(change: dict[str, str]) -> None:
    headers = sealed(**change)
    if headers != sealed():
        with pytest.raises(InvalidSealError):
            open_envelope(headers, BODY, HERE)


@pytest.mark.parametrize("arguments", [("x", "other"), ("", CHAIN), ("a b", CHAIN), ("x" * 129, CHAIN)])
def test_what_no_receiver_would_open_is_not_sealed(arguments: Any) -> None:
    with pytest.raises(ValueError, match="cannot be sealed"):
        seal(KEY, HERE, *arguments, BODY, time=1)


def test_nothing_is_sealed_for_what_is_no_node() -> None:
    with pytest.raises(InvalidDestinationError):
        seal(KEY, "amqp://", "id", CHAIN, BODY, time=1)
