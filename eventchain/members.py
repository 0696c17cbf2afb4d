"""Reading the members that events of all generations have in JSON."""

from collections.abc import Mapping
from typing import Any

from eventchain.core import base58
from eventchain.core.hashing import HASH_LENGTH
from eventchain.core.keys import SIGNATURE_LENGTH
from eventchain.errors import InvalidEventError

_MAX_TIMESTAMP = 2**53 - 1


def get_member(document: Mapping[str, Any], name: str, kind: type, path: str) -> Any:
    """Return a member that should be a string (`str`) or an object (`Mapping`).

    Raises:
        InvalidEventError: It is missing or something else.
    """
    value = document.get(name)
    if not isinstance(value, kind):
        wanted = "a string" if kind is str else "an object"
        problem = "is missing" if name not in document else f"should be {wanted}"
        raise InvalidEventError(f"{name} {problem}", path=f"{path}.{name}")
    return value


def read_timestamp(document: Mapping[str, Any], path: str) -> int:
    """Return the timestamp.

    Raises:
        InvalidEventError: It is missing or no whole number.
    """
    value = document.get("timestamp")
    if type(value) is not int or not 0 <= value <= _MAX_TIMESTAMP:
        raise InvalidEventError(
            "timestamp should be a whole number of milliseconds since 1970", path=f"{path}.timestamp"
        )
    return value


def read_proof(hash_text: object, document: Mapping[str, Any], path: str) -> tuple[bytes, bytes]:
    """Return the hash (as given) and the signature of an event.

    Raises:
        InvalidEncodingError: One of them is not base58 of the right length.
    """
    hash_ = base58.decode(hash_text, length=HASH_LENGTH, name="hash", path=f"{path}.hash")
    place = f"{path}.signature"
    return hash_, base58.decode(document.get("signature"), length=SIGNATURE_LENGTH, name="signature", path=place)
