"""What a transaction does, apart from who sends it: one class per type of the public chain.

The layouts are those of version 3, after the common prefix (`anchor.transaction`); `addr` is a 26-byte address.

```
 4 transfer              addr amount(8) length(2) attachment
 8 lease                 addr amount(8)
 9 cancel lease          lease id(32)
11 mass transfer         count(2) { addr amount(8) }* length(2) attachment
15 anchor                count(2) { length(2) hash }*
18 sponsorship           addr
19 cancel sponsorship    addr
```

Fees are counted in units (schedule V5 of the reference node); the chain's parameters say what a unit costs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from anchor.account import ADDRESS_LENGTH, check_address
from anchor.errors import InvalidTransactionError
from anchor.payload_members import (
    MAX_ATTACHMENT,
    check_amount,
    check_attachment,
    read_address,
    read_attachment,
    read_base58,
    read_count,
    read_integer,
    read_list,
)
from anchor.wire import MAX_INT64, Reader, counted, int64
from eventchain.core import base58

MAX_ANCHORS = 100
MAX_ANCHOR_LENGTH = 80
MAX_TRANSFERS = 100
LEASE_ID_LENGTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """Puts hashes on the chain (paper section 16.1). None at all is allowed: it publishes the sender's key."""

    TYPE: ClassVar[int] = 15
    VERSIONS: ClassVar[tuple[int, ...]] = (1, 3)

    anchors: tuple[bytes, ...]

    @property
    def fee_units(self) -> int:
        """250, and 100 for each hash."""
        return 250 + 100 * len(self.anchors)

    @property
    def spent(self) -> int:
        """Units of money that leave the sender, besides the fee."""
        return 0

    def encode(self) -> bytes:
        """Return the version 3 bytes."""
        return len(self.anchors).to_bytes(2, "big") + b"".join(map(counted, self.anchors))

    @classmethod
    def parse(cls, reader: Reader) -> "Anchor":
        """Read the version 3 bytes."""
        count = read_count(reader, "anchors", MAX_ANCHORS)
        return cls(anchors=tuple(reader.counted("anchor", maximum=MAX_ANCHOR_LENGTH) for _ in range(count)))

    def to_dict(self) -> dict[str, Any]:
        """Return the members of the type."""
        return {"anchors": [base58.encode(item) for item in self.anchors]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], network: str) -> "Anchor":  # noqa: ARG003 (one signature for all)
        """Read the members of the type."""
        items = read_list(data, "anchors", MAX_ANCHORS)
        return cls(anchors=tuple(read_base58(item, f"$.anchors[{index}]") for index, item in enumerate(items)))

    def validate(self, network: str) -> None:  # noqa: ARG002 (one signature for all)
        """Check the limits: at most 100 different hashes of 1 to 80 bytes."""
        if len(self.anchors) > MAX_ANCHORS:
            raise InvalidTransactionError(f"a transaction anchors at most {MAX_ANCHORS} hashes", path="$.anchors")
        for index, item in enumerate(self.anchors):
            if not 0 < len(item) <= MAX_ANCHOR_LENGTH:
                raise InvalidTransactionError(
                    f"an anchor has 1 to {MAX_ANCHOR_LENGTH} bytes, not {len(item)}", path=f"$.anchors[{index}]"
                )
        if len(set(self.anchors)) != len(self.anchors):
            raise InvalidTransactionError("the transaction anchors a hash twice", path="$.anchors")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Moves money to another address."""

    TYPE: ClassVar[int] = 4
    VERSIONS: ClassVar[tuple[int, ...]] = (2, 3)

    recipient: bytes
    amount: int
    attachment: bytes = b""

    @property
    def fee_units(self) -> int:
        """1000."""
        return 1000

    @property
    def spent(self) -> int:
        """The amount."""
        return self.amount

    def encode(self) -> bytes:
        """Return the version 3 bytes."""
        return self.recipient + int64(self.amount) + counted(self.attachment)

    @classmethod
    def parse(cls, reader: Reader) -> "Transfer":
        """Read the version 3 bytes."""
        return cls(
            recipient=reader.take(ADDRESS_LENGTH, "recipient"),
            amount=reader.int64("amount"),
            attachment=reader.counted("attachment", maximum=MAX_ATTACHMENT),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the members of the type; the attachment is there even if empty, as the reference node writes it."""
        return {
            "recipient": base58.encode(self.recipient),
            "amount": self.amount,
            "attachment": base58.encode(self.attachment),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], network: str) -> "Transfer":
        """Read the members of the type; a missing attachment is an empty one."""
        return cls(
            recipient=read_address(data, "recipient", network),
            amount=read_integer(data, "amount"),
            attachment=read_attachment(data),
        )

    def validate(self, network: str) -> None:
        """Check address, amount and attachment."""
        check_address(self.recipient, network, path="$.recipient")
        check_amount(self.amount)
        check_attachment(self.attachment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Lends the right to forge with an amount; the money stays the sender's (paper section 15.1)."""

    TYPE: ClassVar[int] = 8
    VERSIONS: ClassVar[tuple[int, ...]] = (2, 3)

    recipient: bytes
    amount: int

    @property
    def fee_units(self) -> int:
        """1000."""
        return 1000

    @property
    def spent(self) -> int:
        """Nothing leaves the sender."""
        return 0

    def encode(self) -> bytes:
        """Return the version 3 bytes."""
        return self.recipient + int64(self.amount)

    @classmethod
    def parse(cls, reader: Reader) -> "Lease":
        """Read the version 3 bytes."""
        return cls(recipient=reader.take(ADDRESS_LENGTH, "recipient"), amount=reader.int64("amount"))

    def to_dict(self) -> dict[str, Any]:
        """Return the members of the type."""
        return {"recipient": base58.encode(self.recipient), "amount": self.amount}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], network: str) -> "Lease":
        """Read the members of the type."""
        return cls(recipient=read_address(data, "recipient", network), amount=read_integer(data, "amount"))

    def validate(self, network: str) -> None:
        """Check address and amount."""
        check_address(self.recipient, network, path="$.recipient")
        check_amount(self.amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelLease:
    """Takes a lease back; only who gave it may."""

    TYPE: ClassVar[int] = 9
    VERSIONS: ClassVar[tuple[int, ...]] = (2, 3)

    lease_id: bytes

    @property
    def fee_units(self) -> int:
        """1000."""
        return 1000

    @property
    def spent(self) -> int:
        """Nothing leaves the sender."""
        return 0

    def encode(self) -> bytes:
        """Return the version 3 bytes."""
        return self.lease_id

    @classmethod
    def parse(cls, reader: Reader) -> "CancelLease":
        """Read the version 3 bytes."""
        return cls(lease_id=reader.take(LEASE_ID_LENGTH, "lease id"))

    def to_dict(self) -> dict[str, Any]:
        """Return the members of the type."""
        return {"leaseId": base58.encode(self.lease_id)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], network: str) -> "CancelLease":  # noqa: ARG003 (one signature for all)
        """Read the members of the type."""
        return cls(lease_id=read_base58(data.get("leaseId"), "$.leaseId"))

    def validate(self, network: str) -> None:  # noqa: ARG002 (one signature for all)
        """Check the length of the id."""
        if len(self.lease_id) != LEASE_ID_LENGTH:
            raise InvalidTransactionError(f"a lease id has {LEASE_ID_LENGTH} bytes", path="$.leaseId")


@dataclass(frozen=True, slots=True, kw_only=True)
class MassTransfer:
    """Moves money to up to 100 addresses."""

    TYPE: ClassVar[int] = 11
    VERSIONS: ClassVar[tuple[int, ...]] = (3,)

    transfers: tuple[tuple[bytes, int], ...]
    attachment: bytes = b""

    @property
    def fee_units(self) -> int:
        """1000, and 100 for each recipient."""
        return 1000 + 100 * len(self.transfers)

    @property
    def spent(self) -> int:
        """The sum of the amounts."""
        return sum(amount for _, amount in self.transfers)

    def encode(self) -> bytes:
        """Return the version 3 bytes."""
        items = b"".join(recipient + int64(amount) for recipient, amount in self.transfers)
        return len(self.transfers).to_bytes(2, "big") + items + counted(self.attachment)

    @classmethod
    def parse(cls, reader: Reader) -> "MassTransfer":
        """Read the version 3 bytes."""
        count = read_count(reader, "transfers", MAX_TRANSFERS)
        transfers = tuple((reader.take(ADDRESS_LENGTH, "recipient"), reader.int64("amount")) for _ in range(count))
        return cls(transfers=transfers, attachment=reader.counted("attachment", maximum=MAX_ATTACHMENT))

    def to_dict(self) -> dict[str, Any]:
        """Return the members of the type, with the count and the sum the reference node adds."""
        return {
            "transfers": [
                {"recipient": base58.encode(recipient), "amount": amount} for recipient, amount in self.transfers
            ],
            "attachment": base58.encode(self.attachment),
            "transferCount": len(self.transfers),
            "totalAmount": self.spent,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], network: str) -> "MassTransfer":
        """Read the members of the type; count and sum are not read."""
        transfers = []
        for index, item in enumerate(read_list(data, "transfers", MAX_TRANSFERS)):
            path = f"$.transfers[{index}]"
            if not isinstance(item, dict):
                raise InvalidTransactionError("a transfer should be an object", path=path)
            transfers.append((read_address(item, "recipient", network, path), read_integer(item, "amount", path)))
        return cls(transfers=tuple(transfers), attachment=read_attachment(data))

    def validate(self, network: str) -> None:
        """Check addresses, amounts (zero is allowed here), their sum and the attachment."""
        if len(self.transfers) > MAX_TRANSFERS:
            raise InvalidTransactionError(f"at most {MAX_TRANSFERS} transfers fit", path="$.transfers")
        for index, (recipient, amount) in enumerate(self.transfers):
            check_address(recipient, network, path=f"$.transfers[{index}].recipient")
            if not 0 <= amount <= MAX_INT64:
                raise InvalidTransactionError("the amount is negative", path=f"$.transfers[{index}].amount")
        if self.spent > MAX_INT64:
            raise InvalidTransactionError("the amounts add up to more than 2^63 - 1", path="$.transfers")
        check_attachment(self.attachment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sponsorship:
    """Promises to pay the fees of another address."""

    TYPE: ClassVar[int] = 18
    VERSIONS: ClassVar[tuple[int, ...]] = (3,)
    FEE_UNITS: ClassVar[int] = 5000

    recipient: bytes

    @property
    def fee_units(self) -> int:
        """5000 for the promise, 1000 for taking it back."""
        return self.FEE_UNITS

    @property
    def spent(self) -> int:
        """Nothing but the fee leaves the sender."""
        return 0

    def encode(self) -> bytes:
        """Return the version 3 bytes."""
        return self.recipient

    @classmethod
    def parse(cls, reader: Reader) -> "Sponsorship":
        """Read the version 3 bytes."""
        return cls(recipient=reader.take(ADDRESS_LENGTH, "recipient"))

    def to_dict(self) -> dict[str, Any]:
        """Return the members of the type."""
        return {"recipient": base58.encode(self.recipient)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], network: str) -> "Sponsorship":
        """Read the members of the type."""
        return cls(recipient=read_address(data, "recipient", network))

    def validate(self, network: str) -> None:
        """Check the address."""
        check_address(self.recipient, network, path="$.recipient")


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelSponsorship(Sponsorship):
    """Ends a sponsorship."""

    TYPE: ClassVar[int] = 19
    FEE_UNITS: ClassVar[int] = 1000


Payload: TypeAlias = Anchor | Transfer | Lease | CancelLease | MassTransfer | Sponsorship

_CLASSES: tuple[type[Payload], ...] = (
    Anchor,
    Transfer,
    Lease,
    CancelLease,
    MassTransfer,
    Sponsorship,
    CancelSponsorship,
)


def payload_class(type_number: object, *, path: str | None = None) -> type[Payload]:
    """Return the class of a transaction type.

    Raises:
        InvalidTransactionError: This node does not know the type.
    """
    for item in _CLASSES:
        if type(type_number) is int and type_number == item.TYPE:
            return item
    known = ", ".join(str(item.TYPE) for item in _CLASSES)
    raise InvalidTransactionError(f"unknown transaction type; this node takes {known}", path=path)
