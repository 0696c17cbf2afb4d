"""Base58 with the Bitcoin alphabet, without check bytes: how ids, hashes, keys and signatures are written.

The `base58` library works digit by digit (quadratic in the length): only values of bounded length belong here, and
both directions refuse more than `MAX_LENGTH` bytes.
"""

import base58 as _base58

from eventchain.core.errors import InvalidEncodingError

MAX_LENGTH = 128
"""Bytes. The longest value of the formats is a 64-byte signature; the rest is room for ids to come."""

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
