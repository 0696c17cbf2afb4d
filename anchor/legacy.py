"""Bodies of the transactions that older clients write.

```
 4 transfer, 2       04 02 public key timestamp(8) amount(8) fee(8) addr length(2) attachment
 8 lease, 2          08 02 00 public key addr amount(8) fee(8) timestamp(8)
 9 cancel lease, 2   09 02 network public key fee(8) timestamp(8) lease id(32)
15 anchor, 1         0f 01 public key count(2) { length(2) hash }* timestamp(8) fee(8)
```

Public keys are Ed25519, 32 bytes. Where the network is not in the body it is that of the recipient's address; a
version 1 anchor names none, so its network is whatever chain it is put on, and it is worth the same on each. The
transactions whose proof stands in a member `signature` (version 1 of transfer, lease and cancel lease) are not read.
"""

from dataclasses import dataclass

from anchor.account import ADDRESS_LENGTH
from anchor.errors import InvalidTransactionError
from anchor.payload import LEASE_ID_LENGTH, Anchor, CancelLease, Lease, Payload, Transfer
from anchor.payload_members import MAX_ATTACHMENT
from anchor.wire import Reader, counted, int64
from eventchain.core.keys import PublicKey

_KEY_LENGTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyFields:
    """What a body says. `network` is empty where the body names none."""

    network: str
    timestamp: int
    sender: PublicKey
    fee: int
    payload: Payload


def encode_body(payload: Payload, version: int, *, network: str, timestamp: int, sender: PublicKey, fee: int) -> bytes:
    """Return the body of an older version.

    Raises:
        InvalidTransactionError: There is no such version of the type.
    """
    head = bytes([payload.TYPE, version])
    match payload, version:
        case Transfer(), 2:
            tail = payload.recipient + counted(payload.attachment)
            return head + sender.raw + int64(timestamp) + int64(payload.amount) + int64(fee) + tail
        case Lease(), 2:
            middle = payload.recipient + int64(payload.amount)
            return head + b"\x00" + sender.raw + middle + int64(fee) + int64(timestamp)
        case CancelLease(), 2:
            return head + network.encode("ascii") + sender.raw + int64(fee) + int64(timestamp) + payload.lease_id
        case Anchor(), 1:
            return head + sender.raw + payload.encode() + int64(timestamp) + int64(fee)
    raise _unknown(payload.TYPE, version)


def parse_body(reader: Reader, payload_type: type[Payload], version: int) -> LegacyFields:
    """Read what follows type and version.

    Raises:
        InvalidTransactionError: There is no such version of the type, or the bytes do not fit it.
    """
    if payload_type is Transfer and version == 2:
        return _parse_transfer(reader)
    if payload_type is Lease and version == 2:
        return _parse_lease(reader)
    if payload_type is CancelLease and version == 2:
        return _parse_cancel_lease(reader)
    if payload_type is Anchor and version == 1:
        sender, payload = _key(reader), Anchor.parse(reader)
        timestamp, fee = reader.int64("timestamp"), reader.int64("fee")
        return LegacyFields(network="", timestamp=timestamp, sender=sender, fee=fee, payload=payload)
    raise _unknown(payload_type.TYPE, version)


def _parse_transfer(reader: Reader) -> LegacyFields:
    sender, timestamp = _key(reader), reader.int64("timestamp")
    amount, fee = reader.int64("amount"), reader.int64("fee")
    recipient = reader.take(ADDRESS_LENGTH, "recipient")
    attachment = reader.counted("attachment", maximum=MAX_ATTACHMENT)
    payload = Transfer(recipient=recipient, amount=amount, attachment=attachment)
    return LegacyFields(network=_network(recipient[1]), timestamp=timestamp, sender=sender, fee=fee, payload=payload)


def _parse_lease(reader: Reader) -> LegacyFields:
    reader.expect(b"\x00", "asset flag")
    sender, payload = _key(reader), Lease.parse(reader)
    fee, timestamp = reader.int64("fee"), reader.int64("timestamp")
    network = _network(payload.recipient[1])
    return LegacyFields(network=network, timestamp=timestamp, sender=sender, fee=fee, payload=payload)


def _parse_cancel_lease(reader: Reader) -> LegacyFields:
    network, sender = _network(reader.uint(1, "network")), _key(reader)
    fee, timestamp = reader.int64("fee"), reader.int64("timestamp")
    payload = CancelLease(lease_id=reader.take(LEASE_ID_LENGTH, "lease id"))
    return LegacyFields(network=network, timestamp=timestamp, sender=sender, fee=fee, payload=payload)


def _key(reader: Reader) -> PublicKey:
    return PublicKey(reader.take(_KEY_LENGTH, "public key"))


def _network(number: int) -> str:
    if not 0 < number < 0x80:
        raise InvalidTransactionError("the network is no ASCII character")
    return chr(number)


def _unknown(type_number: int, version: int) -> InvalidTransactionError:
    return InvalidTransactionError(f"this node does not read version {version} of type {type_number}")
