"""How far a hash is on its way to the public chain: what the service and its HTTP client both answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anchor.errors import InvalidAnchorError
from eventchain.core import base58
from eventchain.core.errors import InvalidEncodingError

HASH_LENGTHS = (16, 20, 32, 48, 64)
"""Bytes of the hashes a caller may submit: those of the usual hash functions, as LTO's service takes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchoring:
    """A hash that was submitted. The places are None while it waits in the mempool.

    Attributes:
        hash: In base58.
        transaction_id: Of the anchor transaction, in base58.
        height: Of the block, from 1.
        position: Of the transaction in its block, from 0.
        leaf: Of the hash among all hashes of its block, from 0. Orders hashes together with `height`.
        timestamp: Of the block, milliseconds since 1970.
        final: Whether another key block follows, so that there is a receipt.
    """

    hash: str
    transaction_id: str
    height: int | None = None
    position: int | None = None
    leaf: int | None = None
    timestamp: int | None = None
    final: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object: what LTO's services look for (`block`, `transaction`), and `final`."""
        is_placed = self.height is not None
        return {
            "hash": self.hash,
            "transaction": {
                "id": self.transaction_id,
                **({"position": self.position, "leaf": self.leaf} if is_placed else {}),
            },
            "block": {"height": self.height, "timestamp": self.timestamp} if is_placed else None,
            "final": self.final,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Anchoring":
        """Read the JSON object that `to_dict` writes.

        Raises:
            KeyError: A member is missing.
            TypeError: A member is no object.
        """
        block = data["block"] or {}
        return cls(
            hash=data["hash"],
            transaction_id=data["transaction"]["id"],
            height=block.get("height"),
            position=data["transaction"].get("position"),
            leaf=data["transaction"].get("leaf"),
            timestamp=block.get("timestamp"),
            final=data["final"],
        )


def parse_hash(text: object, *, path: str | None = None) -> bytes:
    """Read a hash in base58.

    Raises:
        InvalidAnchorError: Not base58, or not as long as a hash.
    """
    try:
        data = base58.decode(text, name="hash", path=path)
    except InvalidEncodingError as error:
        raise InvalidAnchorError(error.message, path=path) from None
    return check_hash(data, path=path)


def check_hash(data: bytes, *, path: str | None = None) -> bytes:
    """Return a hash that has the length of one.

    Raises:
        InvalidAnchorError: It has not.
    """
    if len(data) not in HASH_LENGTHS:
        lengths = ", ".join(map(str, HASH_LENGTHS))
        raise InvalidAnchorError(
            f"{len(data)} bytes are no hash", path=path, hint=f"Hashes have {lengths} bytes; SHA-256 has 32."
        )
    return data
