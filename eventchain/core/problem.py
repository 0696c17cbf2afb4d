"""Errors as HTTP answers: one table from family to status, one shape (problem+json, RFC 9457)."""

import re
from typing import Any

from eventchain.core import errors

CONTENT_TYPE = "application/problem+json"

_STATUS: tuple[tuple[type[errors.LiveContractError], int, str], ...] = (
    (errors.TooLargeError, 413, "Too large"),
    (errors.InvalidError, 400, "Invalid document"),
    (errors.UnauthenticatedError, 401, "Not authenticated"),
    (errors.ForbiddenError, 403, "Not allowed"),
    (errors.NotFoundError, 404, "Not found"),
    (errors.ConflictError, 409, "Conflict"),
    (errors.TooManyRequestsError, 429, "Too many requests"),
    (errors.UnavailableError, 503, "Not available now"),
)
"""The first family that fits decides."""

_TYPE = "urn:livecontract:error:"
_CODE = re.compile(r"[A-Z][A-Za-z]{0,63}")

_FAMILIES = {status: family for family, status, _ in reversed(_STATUS)}


def status_of(error: errors.LiveContractError) -> int:
    """Return the HTTP status of an error; 500 for one without a family."""
    return next((status for family, status, _ in _STATUS if isinstance(error, family)), 500)


def to_dict(error: errors.LiveContractError) -> dict[str, Any]:
    """Return the problem document: type, title, status, detail, and path and hint where the error has them."""
    title = next((title for family, _, title in _STATUS if isinstance(error, family)), "Internal error")
    return {
        "type": _TYPE + error.code,
        "title": title,
        "status": status_of(error),
        "detail": error.message,
        **({"path": error.path} if error.path else {}),
        **({"hint": error.hint} if error.hint else {}),
    }


def from_response(status: int, document: Any, where: str) -> errors.LiveContractError:
    """Return the error a peer answered with, in the family of its status and with the code it had there.

    Args:
        status: The HTTP status of the answer, 400 or above.
        document: The JSON it carried, or anything else.
        where: Who answered, for the message where the answer has none.
    """
    family = _FAMILIES.get(status)
    if family is None:
        family = errors.UnavailableError if status >= 500 else errors.InvalidError
    if not isinstance(document, dict) or not isinstance(document.get("detail"), str):
        return family(f"{where} answered {status}")
    path, hint, type_ = document.get("path"), document.get("hint"), document.get("type")
    error = family(
        document["detail"],
        path=path if isinstance(path, str) else None,
        hint=hint if isinstance(hint, str) else None,
    )
    if isinstance(type_, str) and type_.startswith(_TYPE) and _CODE.fullmatch(code := type_.removeprefix(_TYPE)):
        error.code = code
    return error
