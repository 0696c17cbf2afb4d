"""The group in which everything is proven: the points of prime order of edwards25519 (RFC 8032, section 5.1).

Points are 32 bytes as RFC 8032 writes them, scalars 32 bytes, little-endian, below the order. Sums and multiples are
computed by libsodium, in constant time for scalars. What comes from outside is read by `read_point` and `read_scalar`,
which take one spelling of each value and no other: no point outside the prime-order group (a small component would let
a prover deny or double a statement), no coordinate of the field's prime or more, no scalar of the order or more.

Pure and consensus-critical. Nothing here is random.
"""

from typing import NewType

from nacl import bindings

from workflow_engine.proofs.errors import InvalidProofError

Point = NewType("Point", bytes)
Scalar = NewType("Scalar", bytes)

SIZE = 32
"""Bytes of a point and of a scalar."""

WIDE_SIZE = 64
"""Bytes that are reduced to a scalar without bias worth naming (RFC 8032 does the same with SHA-512)."""

ORDER = 2**252 + 27742317777372353535851937790883648493
"""Of the base point (RFC 8032, section 5.1)."""

IDENTITY = Point(b"\x01" + bytes(31))
"""The neutral element. It is computed with, and never taken from outside."""

BASE = Point(bytes.fromhex("58" + 31 * "66"))
"""The base point of Ed25519, so that a key pair of Ed25519's group is a statement and its secret."""

SECOND_BASE_SEED = b"livecontract:pedersen:second-base:1"

SECOND_BASE = Point(bytes.fromhex("f807c01e19185c19e9b6df62a46aa6dbe96e4eb815128ba99ce21dc784bb54f2"))
"""A second base whose logarithm to `BASE` nobody knows, because nobody chose it.

SHA-256 of the seed and a counter byte, from 0 on; the first that is a point of the curve, times the cofactor 8.
A test derives it anew with arithmetic of its own.
"""

ZERO = Scalar(bytes(SIZE))

_MINUS_ONE = Scalar((ORDER - 1).to_bytes(SIZE, "little"))


def read_point(data: bytes) -> Point:
    """Return a point from outside.

    It is tried against the order here too, because libsodium before commit ad3004e (CVE-2025-69277) lets points with a
    component of order 2 pass: nodes with different versions of it would disagree.

    Raises:
        InvalidProofError: It is no point of prime order in its one spelling.
    """
    if len(data) != SIZE or not bindings.crypto_core_ed25519_is_valid_point(data):
        raise InvalidProofError("This is not a point of the group.")
    negative = bindings.crypto_core_ed25519_sub(IDENTITY, data)
    if bindings.crypto_scalarmult_ed25519_noclamp(_MINUS_ONE, data) != negative:
        raise InvalidProofError("This is not a point of the group.")
    return Point(data)


def read_scalar(data: bytes) -> Scalar:
    """Return a scalar from outside.

    Raises:
        InvalidProofError: It has another length, or is not below the order.
    """
    if len(data) != SIZE or int.from_bytes(data, "little") >= ORDER:
        raise InvalidProofError("This is not a number below the order of the group.")
    return Scalar(data)


def scalar_of(number: int) -> Scalar:
    """Return a whole number, not negative and below the order, as a scalar."""
    return Scalar(number.to_bytes(SIZE, "little"))


def reduce(wide: bytes) -> Scalar:
    """Return 64 bytes as a scalar, modulo the order."""
    return Scalar(bindings.crypto_core_ed25519_scalar_reduce(wide))


def multiply(scalar: Scalar, point: Point) -> Point:
    """Return a multiple of a point of the group; the neutral element, which libsodium refuses, is one like others."""
    if scalar == ZERO or point == IDENTITY:
        return IDENTITY
    if point == BASE:
        return Point(bindings.crypto_scalarmult_ed25519_base_noclamp(scalar))
    return Point(bindings.crypto_scalarmult_ed25519_noclamp(scalar, point))


def add(left: Point, right: Point) -> Point:
    """Return the sum of two points of the group."""
    return Point(bindings.crypto_core_ed25519_add(left, right))


def subtract(left: Point, right: Point) -> Point:
    """Return the difference of two points of the group."""
    return Point(bindings.crypto_core_ed25519_sub(left, right))


def multiply_scalars(left: Scalar, right: Scalar) -> Scalar:
    """Return the product of two scalars, modulo the order."""
    return Scalar(bindings.crypto_core_ed25519_scalar_mul(left, right))


def add_scalars(left: Scalar, right: Scalar) -> Scalar:
    """Return the sum of two scalars, modulo the order."""
    return Scalar(bindings.crypto_core_ed25519_scalar_add(left, right))
