"""Canonical JSON (RFC 8785): one sequence of bytes for one value, so that its hash names it."""

from typing import Any

import rfc8785

from eventchain.core.errors import InvalidJsonError
from eventchain.core.hashing import sha256


def encode(value: Any) -> bytes:
    """Return the RFC 8785 bytes of a JSON value.

    Raises:
        InvalidJsonError: The value has no canonical form: integers beyond 2^53, NaN, infinities, lone surrogates,
            keys that are not strings, or types JSON does not have.
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, RecursionError, UnicodeEncodeError) as error:
        raise InvalidJsonError(f"the value has no canonical JSON form: {error}") from None


def digest(value: Any) -> bytes:
    """Return the SHA-256 of the canonical JSON of a value: the name of a data object (paper section 5)."""
    return sha256(encode(value))
