"""What an event says, and the bytes that are hashed and signed for it. Consensus-critical.

Native events are V2 (integers big-endian):

```
previous(32) ‖ key type(1) ‖ public key(32|33) ‖ timestamp int64 ms
‖ uint16 + media type ‖ uint16 + data
‖ uint16 attachments ‖ for each: uint16 + name ‖ uint16 + media type ‖ uint16 + data
```

V1 has media type and data without lengths and no attachments. G1 is text; see `eventchain.classic`.
"""

import struct
from dataclasses import dataclass

from eventchain.core.hashing import HASH_LENGTH
from eventchain.core.keys import KeyType, PublicKey
from eventchain.errors import InvalidEventError

MAX_DATA = 0xFFFF
"""Bytes of data, of an attachment, or of a name: a uint16 counts them in V2."""

JSON_MEDIA_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside an event; covered by its hash and signature."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What an event says.

    Attributes:
        previous: Hash of the event before it, 32 bytes; of a first event, the chain's initial hash.
        sign_key: Who signs.
        timestamp: Milliseconds since 1970 by the signer's clock (classic events of the PHP client: seconds).
        media_type: Of `data`.
        data: The body, usually JSON.
        attachments: Files that go with it.
    """

    previous: bytes
    sign_key: PublicKey
    timestamp: int
    media_type: str = JSON_MEDIA_TYPE
    data: bytes
    attachments: tuple[Attachment, ...] = ()


def encode_v2(content: Content, path: str = "$") -> bytes:
    """Return the bytes of a V2 event. `path` is where it stands, for error messages.

    Raises:
        InvalidEventError: Something is too long for the format.
    """
    parts = [
        _encode_head(content),
        _field(content.media_type.encode("utf-8"), f"{path}.mediaType"),
        _field(content.data, f"{path}.data"),
        struct.pack(">H", len(content.attachments)),
    ]
    for index, item in enumerate(content.attachments):
        place = f"{path}.attachments[{index}]"
        parts += [
            _field(item.name.encode("utf-8"), place),
            _field(item.media_type.encode("utf-8"), place),
            _field(item.data, place),
        ]
    return b"".join(parts)


def encode_v1(content: Content, path: str = "$") -> bytes:
    """Return the bytes of a V1 event, whose media type and data have no lengths.

    The same bytes could be read with another boundary between the two. Clients write JSON as `application/json`, so
    whatever starts with that is read as nothing else.

    Raises:
        InvalidEventError: The boundary is not where clients put it.
    """
    text = content.media_type.encode("utf-8") + content.data
    is_json = content.media_type.startswith(JSON_MEDIA_TYPE)
    if text.startswith(JSON_MEDIA_TYPE.encode("ascii")) and not is_json:
        raise InvalidEventError(f"the media type is cut off; it begins {JSON_MEDIA_TYPE}", path=f"{path}.mediaType")
    return _encode_head(content) + text


def decode_v2(signed: bytes) -> Content:
    """Read what a V2 event says back from its bytes.

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
    return Content(
        previous=previous,
        sign_key=key,
        timestamp=timestamp,
        media_type=media_type,
        data=data,
        attachments=attachments,
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


def _encode_head(content: Content) -> bytes:
    key = content.sign_key
    return content.previous + bytes([key.key_type]) + key.raw + struct.pack(">q", content.timestamp)


def _field(data: bytes, path: str) -> bytes:
    if len(data) > MAX_DATA:
        raise InvalidEventError(
            f"{len(data)} bytes are too many; the format holds {MAX_DATA}",
            path=path,
            hint="Link larger data by its hash.",
        )
    return struct.pack(">H", len(data)) + data
