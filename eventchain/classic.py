"""Classic (G1) events: text, of the PHP service and the JavaScript clients before 0.9.

What is hashed and signed are the lines `body`, `timestamp`, `previous`, `signkey` and, if the event carries another one
again, that `original`'s hash: each exactly as it stands in the JSON, joined by line feeds.
"""

from collections.abc import Mapping
from typing import Any

from eventchain.core import base58
from eventchain.core.hashing import HASH_LENGTH
from eventchain.core.ids import Generation
from eventchain.core.keys import PublicKey
from eventchain.errors import InvalidEventError
from eventchain.event import Event
from eventchain.members import get_member, read_proof, read_timestamp
from eventchain.wire import Content


def read_classic(document: Mapping[str, Any], path: str) -> Event:
    """Read the JSON form of a classic event. Its hash and signature are not checked here.

    Raises:
        InvalidEventError: A member is missing or malformed.
        InvalidEncodingError: A value is not base58 of the right length.
    """
    body = get_member(document, "body", str, path)
    previous = get_member(document, "previous", str, path)
    sign_key = get_member(document, "signkey", str, path)
    original = _read_original(document, body, path)
    _check_receipt(document, path)
    content = Content(
        previous=base58.decode(previous, length=HASH_LENGTH, name="previous", path=f"{path}.previous"),
        sign_key=PublicKey.parse(sign_key, path=f"{path}.signkey"),
        timestamp=read_timestamp(document, path),
        data=base58.decode_long(body, name="body", path=f"{path}.body"),
    )
    hash_, signature = read_proof(_classic_hash(document), document, path)
    lines = [body, str(content.timestamp), previous, sign_key, *([base58.encode(original.hash)] if original else [])]
    signed = "\n".join(lines).encode("ascii")
    return Event.of(
        content, generation=Generation.G1, signed=signed, hash_=hash_, signature=signature, original=original
    )


def _read_original(document: Mapping[str, Any], body: str, path: str) -> Event | None:
    """Read the event a rebased one carries again. It has the same body, and carries no other in turn."""
    if document.get("original") is None:
        return None
    inner, place = get_member(document, "original", Mapping, path), f"{path}.original"
    if inner.get("body", body) != body:
        raise InvalidEventError("the original has another body than the event that carries it", path=f"{place}.body")
    if inner.get("original") is not None:
        raise InvalidEventError("an original carries no other original", path=f"{place}.original")
    return read_classic({**inner, "body": body}, place)


def _check_receipt(document: Mapping[str, Any], path: str) -> None:
    receipt = document.get("receipt")
    if isinstance(receipt, Mapping) and receipt.get("targetHash") != _classic_hash(document):
        raise InvalidEventError("the receipt belongs to another hash", check="receipt", path=f"{path}.receipt")


def _classic_hash(document: Mapping[str, Any]) -> Any:
    """Return the hash of a classic event; JavaScript client 0.8 writes it as `_hash`."""
    return document.get("hash", document.get("_hash"))
