"""Base58 with the Bitcoin alphabet, without check bytes: how ids, hashes, keys and signatures are written.

Written by hand because every event costs several of them, and the digit-wise `base58` library, which is the tests'
oracle, takes several times as long. The cost grows with the square of the length, so only short values belong in
`encode` and `decode`, and both refuse more than `MAX_LENGTH` bytes. The bodies of classic events are longer:
`decode_long`.

Reading works on all digits at once: they stand side by side in one large integer, a byte each, and every step joins
each pair of neighbours in lanes twice as wide (`high * base + low`), until one number is left.

```
d3 d2 d1 d0          lanes of  8 bits, below 58
d3*58+d2  d1*58+d0   lanes of 16 bits, below 58^2
...                  a lane of w bits holds less than 58^(w/8) < 2^(6w/8): it never runs over
```
"""

from collections.abc import Callable, Iterator
from functools import lru_cache

from eventchain.core.errors import InvalidEncodingError

MAX_LENGTH = 256
"""Bytes. The longest values of the formats are attachments of transfers (140) and subjects of associations (256)."""

MAX_LONG_TEXT = 89_500
"""Characters. 65,535 bytes, the most an event of the later formats can carry, in base58."""

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_BASE = 58 * 58
_MAX_TEXT = MAX_LENGTH * 138 // 100 + 1
_HASH_LENGTH = 32
_HASH_TEXT = 44
_NO_DIGIT = 0xFF
_DIGITS = bytes(_ALPHABET.find(chr(byte)) % (_NO_DIGIT + 1) for byte in range(256))
_MAX_DIGITS = 512


def _lanes() -> Iterator[tuple[int, int, int]]:
    """Yield for each step how wide the lanes are in bits, what masks every second one, and their base."""
    width, base = 1, 58
    while width < _MAX_DIGITS:
        lane = bytes(width) + bytes([0xFF]) * width
        yield 8 * width, int.from_bytes(lane * (_MAX_DIGITS // len(lane)), "big"), base
        width, base = 2 * width, base * base


_LANES = tuple(_lanes())


def encode(data: bytes) -> str:
    """Write bytes as base58 text.

    Raises:
        InvalidEncodingError: More than `MAX_LENGTH` bytes.
    """
    if len(data) > MAX_LENGTH:
        raise InvalidEncodingError(f"{len(data)} bytes are too many for base58; the limit is {MAX_LENGTH}")
    return _encode_hash(data) if len(data) == _HASH_LENGTH else _encode(data)


@lru_cache(maxsize=4096)
def _encode_hash(data: bytes) -> str:
    """Write 32 bytes; the same hash is written many times on its way through a node."""
    return _encode(data)


def _encode(data: bytes) -> str:
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
        data = _decode_hash(text) if len(text) <= _HASH_TEXT else _with_zeros(text, _number)
    except KeyError:
        raise InvalidEncodingError(f"{name} is not base58", path=path) from None
    if length is not None and len(data) != length:
        raise InvalidEncodingError(f"{name} has {len(data)} bytes; {length} are wanted", path=path)
    return data


@lru_cache(maxsize=4096)
def _decode_hash(text: str) -> bytes:
    """Read short text; a hash is read twice, as an event's own and as the next one's `previous`."""
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


def _number(text: str) -> int:
    """Return what up to `_MAX_DIGITS` digits mean; `KeyError` if one of them is none."""
    digits = text.encode("ascii", "replace").translate(_DIGITS)
    if _NO_DIGIT in digits:
        raise KeyError(text)
    number, bits = int.from_bytes(digits, "big"), 8 * len(digits)
    for width, mask, base in _LANES:
        if width >= bits:
            break
        number = (number & mask) + ((number >> width) & mask) * base
    return number


def _long_number(digits: str) -> int:
    if len(digits) <= _MAX_DIGITS:
        return _number(digits)
    half = len(digits) // 2
    return _long_number(digits[:-half]) * int(58**half) + _long_number(digits[-half:])
