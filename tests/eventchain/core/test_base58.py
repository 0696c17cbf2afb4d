"""Base58 against a library that works digit by digit, and against text that is not base58."""

import base58 as library
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventchain.core import base58
from eventchain.core.errors import InvalidEncodingError

ALPHABET = library.BITCOIN_ALPHABET.decode()


@given(st.binary(max_size=base58.MAX_LENGTH))
def test_encoding_is_that_of_the_library_and_decodes_to_the_same_bytes(data: bytes) -> None:
    text = base58.encode(data)
    assert text == library.b58encode(data).decode()
    assert base58.decode(text) == data
    assert base58.decode_long(text) == data


@given(st.binary(min_size=100, max_size=4000))
def test_long_text_decodes_to_the_same_bytes(data: bytes) -> None:
    assert base58.decode_long(library.b58encode(data).decode()) == data


@given(st.one_of(st.text(max_size=60), st.text(alphabet=ALPHABET + "0OIl \n", max_size=60)))
def test_any_text_decodes_to_what_encodes_to_it_or_is_refused(text: str) -> None:
    for decode in (base58.decode, base58.decode_long):
        try:
            data = decode(text)
        except InvalidEncodingError:
            assert set(text) - set(ALPHABET)
        else:
            assert library.b58encode(data).decode() == text


@given(st.one_of(st.none(), st.integers(), st.binary(), st.lists(st.text())))
def test_what_is_not_text_is_refused(value: object) -> None:
    with pytest.raises(InvalidEncodingError, match="string"):
        base58.decode(value)


def test_length_is_checked_and_named() -> None:
    with pytest.raises(InvalidEncodingError, match="hash has 3 bytes; 32 are wanted") as caught:
        base58.decode(base58.encode(b"abc"), length=32, name="hash", path="$.hash")
    assert caught.value.path == "$.hash"


def test_more_bytes_than_the_limit_are_refused_both_ways() -> None:
    with pytest.raises(InvalidEncodingError, match="too many"):
        base58.encode(bytes(base58.MAX_LENGTH + 1))
    with pytest.raises(InvalidEncodingError, match="too long"):
        base58.decode("z" * 1_000_000)
    with pytest.raises(InvalidEncodingError, match="too long"):
        base58.decode_long("z" * (base58.MAX_LONG_TEXT + 1))


def test_longest_value_fits() -> None:
    data = b"\xff" * base58.MAX_LENGTH
    assert base58.decode(base58.encode(data)) == data
