"""The hashes of the LTO formats.

`secure_hash` is SHA-256 of BLAKE2b-256; addresses, ids and key derivation use it.
"""

import hashlib

HASH_LENGTH = 32


def sha256(data: bytes) -> bytes:
    """Return the 32-byte SHA-256 digest."""
    return hashlib.sha256(data).digest()


def blake2b256(data: bytes) -> bytes:
    """Return the 32-byte BLAKE2b digest (unkeyed)."""
    return hashlib.blake2b(data, digest_size=HASH_LENGTH).digest()


def secure_hash(data: bytes) -> bytes:
    """Return SHA-256(BLAKE2b-256(data)), 32 bytes."""
    return hashlib.sha256(hashlib.blake2b(data, digest_size=HASH_LENGTH).digest()).digest()
