"""The hashes against values published with their standards."""

from eventchain.core import hashing


def test_sha256_of_nist() -> None:
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert hashing.sha256(b"abc").hex() == expected


def test_blake2b_of_the_empty_message() -> None:
    expected = "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"
    assert hashing.blake2b256(b"").hex() == expected


def test_secure_hash_is_sha256_of_blake2b() -> None:
    assert hashing.secure_hash(b"abc") == hashing.sha256(hashing.blake2b256(b"abc"))
    assert len(hashing.secure_hash(b"")) == hashing.HASH_LENGTH
