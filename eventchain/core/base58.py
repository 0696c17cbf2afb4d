"""Base58 with the Bitcoin alphabet, without check bytes: how ids, hashes, keys and signatures are written.

Written by hand because every event costs several of them: two digits at a time take half the time of the digit-wise
`base58` library, which is the tests' oracle. The cost grows with the square of the length, so only short values belong
in `encode` and `decode`, and both refuse more than `MAX_LENGTH` bytes. The bodies of classic events are longer:
`decode_long`.
"""

from collections.abc import Callable
from functools import lru_cache

from eventchain.core.errors import InvalidEncodingError

MAX_LENGTH = 128
"""Bytes. The longest value of the formats is a 64-byte signature; the rest is room for ids to come."""

MAX_LONG_TEXT = 89_500
"""Characters. 65,535 bytes, the most an event of the later formats can carry, in base58."""

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_VALUES = {pair: value for value, pair in enumerate(_PAIRS)}
_BASE = 58 * 58
_CHUNK = 32
_MAX_TEXT = MAX_LENGTH * 138 // 100 + 1


def encode(data: bytes) -> str:
    """Write bytes as base58 text.

    Raises:
        InvalidEncodingError: More than `MAX_LENGTH` bytes.
    """
    if len(data) > MAX_LENGTH:
        raise InvalidEncodingError(f"{len(data)} bytes are too many for base58; the limit is {MAX_LENGTH}")
    number = int.from_bytes(data, "big")
    pairs = []
    while number:
        number, pair = divmod(number, _BASE)
        pairs.append(_PAIRS[pair])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return "1" * zeros + "".join(reversed(pairs)).lstrip("1")


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
    try:
        data = _decode(text)
    except KeyError:
        raise InvalidEncodingError(f"{name} is not base58", path=path) from None
    if length is not None and len(data) != length:
        raise InvalidEncodingError(f"{name} has {len(data)} bytes; {length} are wanted", path=path)
    return data


@lru_cache(maxsize=4096)
def _decode(text: str) -> bytes:
    """Read base58 text of any length; a hash is read twice, as an event's own and as the next one's `previous`."""
    return _with_zeros(text, _number)


def _with_zeros(text: str, read: Callable[[str], int]) -> bytes:
    digits = text.lstrip("1")
    number = read(digits)
    return bytes(len(text) - len(digits)) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def decode_long(text: str, *, name: str = "value", path: str | None = None) -> bytes:
    """Read base58 text of up to `MAX_LONG_TEXT` characters, such as the body of a classic event.

    Halving the text keeps the cost far below the quadratic one of reading digit by digit.

    Raises:
        InvalidEncodingError: Not base58, or too long.
    """
    if len(text) > MAX_LONG_TEXT:
        raise InvalidEncodingError(f"{name} is too long", path=path)
    try:
        return _with_zeros(text, _long_number)
    except KeyError:
        raise InvalidEncodingError(f"{name} is not base58", path=path) from None


def _number(digits: str) -> int:
    number = 0
    if len(digits) % 2:
        digits = "1" + digits
    for start in range(0, len(digits), 2):
        number = number * _BASE + _VALUES[digits[start : start + 2]]
    return number


def _long_number(digits: str) -> int:
    if len(digits) <= _CHUNK:
        return _number(digits)
    half = len(digits) // 2
    return _long_number(digits[:-half]) * int(58**half) + _long_number(digits[-half:])
