"""One signed event of a chain: its form in JSON, and the bytes that are hashed and signed.

Native events are V2 (integers big-endian):

```
previous(32) ‖ key type(1) ‖ public key(32|33) ‖ timestamp int64 ms
‖ uint16 + media type ‖ uint16 + data
‖ uint16 attachments ‖ for each: uint16 + name ‖ uint16 + media type ‖ uint16 + data
```

V1 has media type and data without lengths and no attachments. G1 ("classic") is text: body, timestamp, previous and
sign key as they stand in the JSON, and the hash of the `original` event if there is one, joined by line feeds.

In every generation the hash is the SHA-256 of those bytes and the signature is made over the same bytes. They are kept
as `signed`; nothing is ever serialised again to verify it. Events carry at most 65,535 bytes of data (paper section 9).
"""

import base64
import binascii
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eventchain.core import base58, strict_json
from eventchain.core.errors import InvalidError, InvalidSignatureError
from eventchain.core.hashing import HASH_LENGTH, sha256
from eventchain.core.ids import Generation
from eventchain.core.keys import SIGNATURE_LENGTH, KeyPair, KeyType, PublicKey
from eventchain.errors import InvalidEventError

MAX_DATA = 0xFFFF
"""Bytes of data, of an attachment, or of a name: a uint16 counts them in V2."""

MAX_ATTACHMENTS = 64
"""Far more than a signed step needs; the format's own limit is 65,535."""

JSON_MEDIA_TYPE = "application/json"
_BASE64 = "base64:"
_MAX_TIMESTAMP = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside an event; covered by its hash and signature."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event as it was signed.

    Attributes:
        generation: The format of its chain.
        previous: Hash of the event before it, 32 bytes; of a first event, the chain's initial hash.
        sign_key: Who signed.
        timestamp: Milliseconds since 1970 by the signer's clock (classic events of the PHP client: seconds).
        media_type: Of `data`.
        data: The body, usually JSON.
        attachments: Files that go with it.
        signed: The bytes that are hashed and signed.
        hash: SHA-256 as the sender gave it, 32 bytes. Trust it after `verify_hash`.
        signature: As the sender gave it, 64 bytes. Trust it after `verify_signature`.
        original: The event this one carries again after a rebase (G1 only).
    """

    generation: Generation
    previous: bytes
    sign_key: PublicKey
    timestamp: int
    media_type: str
    data: bytes
    attachments: tuple[Attachment, ...] = ()
    signed: bytes
    hash: bytes
    signature: bytes
    original: "Event | None" = None

    def verify_hash(self) -> None:
        """Check that the hash is the one of the signed bytes.

        Raises:
            InvalidEventError: It is not.
        """
        if sha256(self.signed) != self.hash:
            raise InvalidEventError("the hash is not the SHA-256 of the event", check="hash")

    def verify_signature(self) -> None:
        """Check that the sign key signed these bytes.

        Raises:
            InvalidEventError: It did not.
        """
        try:
            self.sign_key.verify(self.signed, self.signature)
        except InvalidSignatureError:
            raise InvalidEventError(
                "the signature was not made by the sign key over this event", check="signature"
            ) from None

    def body(self) -> dict[str, Any]:
        """Return the JSON object the data holds; `{}` where the data is not a JSON object.

        Raises:
            InvalidEventError: The media type says JSON and the data is not strict JSON.
        """
        if not self.media_type.startswith(JSON_MEDIA_TYPE):
            return {}
        try:
            value = strict_json.parse(self.data)
        except InvalidError as error:
            raise InvalidEventError(f"the data is not strict JSON: {error.message}", check="data") from None
        return value if isinstance(value, dict) else {}

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form LTO clients read and write (V1 and V2)."""
        document: dict[str, Any] = {
            "timestamp": self.timestamp,
            "previous": base58.encode(self.previous),
            "signKey": {"keyType": self.sign_key.key_type.label, "publicKey": str(self.sign_key)},
            "signature": base58.encode(self.signature),
            "hash": base58.encode(self.hash),
            "mediaType": self.media_type,
            "data": _to_base64(self.data),
        }
        if self.generation is Generation.V2:
            document["attachments"] = [
                {"name": item.name, "mediaType": item.media_type, "data": _to_base64(item.data)}
                for item in self.attachments
            ]
        return document


def unsigned(
    *,
    previous: bytes,
    key: PublicKey,
    timestamp: int,
    data: bytes,
    media_type: str = JSON_MEDIA_TYPE,
    attachments: Sequence[Attachment] = (),
) -> Event:
    """Make a V2 event that somebody still has to sign: its signature is empty, `signed` is what to sign.

    Raises:
        InvalidEventError: Something is too long for the format.
    """
    signed = _encode_v2(previous, key, timestamp, media_type, data, attachments)
    return Event(
        generation=Generation.V2,
        previous=previous,
        sign_key=key,
        timestamp=timestamp,
        media_type=media_type,
        data=data,
        attachments=tuple(attachments),
        signed=signed,
        hash=sha256(signed),
        signature=b"",
    )


def sign(
    *,
    previous: bytes,
    key: KeyPair,
    timestamp: int,
    data: bytes,
    media_type: str = JSON_MEDIA_TYPE,
    attachments: Sequence[Attachment] = (),
) -> Event:
    """Make a V2 event: the signed receipt of one step (paper section 9.1).

    Raises:
        InvalidEventError: Something is too long for the format.
    """
    event = unsigned(
        previous=previous,
        key=key.public_key,
        timestamp=timestamp,
        data=data,
        media_type=media_type,
        attachments=attachments,
    )
    return replace(event, signature=key.sign(event.signed))


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
        return _read_classic(document, path)
    sign_key = _get(document, "signKey", Mapping, path)
    key = PublicKey.parse(sign_key.get("publicKey"), sign_key.get("keyType"), path=f"{path}.signKey")
    previous = base58.decode(document.get("previous"), length=HASH_LENGTH, name="previous", path=f"{path}.previous")
    timestamp = _timestamp(document, path)
    media_type = _get(document, "mediaType", str, path)
    data = _from_base64(document.get("data"), f"{path}.data")
    if generation is Generation.V2:
        attachments = _read_attachments(document.get("attachments", []), f"{path}.attachments")
        signed = _encode_v2(previous, key, timestamp, media_type, data, attachments, path)
    else:
        attachments = ()
        signed = _encode_v1(previous, key, timestamp, media_type, data, path)
    return Event(
        generation=generation,
        previous=previous,
        sign_key=key,
        timestamp=timestamp,
        media_type=media_type,
        data=data,
        attachments=attachments,
        signed=signed,
        hash=base58.decode(document.get("hash"), length=HASH_LENGTH, name="hash", path=f"{path}.hash"),
        signature=base58.decode(
            document.get("signature"), length=SIGNATURE_LENGTH, name="signature", path=f"{path}.signature"
        ),
    )


def decode(signed: bytes, signature: bytes) -> Event:
    """Read a V2 event back from the bytes that were signed.

    Raises:
        InvalidEventError: The bytes are not one V2 event.
    """
    reader = _Reader(signed)
    previous = reader.take(HASH_LENGTH)
    key_type_byte = reader.take(1)[0]
    try:
        key_type = KeyType(key_type_byte)
    except ValueError:
        raise InvalidEventError(f"unknown key type {key_type_byte}") from None
    key = PublicKey(reader.take(key_type.key_length), key_type)
    (timestamp,) = struct.unpack(">q", reader.take(8))
    media_type, data = reader.text(), reader.field()
    attachments = tuple(Attachment(reader.text(), reader.text(), reader.field()) for _ in range(reader.count()))
    reader.end()
    return Event(
        generation=Generation.V2,
        previous=previous,
        sign_key=key,
        timestamp=timestamp,
        media_type=media_type,
        data=data,
        attachments=attachments,
        signed=signed,
        hash=sha256(signed),
        signature=signature,
    )


class _Reader:
    """Takes the fields of a binary event from the front, and refuses to run over its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, length: int) -> bytes:
        part = self._data[self._at : self._at + length]
        if len(part) != length:
            raise InvalidEventError("the binary event is cut off")
        self._at += length
        return part

    def count(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def field(self) -> bytes:
        return self.take(self.count())

    def text(self) -> str:
        try:
            return self.field().decode("utf-8")
        except UnicodeDecodeError:
            raise InvalidEventError("a text in the binary event is not UTF-8") from None

    def end(self) -> None:
        if self._at != len(self._data):
            raise InvalidEventError("the binary event has bytes after its end")


def _encode_head(previous: bytes, key: PublicKey, timestamp: int) -> bytes:
    return previous + bytes([key.key_type]) + key.raw + struct.pack(">q", timestamp)


def _encode_v2(
    previous: bytes,
    key: PublicKey,
    timestamp: int,
    media_type: str,
    data: bytes,
    attachments: Sequence[Attachment],
    path: str = "$",
) -> bytes:
    parts = [
        _encode_head(previous, key, timestamp),
        _field(media_type.encode("utf-8"), f"{path}.mediaType"),
        _field(data, f"{path}.data"),
        struct.pack(">H", len(attachments)),
    ]
    for index, item in enumerate(attachments):
        place = f"{path}.attachments[{index}]"
        parts += [
            _field(item.name.encode("utf-8"), place),
            _field(item.media_type.encode("utf-8"), place),
            _field(item.data, place),
        ]
    return b"".join(parts)


def _encode_v1(previous: bytes, key: PublicKey, timestamp: int, media_type: str, data: bytes, path: str) -> bytes:
    """Encode a V1 event, whose media type and data have no lengths.

    The same bytes could be read with another boundary between the two. Clients write JSON as `application/json`, so
    whatever starts with that is read as nothing else.
    """
    content = media_type.encode("utf-8") + data
    if content.startswith(JSON_MEDIA_TYPE.encode("ascii")) and not media_type.startswith(JSON_MEDIA_TYPE):
        raise InvalidEventError(f"the media type is cut off; it begins {JSON_MEDIA_TYPE}", path=f"{path}.mediaType")
    return _encode_head(previous, key, timestamp) + content


def _field(data: bytes, path: str) -> bytes:
    if len(data) > MAX_DATA:
        raise InvalidEventError(
            f"{len(data)} bytes are too many; the format holds {MAX_DATA}",
            path=path,
            hint="Link larger data by its hash.",
        )
    return struct.pack(">H", len(data)) + data


def _read_attachments(value: object, path: str) -> tuple[Attachment, ...]:
    if not isinstance(value, list) or len(value) > MAX_ATTACHMENTS:
        raise InvalidEventError(f"attachments should be a list of at most {MAX_ATTACHMENTS}", path=path)
    attachments = []
    for index, item in enumerate(value):
        place = f"{path}[{index}]"
        if not isinstance(item, Mapping):
            raise InvalidEventError("an attachment should be a JSON object", path=place)
        name, media_type = _get(item, "name", str, place), _get(item, "mediaType", str, place)
        attachments.append(Attachment(name, media_type, _from_base64(item.get("data"), f"{place}.data")))
    return tuple(attachments)


def _read_classic(document: Mapping[str, Any], path: str) -> Event:
    """Read a G1 event. What is signed is text exactly as it stands in the document."""
    body = _get(document, "body", str, path)
    timestamp = _timestamp(document, path)
    previous, sign_key = _get(document, "previous", str, path), _get(document, "signkey", str, path)
    lines = [body, str(timestamp), previous, sign_key]
    original = _read_original(document, body, path)
    if original:
        lines.append(base58.encode(original.hash))
    _check_receipt(document, path)
    return Event(
        generation=Generation.G1,
        previous=base58.decode(previous, length=HASH_LENGTH, name="previous", path=f"{path}.previous"),
        sign_key=PublicKey.parse(sign_key, path=f"{path}.signkey"),
        timestamp=timestamp,
        media_type=JSON_MEDIA_TYPE,
        data=base58.decode_long(body, name="body", path=f"{path}.body"),
        signed="\n".join(lines).encode("ascii"),
        hash=base58.decode(_classic_hash(document), length=HASH_LENGTH, name="hash", path=f"{path}.hash"),
        signature=base58.decode(
            document.get("signature"), length=SIGNATURE_LENGTH, name="signature", path=f"{path}.signature"
        ),
        original=original,
    )


def _read_original(document: Mapping[str, Any], body: str, path: str) -> Event | None:
    """Read the event a rebased one carries again. It has the same body, and carries no other in turn."""
    if document.get("original") is None:
        return None
    inner, place = _get(document, "original", Mapping, path), f"{path}.original"
    if inner.get("body", body) != body:
        raise InvalidEventError("the original has another body than the event that carries it", path=f"{place}.body")
    if inner.get("original") is not None:
        raise InvalidEventError("an original carries no other original", path=f"{place}.original")
    return _read_classic({**inner, "body": body}, place)


def _check_receipt(document: Mapping[str, Any], path: str) -> None:
    receipt = document.get("receipt")
    if isinstance(receipt, Mapping) and receipt.get("targetHash") != _classic_hash(document):
        raise InvalidEventError("the receipt belongs to another hash", check="receipt", path=f"{path}.receipt")


def _classic_hash(document: Mapping[str, Any]) -> Any:
    """Return the hash of a classic event; JavaScript client 0.8 writes it as `_hash`."""
    return document.get("hash", document.get("_hash"))


def _get(document: Mapping[str, Any], name: str, kind: type, path: str) -> Any:
    value = document.get(name)
    if not isinstance(value, kind):
        wanted = "a string" if kind is str else "an object"
        problem = "is missing" if name not in document else f"should be {wanted}"
        raise InvalidEventError(f"{name} {problem}", path=f"{path}.{name}")
    return value


def _timestamp(document: Mapping[str, Any], path: str) -> int:
    value = document.get("timestamp")
    if type(value) is not int or not 0 <= value <= _MAX_TIMESTAMP:
        raise InvalidEventError(
            "timestamp should be a whole number of milliseconds since 1970", path=f"{path}.timestamp"
        )
    return value


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
