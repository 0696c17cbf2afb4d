"""What the routes of the workflow engine share: who asks, what was posted, and JSON answers with an ETag."""

from collections.abc import Mapping
from typing import Any

from flask import Response, g, request

from eventchain.core import base58, canonical_json, strict_json
from eventchain.core.errors import UnauthenticatedError
from eventchain.core.hashing import sha256
from eventchain.core.keys import PublicKey

MAX_BYTES = 256 * 1024
"""Of a posted document; a scenario has to fit an event, and some space is left for white space."""


def caller() -> PublicKey:
    """Return who signed the request.

    Raises:
        UnauthenticatedError: Nobody did.
    """
    found = g.get("caller")
    if not isinstance(found, PublicKey):
        raise UnauthenticatedError("This request has to be signed.")
    return found


def document() -> Any:
    """Return the JSON that was posted.

    Raises:
        InvalidJsonError, TooLargeError: It is none, or too large.
    """
    return strict_json.parse(request.get_data(cache=False), max_bytes=MAX_BYTES)


def answer(
    value: Any, headers: Mapping[str, str] | None = None, *, status: int = 200, tag: str | None = None
) -> Response:
    """Return JSON with an ETag, that of its bytes unless another is given, or 304 when the caller has it."""
    data = canonical_json.encode(value)
    found = Response(data, status=status, content_type="application/json", headers=dict(headers or {}))
    found.set_etag(tag or base58.encode(sha256(data)))
    if status == 200:
        found.make_conditional(request)
    return found
