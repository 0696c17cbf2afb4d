"""Receipts: the proof that a hash is in a block, to be stored with what was hashed and checked without any node.

```json
{"version": 1, "hash": b58,
 "transaction": {"id": b58, "position": 0},
 "block": {"height": 7, "id": b58, "timestamp": ms},
 "path": {"leaf": 0, "size": 3, "hashes": [b58, ...]},
 "header": base64,
 "day": {"number": 0, "period": 1440, "index": 6, "root": b58, "hashes": [b58, ...]}}
```

`path` leads from the hash to the anchor root in `header`, the 309 signed bytes of the key block (`anchor.block`).
`day`, there once the day is complete, leads on from that anchor root to the day's root (paper sections 17 and 23.1).

What a receipt shows by itself is: the holder of the header's key signed, at the header's time, a root over this hash.
That the header belongs to *the* public chain is shown by the headers from the first block on: `verify_header_chain`,
or by asking any node for the block. Place and size of a leaf are not under the root; where the order of two hashes in
a block decides, ask the chain.

Checks, by name: `format`, `hash`, `path`, `block`, `signature`, `day`; of headers: `genesis`, `reference`, `time`,
`base target`, `generation signature`, `signature`, `receipt`.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anchor import consensus, merkle
from anchor.block import HEADER_LENGTH, Header, parse_header
from anchor.errors import InvalidBlockError, InvalidProofError, InvalidReceiptError
from anchor.parameters import Parameters
from anchor.wire import MAX_INT64
from eventchain.core import base58
from eventchain.core.errors import InvalidEncodingError

VERSION = 1
CHECKS = ("format", "hash", "path", "block", "signature", "day")
"""What `verify` checks, in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPath:
    """From a block's anchor root to the root of its day.

    Attributes:
        number: Of the day, from 0.
        period: Key blocks in a day.
        index: Of the block in its day, from 0.
        root: Of the day.
        hashes: The inclusion path.
    """

    number: int
    period: int
    index: int
    root: bytes
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The proof that a hash is in a block."""

    hash: bytes
    transaction_id: bytes
    position: int
    height: int
    header: Header
    leaf: int
    size: int
    path: tuple[bytes, ...]
    day: DayPath | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "version": VERSION,
            "hash": base58.encode(self.hash),
            "transaction": {"id": base58.encode(self.transaction_id), "position": self.position},
            "block": {
                "height": self.height,
                "id": base58.encode(self.header.signature),
                "timestamp": self.header.timestamp,
            },
            "path": {"leaf": self.leaf, "size": self.size, "hashes": [base58.encode(item) for item in self.path]},
            "header": encode_header(self.header),
            **({"day": _day_to_dict(self.day)} if self.day else {}),
        }


def make_day_path(number: int, period: int, height: int, root: bytes, roots: Sequence[bytes]) -> DayPath:
    """Return the path from the anchor root of the block at `height` to its day's root."""
    index = (height - 1) % period
    return DayPath(number=number, period=period, index=index, root=root, hashes=merkle.inclusion_path(roots, index))


def from_dict(data: object) -> Receipt:
    """Read a receipt.

    Raises:
        InvalidReceiptError: It is none (check `format`), or what it says of the block is not in its header (`block`).
    """
    receipt = _object(data, "$")
    if receipt.get("version") != VERSION or type(receipt.get("version")) is not int:
        raise _malformed(f"this node reads receipts of version {VERSION}", "$.version")
    transaction, block = _object(receipt.get("transaction"), "$.transaction"), _object(receipt.get("block"), "$.block")
    path = _object(receipt.get("path"), "$.path")
    header = parse_header_text(receipt.get("header"))
    named = (_decode(block, "id", "$.block"), _integer(block, "timestamp", "$.block"))
    if named != (header.signature, header.timestamp):
        raise InvalidReceiptError("the block named is not that of the header", check="block", path="$.block")
    return Receipt(
        hash=_decode(receipt, "hash", "$"),
        transaction_id=_decode(transaction, "id", "$.transaction"),
        position=_integer(transaction, "position", "$.transaction"),
        height=_integer(block, "height", "$.block"),
        header=header,
        leaf=_integer(path, "leaf", "$.path"),
        size=_integer(path, "size", "$.path"),
        path=_decode_list(path, "hashes", "$.path"),
        day=_day_from_dict(receipt["day"]) if receipt.get("day") is not None else None,
    )


def verify(data: Mapping[str, Any] | Receipt, expected_hash: bytes) -> Receipt:
    """Check a receipt offline: hash, path to the anchor root, the forger's signature, and the day's path if there.

    Returns:
        The receipt, read.

    Raises:
        InvalidReceiptError: It does not prove that the hash was anchored; `check` names what failed.
    """
    receipt = data if isinstance(data, Receipt) else from_dict(data)
    if receipt.hash != expected_hash:
        raise InvalidReceiptError("the receipt is for another hash", check="hash")
    try:
        merkle.verify_inclusion(receipt.hash, receipt.leaf, receipt.size, receipt.path, receipt.header.anchor_root)
    except InvalidProofError as error:
        raise InvalidReceiptError(error.message, check="path") from None
    try:
        receipt.header.verify_signature()
    except InvalidBlockError as error:
        raise InvalidReceiptError(error.message, check="signature") from None
    if receipt.day is not None:
        _verify_day(receipt, receipt.day)
    return receipt


def verify_header_chain(headers: Sequence[Header], genesis: bytes, parameters: Parameters) -> None:
    """Check headers from the first block on: each follows from the one before.

    Everything that headers show is checked: references, rising times, base targets, generation signatures and
    signatures. Whether a forger had the stake for its turn is seen from the transactions only.

    Args:
        headers: Of the blocks at height 1, 2, …
        genesis: Signature of the first block, which names the chain.
        parameters: Of the chain.

    Raises:
        InvalidReceiptError: They are not a chain; `check` names what failed.
    """
    if not headers or headers[0].signature != genesis:
        raise InvalidReceiptError("the headers do not start at the first block of this chain", check="genesis")
    try:
        consensus.verify_genesis(headers[0])
        for index in range(1, len(headers)):
            ancestor = headers[index - 3] if index >= 3 else None
            consensus.verify_link(headers[index], headers[index - 1], ancestor, parameters)
    except InvalidBlockError as error:
        raise InvalidReceiptError(error.message, check=error.check) from None


def verify_in_chain(receipt: Receipt, headers: Sequence[Header]) -> None:
    """Check that a receipt's header is the one at its height, followed by another key block.

    Args:
        receipt: A verified receipt.
        headers: Of the blocks at height 1, 2, …, verified.

    Raises:
        InvalidReceiptError: It is not, or is not final (check `receipt`).
    """
    if not 0 < receipt.height < len(headers) or headers[receipt.height - 1] != receipt.header:
        raise InvalidReceiptError("the receipt's block is not on this chain", check="receipt")


def encode_header(header: Header) -> str:
    """Write a header as base64: 309 bytes are too many for base58."""
    return base64.b64encode(header.encode()).decode("ascii")


def parse_header_text(text: object) -> Header:
    """Read a header from base64.

    Raises:
        InvalidReceiptError: It is none (check `format`).
    """
    if not isinstance(text, str) or len(text) > 2 * HEADER_LENGTH:
        raise _malformed("the header should be base64", "$.header")
    try:
        return parse_header(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, InvalidBlockError) as error:
        raise _malformed(f"the header cannot be read: {error}", "$.header") from None


def _verify_day(receipt: Receipt, day: DayPath) -> None:
    if day.period <= 0 or (day.number, day.index) != divmod(receipt.height - 1, day.period):
        raise InvalidReceiptError("the block is not of the day named", check="day", path="$.day")
    try:
        merkle.verify_inclusion(receipt.header.anchor_root, day.index, day.period, day.hashes, day.root)
    except InvalidProofError as error:
        raise InvalidReceiptError(error.message, check="day", path="$.day") from None


def _day_to_dict(day: DayPath) -> dict[str, Any]:
    return {
        "number": day.number,
        "period": day.period,
        "index": day.index,
        "root": base58.encode(day.root),
        "hashes": [base58.encode(item) for item in day.hashes],
    }


def _day_from_dict(data: object) -> DayPath:
    day = _object(data, "$.day")
    return DayPath(
        number=_integer(day, "number", "$.day"),
        period=_integer(day, "period", "$.day"),
        index=_integer(day, "index", "$.day"),
        root=_decode(day, "root", "$.day"),
        hashes=_decode_list(day, "hashes", "$.day"),
    )


def _malformed(message: str, path: str) -> InvalidReceiptError:
    return InvalidReceiptError(message, check="format", path=path)


def _object(data: object, path: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise _malformed("an object is wanted here", path)
    return data


def _integer(data: Mapping[str, Any], name: str, path: str) -> int:
    value = data.get(name)
    if type(value) is not int or not 0 <= value <= MAX_INT64:
        raise _malformed(f"{name} should be a whole number, not negative", f"{path}.{name}")
    return value


def _decode(data: Mapping[str, Any], name: str, path: str) -> bytes:
    try:
        return base58.decode(data.get(name), name=name)
    except InvalidEncodingError as error:
        raise _malformed(error.message, f"{path}.{name}") from None


def _decode_list(data: Mapping[str, Any], name: str, path: str) -> tuple[bytes, ...]:
    items = data.get(name)
    if not isinstance(items, list) or len(items) > merkle.MAX_PATH:
        raise _malformed(f"{name} should be a list of at most {merkle.MAX_PATH} hashes", f"{path}.{name}")
    try:
        return tuple(base58.decode(item, name="hash") for item in items)
    except InvalidEncodingError as error:
        raise _malformed(error.message, f"{path}.{name}") from None
