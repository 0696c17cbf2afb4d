"""Transactions of the public chain, in the binary formats of LTO, so that its published clients work unchanged.

```
body, version 3      type(1) version(1) network(1) timestamp(8) key type(1) public key(32|33) fee(8) payload
body, older          see `anchor.legacy`
whole                0x00 ‖ body ‖ sponsor ‖ proofs          older versions have no sponsor
sponsor              key type(1) public key, or 0x00 for none
proofs               0x01 count(2) { length(2) signature }*
genesis              0x01 timestamp(8) address(26) amount(8)      stands in the first block only
```

The id is BLAKE2b-256 of the body: proofs and sponsor may change without changing it, so whoever stores a transaction
stores the whole. A sender's proof covers the body; with a sponsor there are two proofs, one of each, in any order.

Pure: no clock, no chain. What depends on other transactions is `anchor.state`.
"""

from dataclasses import dataclass, field, replace
from typing import TypeAlias

from anchor import legacy
from anchor.account import ADDRESS_LENGTH, address_of, check_address
from anchor.errors import InvalidTransactionError
from anchor.parameters import Parameters
from anchor.payload import Payload, payload_class
from anchor.wire import MAX_INT64, Reader, int64
from eventchain.core.errors import InvalidKeyError, InvalidSignatureError
from eventchain.core.hashing import blake2b256
from eventchain.core.keys import SIGNATURE_LENGTH, KeyPair, KeyType, PublicKey

VERSION = 3
ID_LENGTH = 32
GENESIS_TYPE = 1
MAX_PROOFS = 8
MAX_BYTES = 16 * 1024
"""Far above the largest that is valid: 100 anchors of 80 bytes with eight proofs."""

_PREFIX = b"\x00"
_PROOFS_VERSION = b"\x01"
_NO_SPONSOR = b"\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A transaction: who, when, what it costs, what it does, and the proofs.

    Attributes:
        version: Layout of the body; 3 unless an older client wrote it.
        network: One ASCII character.
        timestamp: Milliseconds since 1970, as the sender says.
        sender: The sender's public key.
        fee: Units of money offered; the schedule's value is what is charged.
        payload: What it does.
        sponsor: Who pays the fee instead of the sender, or None.
        proofs: Signatures over the body.
        body: The bytes that are signed and hashed.
        id: BLAKE2b-256 of the body.
    """

    version: int = VERSION
    network: str
    timestamp: int
    sender: PublicKey
    fee: int
    payload: Payload
    sponsor: PublicKey | None = None
    proofs: tuple[bytes, ...] = ()
    body: bytes = field(init=False, repr=False, compare=False)
    id: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        body = _encode_body(self)
        object.__setattr__(self, "body", body)
        object.__setattr__(self, "id", blake2b256(body))

    @property
    def type(self) -> int:
        """Number of the transaction type."""
        return self.payload.TYPE

    @property
    def sender_address(self) -> bytes:
        """The 26-byte address of the sender."""
        return address_of(self.sender, self.network)

    def signed_by(self, key: KeyPair) -> "Transaction":
        """Return the transaction with one more proof."""
        return replace(self, proofs=(*self.proofs, key.sign(self.body)))

    def encode(self) -> bytes:
        """Return the whole transaction, as it stands in blocks."""
        parts = [_PREFIX, self.body]
        if self.version >= VERSION:
            parts.append(_encode_key(self.sponsor) if self.sponsor else _NO_SPONSOR)
        parts.append(_PROOFS_VERSION + len(self.proofs).to_bytes(2, "big"))
        parts += [len(proof).to_bytes(2, "big") + proof for proof in self.proofs]
        return b"".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class GenesisTransaction:
    """Money that is there from the start. Valid in the first block only, without sender or proof."""

    timestamp: int
    recipient: bytes
    amount: int

    @property
    def type(self) -> int:
        """Number of the transaction type."""
        return GENESIS_TYPE

    @property
    def id(self) -> bytes:
        """The 64-byte pseudo signature: a BLAKE2b-256 hash, twice; the type counts four bytes in it."""
        digest = blake2b256(
            GENESIS_TYPE.to_bytes(4, "big") + int64(self.timestamp) + self.recipient + int64(self.amount)
        )
        return digest + digest

    def encode(self) -> bytes:
        """Return the 43 bytes."""
        return bytes([GENESIS_TYPE]) + int64(self.timestamp) + self.recipient + int64(self.amount)


AnyTransaction: TypeAlias = Transaction | GenesisTransaction


def parse(data: bytes, network: str) -> AnyTransaction:
    """Read a transaction from the bytes of a block.

    Args:
        data: The whole transaction.
        network: Of the chain it stands on, for the layouts that name none.

    Raises:
        InvalidTransactionError: The bytes are not exactly one transaction; the message says where.
    """
    if len(data) > MAX_BYTES:
        raise InvalidTransactionError(f"the transaction has {len(data)} bytes; the limit is {MAX_BYTES}")
    reader = Reader(data, InvalidTransactionError)
    if reader.peek("transaction") == GENESIS_TYPE:
        reader.take(1, "type")
        genesis = GenesisTransaction(
            timestamp=reader.int64("timestamp"),
            recipient=reader.take(ADDRESS_LENGTH, "recipient"),
            amount=reader.int64("amount"),
        )
        reader.finish("the genesis transaction")
        return genesis
    reader.expect(_PREFIX, "first byte")
    unsigned = _parse_body(reader, network)
    sponsor = _parse_sponsor(reader) if unsigned.version >= VERSION else None
    proofs = _parse_proofs(reader)
    reader.finish("the transaction")
    return replace(unsigned, sponsor=sponsor, proofs=proofs)


def validate(transaction: Transaction, parameters: Parameters) -> None:
    """Check what needs neither chain nor clock: network, version, limits, fee, number of proofs.

    Raises:
        InvalidTransactionError: Naming the member that is wrong.
    """
    if transaction.network != parameters.network:
        raise InvalidTransactionError(
            f"the transaction belongs to network {transaction.network}, this chain is {parameters.network}"
        )
    payload = transaction.payload
    if transaction.version not in payload.VERSIONS:
        known = ", ".join(map(str, payload.VERSIONS))
        raise InvalidTransactionError(f"type {payload.TYPE} has version {known} here", path="$.version")
    if not 0 <= transaction.timestamp <= MAX_INT64:
        raise InvalidTransactionError("the timestamp is out of range", path="$.timestamp")
    payload.validate(parameters.network)
    wanted = fee_of(transaction, parameters)
    if not wanted <= transaction.fee <= MAX_INT64 - payload.spent:
        raise InvalidTransactionError(f"the fee is {transaction.fee}; {wanted} are needed", path="$.fee")
    if transaction.version < VERSION and (transaction.sponsor or transaction.sender.key_type is not KeyType.ED25519):
        raise InvalidTransactionError("sponsors and ECDSA senders need version 3", path="$.version")


def fee_of(transaction: Transaction, parameters: Parameters) -> int:
    """Return the fee the schedule charges, whatever more was offered."""
    return transaction.payload.fee_units * parameters.fee_price


def validate_genesis(transaction: GenesisTransaction, parameters: Parameters) -> None:
    """Check address and amount of a genesis transaction.

    Raises:
        InvalidTransactionError: One of them is wrong.
    """
    check_address(transaction.recipient, parameters.network)
    if transaction.amount <= 0:
        raise InvalidTransactionError("a genesis transaction gives more than nothing")


def verify_proofs(transaction: Transaction) -> None:
    """Check the signatures: exactly one of the sender, and exactly one more of the sponsor if there is one.

    Raises:
        InvalidTransactionError: One is missing, too many, or wrong.
    """
    signers = [transaction.sender, *([transaction.sponsor] if transaction.sponsor else [])]
    proofs = list(transaction.proofs)
    if len(proofs) != len(signers):
        raise InvalidTransactionError(f"{len(signers)} proofs are needed, {len(proofs)} are there", path="$.proofs")
    orders = [proofs, proofs[::-1]] if len(proofs) > 1 else [proofs]
    if not any(_verifies(transaction.body, signers, order) for order in orders):
        raise InvalidTransactionError(
            "the proofs do not fit the transaction",
            path="$.proofs",
            hint="Sign the body bytes for this network, with the keys named as sender and sponsor.",
        )


def _verifies(body: bytes, signers: list[PublicKey], proofs: list[bytes]) -> bool:
    try:
        for signer, proof in zip(signers, proofs, strict=True):
            signer.verify(body, proof)
    except InvalidSignatureError:
        return False
    return True


def _encode_key(key: PublicKey) -> bytes:
    return bytes([key.key_type]) + key.raw


def _encode_body(transaction: Transaction) -> bytes:
    if transaction.version != VERSION:
        return legacy.encode_body(
            transaction.payload,
            transaction.version,
            network=transaction.network,
            timestamp=transaction.timestamp,
            sender=transaction.sender,
            fee=transaction.fee,
        )
    return b"".join(
        (
            bytes([transaction.payload.TYPE, VERSION]),
            transaction.network.encode("ascii"),
            int64(transaction.timestamp),
            _encode_key(transaction.sender),
            int64(transaction.fee),
            transaction.payload.encode(),
        )
    )


def _parse_body(reader: Reader, chain_network: str) -> Transaction:
    payload_type = payload_class(reader.uint(1, "type"))
    version = reader.uint(1, "version")
    if version != VERSION:
        fields = legacy.parse_body(reader, payload_type, version)
        return Transaction(
            version=version,
            network=fields.network or chain_network,
            timestamp=fields.timestamp,
            sender=fields.sender,
            fee=fields.fee,
            payload=fields.payload,
        )
    network = reader.uint(1, "network")
    if not 0 < network < 0x80:
        raise InvalidTransactionError("the network is no ASCII character")
    return Transaction(
        network=chr(network),
        timestamp=reader.int64("timestamp"),
        sender=_parse_key(reader, reader.uint(1, "key type")),
        fee=reader.int64("fee"),
        payload=payload_type.parse(reader),
    )


def _parse_key(reader: Reader, number: int) -> PublicKey:
    try:
        key_type = KeyType(number)
        return PublicKey(reader.take(key_type.key_length, "public key"), key_type)
    except (ValueError, InvalidKeyError):
        raise InvalidTransactionError(f"{number} is no key type this node knows") from None


def _parse_sponsor(reader: Reader) -> PublicKey | None:
    number = reader.uint(1, "sponsor's key type")
    return _parse_key(reader, number) if number else None


def _parse_proofs(reader: Reader) -> tuple[bytes, ...]:
    reader.expect(_PROOFS_VERSION, "version of the proofs")
    count = reader.uint(2, "number of proofs")
    if count > MAX_PROOFS:
        raise InvalidTransactionError(f"{count} proofs are too many; the limit is {MAX_PROOFS}")
    return tuple(reader.counted("proof", maximum=SIGNATURE_LENGTH) for _ in range(count))
