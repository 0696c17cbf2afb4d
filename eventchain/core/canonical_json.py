"""Canonical JSON (RFC 8785): one sequence of bytes for one value, so that its hash names it.

Most values are written by the encoder of the standard library, which is some ten times as fast as `rfc8785` and
differs from it in two points: how some numbers are written, and how keys outside ASCII are sorted. Values where either
could matter go to `rfc8785`, which is the oracle of the tests as well.
"""

import json
from typing import Any

import rfc8785

from eventchain.core.errors import InvalidJsonError
from eventchain.core.hashing import sha256

_MAX_INTEGER = 2**53 - 1
_MIN_DECIMAL, _MAX_DECIMAL = 1e-4, 1e15
"""Between them Python and JavaScript both write a double with its shortest digits and without an exponent."""

_EASY = frozenset({str, bool, type(None)})
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)


def encode(value: Any) -> bytes:
    """Return the RFC 8785 bytes of a JSON value.

    Raises:
        InvalidJsonError: The value has no canonical form: integers beyond 2^53, NaN, infinities, lone surrogates,
            keys that are not strings, or types JSON does not have.
    """
    try:
        return _ENCODER.encode(value).encode("utf-8") if _is_plain(value) else rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, RecursionError, UnicodeEncodeError) as error:
        raise InvalidJsonError(f"the value has no canonical JSON form: {error}") from None


def _is_plain(value: Any) -> bool:
    """Whether the standard encoder writes the canonical form of a value."""
    kind = type(value)
    if kind in _EASY:
        return True
    if kind is int:
        return bool(-_MAX_INTEGER <= value <= _MAX_INTEGER)
    if kind is dict:
        for key in value:
            if type(key) is not str or not key.isascii():
                return False
        value = value.values()
    elif kind is not list:
        return kind is float and _MIN_DECIMAL <= abs(value) < _MAX_DECIMAL and bool(value % 1)
    for item in value:  # noqa: SIM110  # a generator would take twice the time
        if type(item) not in _EASY and not _is_plain(item):
            return False
    return True


def digest(value: Any) -> bytes:
    """Return the SHA-256 of the canonical JSON of a value: the name of a data object (paper section 5)."""
    return sha256(encode(value))
