"""Digests: of texts and of values, with the test vectors of their specifications, and what a commitment needs."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventchain.core import canonical_json
from workflow_engine.errors import BudgetExceededError, InvalidInstructionError
from workflow_engine.operators import Budget, evaluate

VECTORS = [
    ("sha256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ("sha256", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("sha1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    ("md5", "message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
    ("crc32", "", "00000000"),
    ("crc32", "a", "6b9b9319"),
    ("crc32", "abc", "73bb8c64"),
    ("crc32", "message digest", "5703c9bf"),
]


def digest(value: Any, algorithm: str | None = None, context: Any = None) -> Any:
    argument = {"input": value} if algorithm is None else {"input": value, "algo": algorithm}
    return evaluate({"<hash>": argument}, context or {})


@pytest.mark.parametrize(("algorithm", "text", "wanted"), VECTORS)
def test_text_has_the_digest_of_the_specification(algorithm: str, text: str, wanted: str) -> None:
    assert digest(text, algorithm) == wanted


def test_sha512_is_the_one_of_the_specification() -> None:
    assert digest("abc", "sha512").startswith("ddaf35a193617abacc417349ae20413112e6fa4e89a97ea2")


def test_algorithm_is_sha256_unless_another_is_named() -> None:
    assert digest("abc") == VECTORS[0][2]


def test_text_is_hashed_in_utf_8() -> None:
    assert digest("€") == hashlib.sha256("€".encode()).hexdigest()


@given(st.binary(max_size=64))
def test_crc32_is_that_of_php_bit_by_bit(data: bytes) -> None:
    text = data.decode("latin-1")
    register = 0xFFFFFFFF
    for byte in text.encode("utf-8"):
        register ^= byte << 24
        for _ in range(8):
            register = (register << 1 ^ 0x04C11DB7 if register & 0x80000000 else register << 1) & 0xFFFFFFFF
    assert digest(text, "crc32") == (register ^ 0xFFFFFFFF).to_bytes(4, "little").hex()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e9, 1e9) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=3) | st.dictionaries(st.text(max_size=3), JSON, max_size=3))
def test_value_is_hashed_as_the_name_of_its_data_object(value: Any) -> None:
    assert digest({"<ref>": "value"}, context={"value": value}) == canonical_json.digest(value).hex()
    backwards = json.loads(json.dumps(value), object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    assert digest({"<ref>": "value"}, context={"value": backwards}) == canonical_json.digest(value).hex()


def test_number_is_hashed_as_it_is_written() -> None:
    assert digest(1.0) == digest(1) == digest("1") == hashlib.sha256(b"1").hexdigest()


def test_nothing_has_no_digest() -> None:
    assert digest(None) is None
    assert digest({"<ref>": "nothing"}) is None


def test_key_is_refused_because_it_would_be_no_secret() -> None:
    with pytest.raises(InvalidInstructionError, match="every party sees") as caught:
        evaluate({"<hash>": {"input": "a", "hmac": "key"}}, {})
    assert "salt" in str(caught.value.hint)


def test_large_value_is_not_hashed_for_free() -> None:
    with pytest.raises(BudgetExceededError):
        evaluate([{"<hash>": {"input": {"<ref>": "text"}}}] * 40, {"text": "x" * 500_000}, Budget(steps=100_000))


COMMITMENT = {
    "<hash>": {
        "input": {
            "bid": {"<ref>": "current.response.data.bid"},
            "salt": {"<ref>": "current.response.data.salt"},
            "bidder": {"<ref>": "current.actor.key"},
            "process": {"<ref>": "id"},
        }
    }
}


def revealed(bid: int, salt: str, bidder: str = "ann", process: str = "tender") -> Any:
    context = {
        "id": process,
        "current": {"actor": {"key": bidder}, "response": {"data": {"bid": bid, "salt": salt}}},
    }
    return evaluate(COMMITMENT, context)


def test_commitment_binds_bid_salt_bidder_and_process() -> None:
    salt = "6f1c7d0f2c3a4b5e8d9c0a1b2c3d4e5f"
    committed = revealed(100, salt)
    outside = {"process": "tender", "salt": salt, "bid": 100, "bidder": "ann"}
    assert committed == hashlib.sha256(canonical_json.encode(outside)).hexdigest()
    others = [
        revealed(101, salt),
        revealed(100, salt + "0"),
        revealed(100, salt, "ben"),
        revealed(100, salt, "ann", "x"),
    ]
    assert committed not in others
