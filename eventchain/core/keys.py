"""Keys and addresses, derived as LTO derives them.

An account grows from a seed phrase (the published clients agree on it, so the same phrase is the same account):

```
account seed = SH( uint32-BE nonce ‖ UTF-8 phrase )      SH(x) = SHA-256(BLAKE2b-256(x))
Ed25519 seed = SHA-256( account seed )                   RFC 8032 private key
X25519 key   = the Ed25519 key converted                 to receive secrets
address      = 0x01 ‖ network ‖ SH(public key)[0:20] ‖ SH(the 22 bytes before)[0:4]
```

People and nodes sign with Ed25519. The two ECDSA curves LTO clients may use are verified, never used to sign.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from typing import NewType

import nacl.bindings
import nacl.exceptions

from eventchain.core import base58
from eventchain.core.errors import (
    InvalidAddressError,
    InvalidEncodingError,
    InvalidKeyError,
    InvalidSignatureError,
)
from eventchain.core.hashing import secure_hash, sha256

Address = NewType("Address", str)
"""Base58 text of a 26-byte account address."""

Random = Callable[[int], bytes]
"""Gives that many unpredictable bytes; `os.urandom` in a running node, seeded in a simulation."""

MAINNET = "L"
TESTNET = "T"
ADDRESS_VERSION = 1
ADDRESS_LENGTH = 26
SIGNATURE_LENGTH = 64
SEED_LENGTH = 32


class KeyType(IntEnum):
    """The key types of the LTO formats; the number is the byte on the wire."""

    ED25519 = 1
    SECP256K1 = 2
    SECP256R1 = 3

    @property
    def label(self) -> str:
        """The name in JSON documents."""
        return self.name.lower()

    @property
    def key_length(self) -> int:
        """Bytes of a public key: 32 for Ed25519, 33 for a compressed curve point."""
        return 32 if self is KeyType.ED25519 else 33


_TYPES_BY_LABEL = {key_type.label: key_type for key_type in KeyType}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public sign key: `raw` is 32 bytes for Ed25519 and 33 compressed bytes for the ECDSA curves."""

    raw: bytes
    key_type: KeyType = KeyType.ED25519

    def __post_init__(self) -> None:
        if len(self.raw) != self.key_type.key_length:
            raise InvalidKeyError(
                f"a {self.key_type.label} public key has {self.key_type.key_length} bytes, not {len(self.raw)}"
            )

    @classmethod
    def parse(cls, text: object, key_type: object = "ed25519", *, path: str | None = None) -> "PublicKey":
        """Read a base58 public key and the name of its type.

        Raises:
            InvalidEncodingError: Not base58.
            InvalidKeyError: Unknown type, or wrong length for it.
        """
        if not isinstance(key_type, str) or key_type not in _TYPES_BY_LABEL:
            raise InvalidKeyError(f"unknown key type; this node knows {', '.join(_TYPES_BY_LABEL)}", path=path)
        if not isinstance(text, str):
            raise InvalidKeyError("a public key should be a base58 string", path=path)
        try:
            return _parse_key(text, _TYPES_BY_LABEL[key_type])
        except InvalidEncodingError as error:
            raise InvalidEncodingError(error.message, path=path) from None

    def __str__(self) -> str:
        return _key_text(self.raw)

    def verify(self, message: bytes, signature: bytes) -> None:
        """Check a detached signature of this key.

        Ed25519 follows RFC 8032 as libsodium does: signatures with a scalar outside the group order, and keys of
        small order, are refused, so that nobody but the signer can write a second valid form.

        Raises:
            InvalidSignatureError: The signature is not this key's over this message.
        """
        if len(signature) != SIGNATURE_LENGTH:
            raise InvalidSignatureError(f"a signature has {SIGNATURE_LENGTH} bytes, not {len(signature)}")
        if self.key_type is KeyType.ED25519:
            try:
                nacl.bindings.crypto_sign_open(signature + message, self.raw)
            except nacl.exceptions.BadSignatureError:
                raise InvalidSignatureError("the signature does not belong to this key and message") from None
        else:
            _verify_ecdsa(self, message, signature)

    def address(self, network: str) -> Address:
        """Return the account address of this key on a network (one ASCII character, `L` or `T`).

        Raises:
            InvalidAddressError: The network is not one ASCII character.
        """
        if len(network) != 1 or not network.isascii():
            raise InvalidAddressError("the network should be one ASCII character, such as T or L")
        prefix = bytes([ADDRESS_VERSION]) + network.encode("ascii") + secure_hash(self.raw)[:20]
        return Address(base58.encode(prefix + secure_hash(prefix)[:4]))


@lru_cache(maxsize=4096)
def _parse_key(text: str, key_type: KeyType) -> PublicKey:
    return PublicKey(base58.decode(text, length=key_type.key_length, name="public key"), key_type)


@lru_cache(maxsize=4096)
def _key_text(raw: bytes) -> str:
    return base58.encode(raw)


def _verify_ecdsa(key: PublicKey, message: bytes, signature: bytes) -> None:
    """Check raw r‖s over SHA-256 of the message; high s is accepted, as published clients write it."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    from cryptography.hazmat.primitives.hashes import SHA256

    curve = ec.SECP256K1() if key.key_type is KeyType.SECP256K1 else ec.SECP256R1()
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        point = ec.EllipticCurvePublicKey.from_encoded_point(curve, key.raw)
        point.verify(utils.encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        raise InvalidSignatureError("the signature does not belong to this key and message") from None


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An Ed25519 key pair. Its private half appears in no repr, log or error."""

    seed: bytes = field(repr=False)
    public_key: PublicKey
    _secret: bytes = field(repr=False, compare=False)

    @classmethod
    def from_seed(cls, seed: bytes) -> "KeyPair":
        """Make the pair of a 32-byte RFC 8032 private key.

        Raises:
            InvalidKeyError: Not 32 bytes.
        """
        if len(seed) != SEED_LENGTH:
            raise InvalidKeyError(f"an Ed25519 private key has {SEED_LENGTH} bytes, not {len(seed)}")
        public, secret = nacl.bindings.crypto_sign_seed_keypair(seed)
        return cls(seed, PublicKey(public), secret)

    @classmethod
    def from_seed_phrase(cls, phrase: str, nonce: int = 0) -> "KeyPair":
        """Make the pair LTO clients make of a seed phrase and an account nonce (unsigned, 32 bits).

        Raises:
            InvalidKeyError: The nonce does not fit, or the phrase has no UTF-8 form.
        """
        return cls.from_seed(sha256(account_seed(phrase, nonce)))

    @classmethod
    def from_private_key(cls, text: str) -> "KeyPair":
        """Make the pair of a base58 private key, 32 bytes (seed) or 64 (seed ‖ public key).

        Raises:
            InvalidEncodingError: Not base58.
            InvalidKeyError: Wrong length, or the halves do not belong together.
        """
        raw = base58.decode(text, name="private key")
        pair = cls.from_seed(raw[:SEED_LENGTH])
        if len(raw) not in (SEED_LENGTH, 64) or raw[SEED_LENGTH:] not in (b"", pair.public_key.raw):
            raise InvalidKeyError("the private key should be 32 bytes, or 64 with its public key at the end")
        return pair

    @classmethod
    def generate(cls, random: Random) -> "KeyPair":
        """Make a new pair from 32 unpredictable bytes."""
        return cls.from_seed(random(SEED_LENGTH))

    @property
    def private_key(self) -> str:
        """The 64-byte private key in base58, as LTO clients write it. Handle with care."""
        return base58.encode(self._secret)

    @property
    def encrypt_key(self) -> bytes:
        """The 32-byte X25519 public key others encrypt to."""
        return nacl.bindings.crypto_sign_ed25519_pk_to_curve25519(self.public_key.raw)

    @property
    def decrypt_key(self) -> bytes:
        """The 32-byte X25519 private key. Handle with care."""
        return nacl.bindings.crypto_sign_ed25519_sk_to_curve25519(self._secret)

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte detached Ed25519 signature (deterministic, RFC 8032)."""
        return nacl.bindings.crypto_sign(message, self._secret)[:SIGNATURE_LENGTH]


def account_seed(phrase: str, nonce: int = 0) -> bytes:
    """Return LTO's 32-byte account seed of a phrase and a nonce (unsigned, 32 bits).

    Raises:
        InvalidKeyError: The nonce does not fit, or the phrase has no UTF-8 form.
    """
    if not 0 <= nonce < 2**32:
        raise InvalidKeyError("the account nonce should be between 0 and 4294967295")
    try:
        text = phrase.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidKeyError("the seed phrase is not valid Unicode text") from None
    return secure_hash(struct.pack(">I", nonce) + text)


def validate_address(text: object, network: str | None = None, *, path: str | None = None) -> Address:
    """Check version, network, length and checksum of an address and return it.

    Raises:
        InvalidAddressError: Naming what is wrong.
    """
    if not isinstance(text, str):
        raise InvalidAddressError("an address should be a base58 string", path=path)
    raw = base58.decode(text.removeprefix("address:"), name="address", path=path)
    if len(raw) != ADDRESS_LENGTH or raw[0] != ADDRESS_VERSION:
        raise InvalidAddressError("this is not an account address", path=path)
    if secure_hash(raw[:22])[:4] != raw[22:]:
        raise InvalidAddressError("the address has a wrong checksum; was it mistyped?", path=path)
    if network is not None and chr(raw[1]) != network:
        raise InvalidAddressError(f"the address belongs to another network than {network}", path=path)
    return Address(base58.encode(raw))
