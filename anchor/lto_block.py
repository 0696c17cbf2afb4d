"""Blocks of the LTO public chain itself, versions 1 to 4, read and verified: evidence that lies there can be checked.

```
version(1) timestamp(8) reference(64) consensus length(4)=40 base target(8) generation signature(32)
length(4) transactions         versions 1, 2: count(1), versions 3, 4: count(4); then { length(4) transaction }*
[versions 3, 4: count(4) feature(2)*]  [version 4: fee vote(1, signed)]  generator public key(32) signature(64)
```

The signature covers all before it and is the block's id. Our own key block is `anchor.block`.
"""

from dataclasses import dataclass

from anchor.block import encode_list, parse_list
from anchor.errors import InvalidBlockError
from anchor.transaction import AnyTransaction
from anchor.wire import Reader, int64
from eventchain.core.errors import InvalidSignatureError
from eventchain.core.keys import SIGNATURE_LENGTH, PublicKey

GENERATION_SIGNATURE_LENGTH = 32
MAX_TRANSACTION_BYTES = 1024 * 1024 + 4 * 6000
"""One MiB of transactions, and their lengths."""

MAX_FEATURES = 64
_CONSENSUS_LENGTH = (8 + GENERATION_SIGNATURE_LENGTH).to_bytes(4, "big")
_VERSIONS = (1, 2, 3, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class LtoBlock:
    """A block of LTO. `features` and `fee_vote` are there from version 3 and 4."""

    version: int
    timestamp: int
    reference: bytes
    base_target: int
    generation_signature: bytes
    transactions: tuple[AnyTransaction, ...]
    features: tuple[int, ...] = ()
    fee_vote: int = 0
    generator: PublicKey
    signature: bytes = b""

    def signed_bytes(self) -> bytes:
        """Return what the generator signs."""
        transactions = _encode_transactions(self.version, self.transactions)
        parts = [
            bytes([self.version]),
            int64(self.timestamp),
            self.reference,
            _CONSENSUS_LENGTH,
            int64(self.base_target),
            self.generation_signature,
            len(transactions).to_bytes(4, "big"),
            transactions,
        ]
        if self.version >= 3:
            parts.append(len(self.features).to_bytes(4, "big"))
            parts += [feature.to_bytes(2, "big") for feature in self.features]
        if self.version >= 4:
            parts.append(self.fee_vote.to_bytes(1, "big", signed=True))
        return b"".join((*parts, self.generator.raw))

    def encode(self) -> bytes:
        """Return the whole block."""
        return self.signed_bytes() + self.signature

    def verify_signature(self) -> None:
        """Check the generator's signature.

        Raises:
            InvalidBlockError: It is not the generator's.
        """
        try:
            self.generator.verify(self.signed_bytes(), self.signature)
        except InvalidSignatureError:
            raise InvalidBlockError("the signature is not the generator's", check="signature") from None


def parse_block(data: bytes, network: str) -> LtoBlock:
    """Read the bytes of a block.

    Raises:
        InvalidBlockError: They are not exactly one block of versions 1 to 4.
        InvalidTransactionError: One of its transactions is malformed, or of a type this project does not read.
    """
    reader = Reader(data, InvalidBlockError)
    version = reader.uint(1, "version")
    if version not in _VERSIONS:
        raise InvalidBlockError(f"{version} is no block version of LTO")
    timestamp, reference = reader.int64("timestamp"), reader.take(SIGNATURE_LENGTH, "reference")
    reader.expect(_CONSENSUS_LENGTH, "length of the consensus data")
    base_target = reader.int64("base target")
    generation_signature = reader.take(GENERATION_SIGNATURE_LENGTH, "generation signature")
    transactions = reader.counted("transactions", maximum=MAX_TRANSACTION_BYTES, width=4)
    features = _parse_features(reader) if version >= 3 else ()
    fee_vote = int.from_bytes(reader.take(1, "fee vote"), "big", signed=True) if version >= 4 else 0
    block = LtoBlock(
        version=version,
        timestamp=timestamp,
        reference=reference,
        base_target=base_target,
        generation_signature=generation_signature,
        transactions=_parse_transactions(version, transactions, network),
        features=features,
        fee_vote=fee_vote,
        generator=PublicKey(reader.take(32, "generator public key")),
        signature=reader.take(SIGNATURE_LENGTH, "signature"),
    )
    reader.finish("the block")
    return block


def _parse_features(reader: Reader) -> tuple[int, ...]:
    count = reader.uint(4, "number of features")
    if count > MAX_FEATURES:
        raise InvalidBlockError(f"{count} features are too many; the limit is {MAX_FEATURES}")
    return tuple(reader.uint(2, "feature") for _ in range(count))


def _count_width(version: int) -> int:
    return 1 if version < 3 else 4


def _encode_transactions(version: int, transactions: tuple[AnyTransaction, ...]) -> bytes:
    return len(transactions).to_bytes(_count_width(version), "big") + encode_list(transactions)


def _parse_transactions(version: int, data: bytes, network: str) -> tuple[AnyTransaction, ...]:
    reader = Reader(data, InvalidBlockError)
    return parse_list(reader, reader.uint(_count_width(version), "number of transactions"), network)
