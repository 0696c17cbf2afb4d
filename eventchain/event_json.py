"""Events in JSON, as LTO clients read and write them.

V1 and V2: `{timestamp, previous, signKey: {keyType, publicKey}, signature, hash, mediaType, data, attachments}`;
hashes, keys and signatures in base58, data as `base64:…`. The text form of G1 stands in `eventchain.classic`.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from eventchain import classic, wire
from eventchain.core import base58
from eventchain.core.hashing import HASH_LENGTH
from eventchain.core.ids import Generation
from eventchain.core.keys import PublicKey
from eventchain.errors import InvalidEventError
from eventchain.event import Event
from eventchain.members import get_member, read_proof, read_timestamp
from eventchain.wire import Attachment, Content

MAX_ATTACHMENTS = 64
"""Far more than a signed step needs; the format's own limit is 65,535."""

_BASE64 = "base64:"


def read_event(document: object, generation: Generation, *, path: str = "$") -> Event:
    """Read the JSON form of an event. Its hash and signature are not checked here.

    Args:
        document: The parsed JSON.
        generation: The format of the chain it stands in.
        path: Where it stands, for error messages.

    Raises:
        InvalidEventError: A member is missing or malformed.
        InvalidEncodingError: A value is not base58 of the right length.
    """
    if not isinstance(document, Mapping):
        raise InvalidEventError("an event should be a JSON object", path=path)
    if generation is Generation.G1:
        return classic.read_classic(document, path)
    sign_key = get_member(document, "signKey", Mapping, path)
    is_v2 = generation is Generation.V2
    content = Content(
        previous=base58.decode(document.get("previous"), length=HASH_LENGTH, name="previous", path=f"{path}.previous"),
        sign_key=PublicKey.parse(sign_key.get("publicKey"), sign_key.get("keyType"), path=f"{path}.signKey"),
        timestamp=read_timestamp(document, path),
        media_type=get_member(document, "mediaType", str, path),
        data=_from_base64(document.get("data"), f"{path}.data"),
        attachments=_read_attachments(document.get("attachments", []), f"{path}.attachments") if is_v2 else (),
    )
    hash_, signature = read_proof(document.get("hash"), document, path)
    signed = wire.encode_v2(content, path) if is_v2 else wire.encode_v1(content, path)
    return Event.of(content, generation=generation, signed=signed, hash_=hash_, signature=signature)


def to_dict(event: Event) -> dict[str, Any]:
    """Return the JSON form of a V1 or V2 event."""
    document: dict[str, Any] = {
        "timestamp": event.timestamp,
        "previous": base58.encode(event.previous),
        "signKey": {"keyType": event.sign_key.key_type.label, "publicKey": str(event.sign_key)},
        "signature": base58.encode(event.signature),
        "hash": base58.encode(event.hash),
        "mediaType": event.media_type,
        "data": _to_base64(event.data),
    }
    if event.generation is Generation.V2:
        document["attachments"] = [
            {"name": item.name, "mediaType": item.media_type, "data": _to_base64(item.data)}
            for item in event.attachments
        ]
    return document


def _read_attachments(value: object, path: str) -> tuple[Attachment, ...]:
    if not isinstance(value, list) or len(value) > MAX_ATTACHMENTS:
        raise InvalidEventError(f"attachments should be a list of at most {MAX_ATTACHMENTS}", path=path)
    attachments = []
    for index, item in enumerate(value):
        place = f"{path}[{index}]"
        if not isinstance(item, Mapping):
            raise InvalidEventError("an attachment should be a JSON object", path=place)
        name, media_type = get_member(item, "name", str, place), get_member(item, "mediaType", str, place)
        attachments.append(Attachment(name, media_type, _from_base64(item.get("data"), f"{place}.data")))
    return tuple(attachments)


def _to_base64(data: bytes) -> str:
    return _BASE64 + base64.b64encode(data).decode("ascii")


def _from_base64(value: object, path: str) -> bytes:
    """Read `base64:…`; text without the prefix stands for itself, as LTO clients read it."""
    if not isinstance(value, str):
        raise InvalidEventError("data should be a string", path=path)
    if not value.startswith(_BASE64):
        return value.encode("utf-8")
    try:
        return binascii.a2b_base64(value[len(_BASE64) :], strict_mode=True)
    except (binascii.Error, ValueError):
        raise InvalidEventError("data is not base64", path=path) from None
