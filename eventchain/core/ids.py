"""Ids of chains and of the resources on them.

```
G1  0x40 ‖ nonce(20) ‖ SH(public key)[0:20] ‖ SH(all before)[0:4]                45 bytes
V1  0x41 ‖ network(1) ‖ nonce(20) ‖ SH(public key)[0:20] ‖ SH(all before)[0:4]   46 bytes
V2  0x42 ‖ network(1) ‖ nonce(20) ‖ SH(public key)[0:20] ‖ SH(all before)[0:4]   46 bytes
```

A resource id is the same with type 0x50 (G1) or 0x51 (V1, V2) and the hash of the chain id's raw bytes in the place
of the public key's. Both are written in base58. In G1, JavaScript clients hash the base58 text of the chain id (and,
from 0.6 to 0.8, of the public key) instead of its bytes: such ids are read, not written.

The id fixes the first `previous` (SHA-256 of the id) and the first state (SHA-256 of the id backwards).
"""

from dataclasses import dataclass
from enum import IntEnum

from eventchain.core import base58
from eventchain.core.errors import InvalidEncodingError, InvalidIdError
from eventchain.core.hashing import secure_hash, sha256
from eventchain.core.keys import PublicKey

NONCE_LENGTH = 20
_CHECKSUM_LENGTH = 4
_KEY_HASH_LENGTH = 20


class Generation(IntEnum):
    """The generations of the chain format; the number is the type byte of the chain id."""

    G1 = 0x40
    V1 = 0x41
    V2 = 0x42

    @property
    def has_network(self) -> bool:
        """Whether ids of this generation carry a network byte."""
        return self is not Generation.G1

    @property
    def id_length(self) -> int:
        """Bytes of an id."""
        return 46 if self.has_network else 45

    @property
    def resource_type(self) -> int:
        """Type byte of the ids of resources on such a chain."""
        return 0x51 if self.has_network else 0x50


@dataclass(frozen=True, slots=True)
class ChainId:
    """The id of an event chain. Made with `create` or read with `parse`; both give a checked one."""

    raw: bytes
    text: str

    @classmethod
    def create(
        cls,
        public_key: PublicKey,
        nonce: bytes,
        *,
        generation: Generation = Generation.V2,
        network: str = "T",
    ) -> "ChainId":
        """Make the id of the chain that the holder of `public_key` creates with `nonce` (20 bytes).

        Raises:
            InvalidIdError: The nonce has another length, or the network is not one ASCII character.
        """
        return cls._of(generation, network, nonce, secure_hash(public_key.raw)[:_KEY_HASH_LENGTH])

    @classmethod
    def _of(cls, generation: Generation, network: str, nonce: bytes, key_hash: bytes) -> "ChainId":
        raw = _assemble(generation, generation, network, nonce, key_hash)
        return cls(raw, base58.encode(raw))

    @classmethod
    def parse(cls, text: object, *, path: str | None = None) -> "ChainId":
        """Read a chain id and check its type, length and checksum.

        Raises:
            InvalidEncodingError: Not base58.
            InvalidIdError: Not the id of a chain this node can read.
        """
        raw = base58.decode(text, name="chain id", path=path)
        try:
            generation = Generation(raw[0] if raw else 0)
        except ValueError:
            raise InvalidIdError("this is not the id of an event chain (type 0x40, 0x41 or 0x42)", path=path) from None
        if len(raw) != generation.id_length:
            raise InvalidIdError(
                f"a {generation.name} chain id has {generation.id_length} bytes, not {len(raw)}", path=path
            )
        if secure_hash(raw[:-_CHECKSUM_LENGTH])[:_CHECKSUM_LENGTH] != raw[-_CHECKSUM_LENGTH:]:
            raise InvalidIdError("the chain id has a wrong checksum; was it mistyped?", path=path)
        return cls(raw, base58.encode(raw))

    def __str__(self) -> str:
        return self.text

    @property
    def generation(self) -> Generation:
        """The format of the chain's events."""
        return Generation(self.raw[0])

    @property
    def network(self) -> str | None:
        """The network character, or None where the generation has none."""
        return chr(self.raw[1]) if self.generation.has_network else None

    @property
    def initial_hash(self) -> bytes:
        """The `previous` of the first event."""
        return sha256(self.raw)

    @property
    def initial_state(self) -> bytes:
        """The state before the first event."""
        return sha256(self.raw[::-1])

    def verify_creator(self, public_key: PublicKey) -> None:
        """Check that the holder of this key created the chain.

        Raises:
            InvalidIdError: Somebody else did.
        """
        end = -_CHECKSUM_LENGTH
        written = [public_key.raw]
        if self.generation is Generation.G1:
            written.append(str(public_key).encode("ascii"))  # what JavaScript clients 0.6 to 0.8 hash instead
        hashes = [secure_hash(form)[:_KEY_HASH_LENGTH] for form in written]
        if self.raw[end - _KEY_HASH_LENGTH : end] not in hashes:
            raise InvalidIdError("the chain id belongs to another key than the first event's")

    def resource_id(self, nonce: bytes) -> str:
        """Return the id of a resource on this chain, in base58. `nonce` has 20 bytes."""
        return self._resource_ids(nonce)[0]

    def is_resource_id(self, text: str) -> bool:
        """Whether `text` is the id of a resource on this chain."""
        try:
            raw = base58.decode(text)
        except InvalidEncodingError:
            return False
        start = 2 if self.generation.has_network else 1
        return len(raw) == self.generation.id_length and text in self._resource_ids(raw[start : start + NONCE_LENGTH])

    def _resource_ids(self, nonce: bytes) -> list[str]:
        generation = self.generation
        return [
            base58.encode(_assemble(generation.resource_type, generation, self.network or "", nonce, name_space))
            for name_space in _name_spaces(generation, self.raw)
        ]


def nonce_from_text(text: str) -> bytes:
    """Return the 20-byte nonce LTO clients make of a text: the start of its SHA-256.

    Raises:
        InvalidIdError: The text has no UTF-8 form.
    """
    try:
        return sha256(text.encode("utf-8"))[:NONCE_LENGTH]
    except UnicodeEncodeError:
        raise InvalidIdError("the nonce is not valid Unicode text") from None


def _name_spaces(generation: Generation, raw: bytes) -> list[bytes]:
    """Return the 20 bytes an id may hold for its owner: the form we write first."""
    owners = [raw, base58.encode(raw).encode("ascii")] if generation is Generation.G1 else [raw]
    return [secure_hash(owner)[:_KEY_HASH_LENGTH] for owner in owners]


def _assemble(type_byte: int, generation: Generation, network: str, nonce: bytes, key_hash: bytes) -> bytes:
    if len(nonce) != NONCE_LENGTH:
        raise InvalidIdError(f"the nonce of an id has {NONCE_LENGTH} bytes, not {len(nonce)}")
    prefix = bytes([type_byte])
    if generation.has_network:
        if len(network) != 1 or not network.isascii():
            raise InvalidIdError("the network should be one ASCII character, such as T or L")
        prefix += network.encode("ascii")
    body = prefix + nonce + key_hash
    return body + secure_hash(body)[:_CHECKSUM_LENGTH]
