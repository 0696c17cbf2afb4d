"""Base58 with the Bitcoin alphabet, without check bytes: how ids, hashes, keys and signatures are written.

The `base58` library works digit by digit (quadratic in the length): only short values belong in `encode` and
`decode`, and both refuse more than `MAX_LENGTH` bytes. The bodies of classic events are longer: `decode_long`.
"""

import base58 as _base58

from eventchain.core.errors import InvalidEncodingError

MAX_LENGTH = 128
"""Bytes. The longest value of the formats is a 64-byte signature; the rest is room for ids to come."""

MAX_LONG_TEXT = 89_500
"""Characters. 65,535 bytes, the most an event of the later formats can carry, in base58."""

_ALPHABET: str = _base58.BITCOIN_ALPHABET.decode("ascii")
_CHUNK = 32
_MAX_TEXT = MAX_LENGTH * 138 // 100 + 1


def encode(data: bytes) -> str:
    """Write bytes as base58 text.

    Raises:
        InvalidEncodingError: More than `MAX_LENGTH` bytes.
    """
    if len(data) > MAX_LENGTH:
        raise InvalidEncodingError(f"{len(data)} bytes are too many for base58; the limit is {MAX_LENGTH}")
    return _base58.b58encode(data).decode("ascii")


def decode(text: object, *, length: int | None = None, name: str = "value", path: str | None = None) -> bytes:
    """Read base58 text.

    Args:
        text: What should be a base58 string; anything else is refused.
        length: The exact number of bytes wanted, or None for any.
        name: What the value is, for the error message.
        path: Where it stands, for the error message.

    Raises:
        InvalidEncodingError: Not a string, not base58, too long, or not `length` bytes.
    """
    if not isinstance(text, str):
        raise InvalidEncodingError(f"{name} should be a base58 string", path=path)
    if len(text) > _MAX_TEXT:
        raise InvalidEncodingError(f"{name} is too long for a base58 value", path=path)
    if text != text.strip():
        raise InvalidEncodingError(f"{name} has white space around it", path=path)
    try:
        data = _base58.b58decode(text)
    except ValueError:
        raise InvalidEncodingError(f"{name} is not base58", path=path) from None
    if length is not None and len(data) != length:
        raise InvalidEncodingError(f"{name} has {len(data)} bytes; {length} are wanted", path=path)
    return data


def decode_long(text: str, *, name: str = "value", path: str | None = None) -> bytes:
    """Read base58 text of up to `MAX_LONG_TEXT` characters, such as the body of a classic event.

    Halving the text keeps the cost far below the quadratic one of reading digit by digit.

    Raises:
        InvalidEncodingError: Not base58, or too long.
    """
    if len(text) > MAX_LONG_TEXT:
        raise InvalidEncodingError(f"{name} is too long", path=path)
    digits = text.lstrip("1")
    try:
        number = _number(digits)
    except ValueError:
        raise InvalidEncodingError(f"{name} is not base58", path=path) from None
    return bytes(len(text) - len(digits)) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _number(digits: str) -> int:
    if len(digits) <= _CHUNK:
        number = 0
        for digit in digits:
            number = number * 58 + _ALPHABET.index(digit)
        return number
    half = len(digits) // 2
    return _number(digits[:-half]) * int(58**half) + _number(digits[-half:])
