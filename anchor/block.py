"""The key block of this chain (paper sections 16.1 and 17, table 1), and the microblock between two of them.

```
key block: what is signed and never dropped, 309 bytes
  version(1)=0x81 timestamp(8) reference(64)
  consensus length(4)=72 base target(8) generation signature(64)
  transaction list hash(32) anchor root(32) generator public key(32) signature(64)

attachment: beside the block, not signed itself; the header commits to it by list hash and anchor root
  count(4) { length(4) transaction }*

microblock
  version(1)=0x83 previous total signature(64) total signature(64)
  length(4) attachment generator public key(32) signature(64)
```

The signature of a block is its id. It covers all header bytes before it, hence no transaction: the witness is
segregated and may be dropped once the block is final, while header and anchor root stay. A microblock adds
transactions to the newest key block: the forger signs that block's header anew, with the list hash and anchor root of
all transactions so far, and the microblock carries the new signature (paper section 15.6). The blocks of LTO itself,
versions 1 to 4, are in `anchor.lto_block`; the high bit keeps the two apart.

Pure. Whether a block follows from its parent is `anchor.consensus` and `anchor.chain`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from anchor import merkle
from anchor.errors import InvalidBlockError
from anchor.payload import Anchor
from anchor.transaction import MAX_BYTES, AnyTransaction, Transaction, parse
from anchor.wire import Reader, int64
from eventchain.core.errors import InvalidSignatureError
from eventchain.core.hashing import sha256
from eventchain.core.keys import SIGNATURE_LENGTH, KeyPair, PublicKey

VERSION = 0x81
MICROBLOCK_VERSION = 0x83
HEADER_LENGTH = 309
HASH_LENGTH = 32
GENESIS_REFERENCE = b"\xff" * SIGNATURE_LENGTH
"""The first block has no parent; the reference chain writes this in its place."""

MAX_ATTACHMENT_BYTES = 64 * 1024 * 1024
"""What a reader takes at most, whatever the chain's parameters; far above any block limit."""

_CONSENSUS_LENGTH = (8 + SIGNATURE_LENGTH).to_bytes(4, "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The signed part of a key block.

    Attributes:
        timestamp: Milliseconds since 1970.
        reference: Signature of the parent, 64 bytes.
        base_target: How easy forging is (Λ of the paper).
        generation_signature: The generator's signature over the hash of the parent's, 64 bytes.
        transactions_hash: SHA-256 of the attachment.
        anchor_root: RFC 6962 root over the anchored hashes in list order; 32 zero bytes if there are none.
        generator: The forger's public key.
        signature: Over all before; the block's id.
    """

    timestamp: int
    reference: bytes
    base_target: int
    generation_signature: bytes
    transactions_hash: bytes
    anchor_root: bytes
    generator: PublicKey
    signature: bytes = b""
    signed_bytes: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "signed_bytes", _encode_signed(self))

    def encode(self) -> bytes:
        """Return the 309 bytes."""
        return self.signed_bytes + self.signature

    def verify_signature(self) -> None:
        """Check the generator's signature over the header.

        Raises:
            InvalidBlockError: It is not the generator's.
        """
        _verify(self.generator, self.signed_bytes, self.signature)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A key block with its transactions."""

    header: Header
    transactions: tuple[AnyTransaction, ...] = ()

    @property
    def signature(self) -> bytes:
        """The block's id."""
        return self.header.signature

    def verify_attachment(self) -> None:
        """Check that the transactions are those the header commits to, and the anchor root theirs.

        Raises:
            InvalidBlockError: They are not.
        """
        if transactions_hash(self.transactions) != self.header.transactions_hash:
            raise InvalidBlockError("the transactions are not those of the header", check="transaction list")
        if merkle.root(anchors_of(self.transactions)) != self.header.anchor_root:
            raise InvalidBlockError("the anchor root is not that of the transactions", check="anchor root")


@dataclass(frozen=True, slots=True, kw_only=True)
class Microblock:
    """Transactions added to the newest key block by its forger.

    Attributes:
        previous: Signature of the block before (of the key block, or as the microblock before left it).
        total: Signature of the block with these transactions added: its new id.
        transactions: What is added; at least one.
        generator: The forger of the key block.
        signature: Over all before.
    """

    previous: bytes
    total: bytes
    transactions: tuple[AnyTransaction, ...]
    generator: PublicKey
    signature: bytes = b""

    def signed_bytes(self) -> bytes:
        """Return what the forger signs."""
        attachment = encode_transactions(self.transactions)
        return b"".join(
            (
                bytes([MICROBLOCK_VERSION]),
                self.previous,
                self.total,
                len(attachment).to_bytes(4, "big"),
                attachment,
                self.generator.raw,
            )
        )

    def encode(self) -> bytes:
        """Return the whole microblock."""
        return self.signed_bytes() + self.signature

    def verify_signature(self) -> None:
        """Check the forger's signature.

        Raises:
            InvalidBlockError: It is not the forger's.
        """
        _verify(self.generator, self.signed_bytes(), self.signature)


def sign_header(
    key: KeyPair,
    *,
    timestamp: int,
    reference: bytes,
    base_target: int,
    generation_signature: bytes,
    transactions: Sequence[AnyTransaction] = (),
) -> Header:
    """Return the header over these transactions, signed by their forger."""
    unsigned = Header(
        timestamp=timestamp,
        reference=reference,
        base_target=base_target,
        generation_signature=generation_signature,
        transactions_hash=transactions_hash(transactions),
        anchor_root=merkle.root(anchors_of(transactions)),
        generator=key.public_key,
    )
    return with_signature(unsigned, key.sign(unsigned.signed_bytes))


def with_signature(header: Header, signature: bytes) -> Header:
    """Return the header with a signature."""
    return Header(
        timestamp=header.timestamp,
        reference=header.reference,
        base_target=header.base_target,
        generation_signature=header.generation_signature,
        transactions_hash=header.transactions_hash,
        anchor_root=header.anchor_root,
        generator=header.generator,
        signature=signature,
    )


def with_transactions(header: Header, transactions: Sequence[AnyTransaction], signature: bytes) -> Header:
    """Return the header of the same key block over other transactions: how a microblock renews it."""
    return Header(
        timestamp=header.timestamp,
        reference=header.reference,
        base_target=header.base_target,
        generation_signature=header.generation_signature,
        transactions_hash=transactions_hash(transactions),
        anchor_root=merkle.root(anchors_of(transactions)),
        generator=header.generator,
        signature=signature,
    )


def parse_header(data: bytes) -> Header:
    """Read the bytes of a header.

    Raises:
        InvalidBlockError: They are not exactly one header of this version.
    """
    reader = Reader(data, InvalidBlockError)
    reader.expect(bytes([VERSION]), "block version")
    timestamp, reference = reader.int64("timestamp"), reader.take(SIGNATURE_LENGTH, "reference")
    reader.expect(_CONSENSUS_LENGTH, "length of the consensus data")
    header = Header(
        timestamp=timestamp,
        reference=reference,
        base_target=reader.int64("base target"),
        generation_signature=reader.take(SIGNATURE_LENGTH, "generation signature"),
        transactions_hash=reader.take(HASH_LENGTH, "transaction list hash"),
        anchor_root=reader.take(HASH_LENGTH, "anchor root"),
        generator=PublicKey(reader.take(32, "generator public key")),
        signature=reader.take(SIGNATURE_LENGTH, "signature"),
    )
    reader.finish("the header")
    return header


def parse_microblock(data: bytes, network: str) -> Microblock:
    """Read the bytes of a microblock.

    Raises:
        InvalidBlockError: They are not exactly one microblock.
        InvalidTransactionError: One of its transactions is malformed.
    """
    reader = Reader(data, InvalidBlockError)
    reader.expect(bytes([MICROBLOCK_VERSION]), "microblock version")
    previous, total = reader.take(SIGNATURE_LENGTH, "previous"), reader.take(SIGNATURE_LENGTH, "total signature")
    attachment = reader.counted("attachment", maximum=MAX_ATTACHMENT_BYTES, width=4)
    microblock = Microblock(
        previous=previous,
        total=total,
        transactions=parse_transactions(attachment, network),
        generator=PublicKey(reader.take(32, "generator public key")),
        signature=reader.take(SIGNATURE_LENGTH, "signature"),
    )
    reader.finish("the microblock")
    if not microblock.transactions:
        raise InvalidBlockError("a microblock brings at least one transaction")
    return microblock


def encode_transactions(transactions: Sequence[AnyTransaction]) -> bytes:
    """Return the attachment: `count(4) { length(4) transaction }*`."""
    return len(transactions).to_bytes(4, "big") + encode_list(transactions)


def encode_list(transactions: Iterable[AnyTransaction]) -> bytes:
    """Return transactions, each with its 4-byte length before it."""
    parts: list[bytes] = []
    for transaction in transactions:
        data = transaction.encode()
        parts += (len(data).to_bytes(4, "big"), data)
    return b"".join(parts)


def parse_transactions(data: bytes, network: str) -> tuple[AnyTransaction, ...]:
    """Read an attachment.

    Raises:
        InvalidBlockError: The bytes are not exactly so many transactions.
        InvalidTransactionError: One of them is malformed.
    """
    reader = Reader(data, InvalidBlockError)
    count = reader.uint(4, "number of transactions")
    return parse_list(reader, count, network)


def parse_list(reader: Reader, count: int, network: str) -> tuple[AnyTransaction, ...]:
    """Read so many transactions, each with its 4-byte length before it, and nothing after them.

    Raises:
        InvalidError: As the reader says, or `InvalidTransactionError` for a malformed transaction.
    """
    items = tuple(parse(reader.counted("transaction", maximum=MAX_BYTES, width=4), network) for _ in range(count))
    reader.finish("the transactions")
    return items


def transactions_hash(transactions: Sequence[AnyTransaction]) -> bytes:
    """Return the SHA-256 of the attachment, by which the header commits to transactions and proofs."""
    return sha256(encode_transactions(transactions))


def anchors_of(transactions: Sequence[AnyTransaction]) -> list[bytes]:
    """Return all anchored hashes in list order: the leaves under the anchor root."""
    return [
        anchor
        for transaction in transactions
        if isinstance(transaction, Transaction) and isinstance(transaction.payload, Anchor)
        for anchor in transaction.payload.anchors
    ]


def _encode_signed(header: Header) -> bytes:
    return b"".join(
        (
            bytes([VERSION]),
            int64(header.timestamp),
            header.reference,
            _CONSENSUS_LENGTH,
            int64(header.base_target),
            header.generation_signature,
            header.transactions_hash,
            header.anchor_root,
            header.generator.raw,
        )
    )


def _verify(key: PublicKey, message: bytes, signature: bytes) -> None:
    try:
        key.verify(message, signature)
    except InvalidSignatureError:
        raise InvalidBlockError("the signature is not the forger's", check="signature") from None
