"""The group: what is computed is what RFC 8032 says, and what comes from outside has one spelling or is refused."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workflow_engine import edwards
from workflow_engine.proofs import group
from workflow_engine.proofs.errors import InvalidProofError

numbers = st.integers(0, group.ORDER - 1)
BASE = edwards.decode(group.BASE)


def scalar(number):
    return group.scalar_of(number % group.ORDER)


@settings(max_examples=20)
@given(numbers, numbers)
def test_sums_and_multiples_are_those_of_the_curve(one, two):
    left, right = group.multiply(scalar(one), group.BASE), group.multiply(scalar(two), group.SECOND_BASE)
    point, other = edwards.multiply(one, BASE), edwards.multiply(two, edwards.decode(group.SECOND_BASE))
    assert (left, right) == (edwards.encode(point), edwards.encode(other))
    negative = (edwards.PRIME - other[0], other[1])
    assert group.add(left, right) == edwards.encode(edwards.add(point, other))
    assert group.subtract(left, right) == edwards.encode(edwards.add(point, negative))


@given(numbers, numbers)
def test_scalars_are_numbers_modulo_the_order(one, two):
    assert group.add_scalars(scalar(one), scalar(two)) == scalar(one + two)
    assert group.multiply_scalars(scalar(one), scalar(two)) == scalar(one * two)
    assert group.reduce(one.to_bytes(32, "little") + two.to_bytes(32, "little")) == scalar(one + (two << 256))


@given(numbers)
def test_neutral_element_is_a_result_like_any_other(number):
    point = group.multiply(scalar(number), group.BASE)
    assert group.multiply(group.ZERO, point) == group.IDENTITY
    assert group.multiply(scalar(number), group.IDENTITY) == group.IDENTITY
    assert group.subtract(point, point) == group.IDENTITY
    assert group.add(point, group.IDENTITY) == point


def test_second_base_is_what_its_seed_gives():
    for counter in range(256):
        point = edwards.decode(hashlib.sha256(group.SECOND_BASE_SEED + bytes([counter])).digest())
        if point is not None:
            break
    assert edwards.encode(edwards.multiply(8, point)) == group.SECOND_BASE
    assert edwards.multiply(group.ORDER, edwards.decode(group.SECOND_BASE)) == edwards.NEUTRAL
    assert group.SECOND_BASE not in (group.BASE, group.IDENTITY)


def small_points():
    """The eight points whose order divides the cofactor: the multiples by the order of some point of the curve."""
    for seed in range(1000):
        point = edwards.decode(hashlib.sha256(bytes([seed])).digest())
        small = point and edwards.multiply(group.ORDER, point)
        if small and edwards.multiply(4, small) != edwards.NEUTRAL:
            return [edwards.multiply(factor, small) for factor in range(8)]
    raise AssertionError


def test_points_with_a_small_component_are_refused():
    # The one of order 2, added to a point of the group, passes in libsodium before CVE-2025-69277 was fixed.
    small = small_points()
    assert len(set(small)) == 8
    point = edwards.multiply(7, BASE)
    group.read_point(edwards.encode(point))
    for other in small:
        for refused in {other, edwards.add(point, other)} - {point}:
            with pytest.raises(InvalidProofError, match="not a point"):
                group.read_point(edwards.encode(refused))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(31),
        group.BASE + b"\x00",
        bytes(32),
        b"\xff" * 32,
        (edwards.PRIME + 1).to_bytes(32, "little"),
        (edwards.PRIME + 3).to_bytes(32, "little"),
        (1 | 1 << 255).to_bytes(32, "little"),
        (2).to_bytes(32, "little"),
    ],
)
def test_points_in_another_spelling_are_refused(data):
    with pytest.raises(InvalidProofError):
        group.read_point(data)


@given(st.binary(min_size=32, max_size=32))
@settings(max_examples=50)
def test_bytes_are_a_point_exactly_if_the_curve_says_so(data):
    point = edwards.decode(data)
    wanted = point is not None and point != edwards.NEUTRAL and edwards.multiply(group.ORDER, point) == edwards.NEUTRAL
    try:
        group.read_point(data)
    except InvalidProofError:
        assert not wanted
    else:
        assert wanted


@pytest.mark.parametrize("number", [group.ORDER, group.ORDER + 1, 2**256 - 1, 2**252 * 8])
def test_scalars_not_below_the_order_are_refused(number):
    with pytest.raises(InvalidProofError, match="below the order"):
        group.read_scalar(number.to_bytes(32, "little"))


def test_scalars_below_the_order_are_taken():
    for number in (0, 1, group.ORDER - 1):
        assert group.read_scalar(number.to_bytes(32, "little")) == scalar(number)
    with pytest.raises(InvalidProofError):
        group.read_scalar(bytes(33))
