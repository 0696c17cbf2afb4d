"""How a message between nodes proves its sender where no signed HTTP request carries it: over AMQP.

The headers of the message hold a seal: who sends it, what it is, and an Ed25519 signature of the sender's system key
over this statement, in canonical JSON (RFC 8785):

```
{"$schema":"urn:livecontract:seal:1",
 "body":"<base58 SHA-256 of the body>",
 "destination":"amqps://broker.example.com:5671/acme",
 "id":"<id of the message>",
 "kind":"chain",
 "sender":"<base58 public key>",
 "time":1700000000000}
```

| header           | value |
|------------------|-------|
| `seal`           | `1`: the version of all this |
| `seal-id`        | id of the message |
| `seal-kind`      | `chain`: a chain document; `ask`: a request for events that are missing |
| `seal-sender`    | base58 public key of the sending node |
| `seal-time`      | milliseconds since 1970, decimal |
| `seal-signature` | base64 of the 64 bytes |

The destination is the receiver's own node URI in the spelling of `address.normal_uri`; it does not travel, so that a
message sealed for one node is worth nothing at another. Nothing here remembers what was seen: a chain document that comes again changes
nothing, and who answers asks looks at `Envelope.time`.
"""  # noqa: E501  (a table)

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from dispatcher.address import normal_uri
from dispatcher.errors import InvalidSealError
from eventchain.core import base58, canonical_json
from eventchain.core.errors import InvalidEncodingError, InvalidKeyError, InvalidSignatureError
from eventchain.core.hashing import sha256
from eventchain.core.keys import KeyPair, PublicKey

CHAIN = "chain"
ASK = "ask"
KINDS = (CHAIN, ASK)

VERSION = "1"
SCHEMA = "urn:livecontract:seal:1"

MAX_ID = 128
"""Characters of a message's id; ours are base58 of 32 bytes."""

_TIME = re.compile(r"[1-9][0-9]{0,14}\Z", re.ASCII)
_ID = re.compile(rf"[!-~]{{1,{MAX_ID}}}\Z")
_SIGNATURE_TEXT = 88


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What a seal proves.

    Attributes:
        sender: System key of the node that sealed the message.
        kind: `chain` or `ask`.
        id: Of the message, as the sender named it.
        time: When it was sealed, in milliseconds since 1970, by the sender's clock.
    """

    sender: PublicKey
    kind: str
    id: str
    time: int


def seal(key: KeyPair, destination: str, message_id: str, kind: str, body: bytes, *, time: int) -> dict[str, str]:
    """Return the headers that seal a message.

    Args:
        key: The node's system key.
        destination: Node URI of the receiver.
        message_id: 1 to `MAX_ID` printable ASCII characters.
        kind: `chain` or `ask`.
        body: As it will travel.
        time: Milliseconds since 1970.

    Raises:
        InvalidDestinationError: The destination is no URI of a node.
    """
    if kind not in KINDS or not _ID.match(message_id):
        raise ValueError(f"a message of kind {kind!r} with id {message_id!r} cannot be sealed")
    envelope = Envelope(sender=key.public_key, kind=kind, id=message_id, time=time)
    signature = key.sign(_statement(envelope, destination, body))
    return {
        "seal": VERSION,
        "seal-id": message_id,
        "seal-kind": kind,
        "seal-sender": str(key.public_key),
        "seal-time": str(time),
        "seal-signature": base64.b64encode(signature).decode("ascii"),
    }


def open_envelope(headers: Mapping[str, str], body: bytes, destination: str) -> Envelope:
    """Check the seal of a message and return what it proves.

    Args:
        headers: Of the message, from whomever.
        body: As it came.
        destination: This node's own URI.

    Raises:
        InvalidSealError: Unsealed, of another version, forged, changed, or sealed for another node.
    """
    if headers.get("seal") != VERSION:
        raise InvalidSealError("the message carries no seal of a version this node knows")
    kind, id_, time = headers.get("seal-kind", ""), headers.get("seal-id", ""), headers.get("seal-time", "")
    if kind not in KINDS:
        raise InvalidSealError("the message is sealed as something this node does not know")
    if not _ID.match(id_) or not _TIME.match(time):
        raise InvalidSealError("the seal of the message lacks a usable id or time")
    envelope = Envelope(sender=_sender(headers), kind=kind, id=id_, time=int(time))
    try:
        envelope.sender.verify(_statement(envelope, destination, body), _signature(headers))
    except InvalidSignatureError:
        raise InvalidSealError(
            "the seal does not fit the message",
            hint=f"It was changed, or sealed for another node: this one knows itself as {normal_uri(destination)}.",
        ) from None
    return envelope


def _statement(envelope: Envelope, destination: str, body: bytes) -> bytes:
    return canonical_json.encode(
        {
            "$schema": SCHEMA,
            "body": base58.encode(sha256(body)),
            "destination": normal_uri(destination),
            "id": envelope.id,
            "kind": envelope.kind,
            "sender": str(envelope.sender),
            "time": envelope.time,
        }
    )


def _sender(headers: Mapping[str, str]) -> PublicKey:
    try:
        return PublicKey.parse(headers.get("seal-sender"))
    except (InvalidKeyError, InvalidEncodingError):
        raise InvalidSealError("the seal names no Ed25519 public key") from None


def _signature(headers: Mapping[str, str]) -> bytes:
    text = headers.get("seal-signature", "")
    try:
        return base64.b64decode(text[: _SIGNATURE_TEXT + 1], validate=True)
    except (ValueError, binascii.Error):
        raise InvalidSealError("the signature of the seal is not base64") from None
