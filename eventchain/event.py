"""One signed event of a chain.

In every generation of the format the hash is the SHA-256 of the event's bytes and the signature is made over the same
bytes (`eventchain.wire`). They are kept as `signed`; nothing is ever serialised again to verify it. How events stand in
JSON: `eventchain.event_json`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from eventchain import wire
from eventchain.core import strict_json
from eventchain.core.errors import InvalidError, InvalidSignatureError
from eventchain.core.hashing import sha256
from eventchain.core.ids import Generation
from eventchain.core.keys import KeyPair, PublicKey
from eventchain.errors import InvalidEventError
from eventchain.wire import JSON_MEDIA_TYPE, Attachment, Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Content):
    """An event as it was signed.

    Attributes:
        generation: The format of its chain.
        signed: The bytes that are hashed and signed.
        hash: SHA-256 as the sender gave it, 32 bytes. Trust it after `verify_hash`.
        signature: As the sender gave it, 64 bytes. Trust it after `verify_signature`.
        original: The event this one carries again after a rebase (G1 only).
    """

    generation: Generation
    signed: bytes
    hash: bytes
    signature: bytes
    original: "Event | None" = None

    @classmethod
    def of(
        cls,
        content: Content,
        *,
        generation: Generation,
        signed: bytes,
        hash_: bytes,
        signature: bytes,
        original: "Event | None" = None,
    ) -> "Event":
        """Put an event together from what it says and what proves it."""
        return cls(
            previous=content.previous,
            sign_key=content.sign_key,
            timestamp=content.timestamp,
            media_type=content.media_type,
            data=content.data,
            attachments=content.attachments,
            generation=generation,
            signed=signed,
            hash=hash_,
            signature=signature,
            original=original,
        )

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
    content = Content(
        previous=previous,
        sign_key=key,
        timestamp=timestamp,
        media_type=media_type,
        data=data,
        attachments=tuple(attachments),
    )
    signed = wire.encode_v2(content)
    return Event.of(content, generation=Generation.V2, signed=signed, hash_=sha256(signed), signature=b"")


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


def decode(signed: bytes, signature: bytes) -> Event:
    """Read a V2 event back from the bytes that were signed.

    Raises:
        InvalidEventError: The bytes are not one V2 event.
    """
    content = wire.decode_v2(signed)
    return Event.of(content, generation=Generation.V2, signed=signed, hash_=sha256(signed), signature=signature)
