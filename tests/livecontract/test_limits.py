"""Token buckets: the rate that is allowed, the burst before it, and a memory that nobody makes grow."""

import ipaddress
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecontract.limits import BURST_SECONDS, Buckets, bucket_name, client_address, is_loopback


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now


def taken(buckets: Buckets, name: str, times: int) -> int:
    return sum(buckets.take(name) == 0 for _ in range(times))


def test_a_burst_is_allowed_and_then_the_steady_rate() -> None:
    clock = Clock()
    buckets = Buckets(5, clock)
    assert taken(buckets, "a", 100) == 5 * BURST_SECONDS
    clock.now += 1_000
    assert taken(buckets, "a", 100) == 5
    clock.now += 3_600_000
    assert taken(buckets, "a", 100) == 5 * BURST_SECONDS


def test_names_do_not_take_from_each_other() -> None:
    buckets = Buckets(1, Clock())
    assert taken(buckets, "a", 100) == BURST_SECONDS
    assert taken(buckets, "b", 100) == BURST_SECONDS


def test_who_waits_as_long_as_told_is_let_in() -> None:
    clock = Clock()
    buckets = Buckets(2, clock)
    taken(buckets, "a", 100)
    seconds = buckets.take("a")
    assert seconds == 1
    clock.now += seconds * 1_000
    assert buckets.take("a") == 0


def test_asking_in_vain_does_not_make_the_wait_longer() -> None:
    clock = Clock()
    buckets = Buckets(1, clock)
    taken(buckets, "a", 1_000)
    clock.now += 1_000
    assert buckets.take("a") == 0


def test_no_rate_is_no_limit() -> None:
    buckets = Buckets(0, Clock())
    assert taken(buckets, "a", 10_000) == 10_000
    assert len(buckets) == 0


@given(st.lists(st.integers(min_value=-10_000_000, max_value=5_000), max_size=60), st.integers(1, 1_000_000))
def test_whatever_the_clock_does_nobody_waits_longer_than_a_whole_burst(steps: list[int], rate: int) -> None:
    clock = Clock()
    buckets = Buckets(rate, clock)
    for step in steps:
        clock.now += step
        assert buckets.take("a") <= BURST_SECONDS + 1
    clock.now += BURST_SECONDS * 1_000
    assert buckets.take("a") == 0


@given(st.lists(st.integers(0, 3_000), min_size=1, max_size=200), st.integers(1, 20))
def test_no_more_than_burst_and_rate_is_ever_let_in(steps: list[int], rate: int) -> None:
    clock = Clock()
    buckets = Buckets(rate, clock)
    begun, let_in = clock.now, 0
    for step in steps:
        clock.now += step
        let_in += taken(buckets, "a", 30)
    assert let_in <= rate * BURST_SECONDS + rate * (clock.now - begun) / 1_000 + 1


def test_many_names_take_no_more_memory_than_the_most_there_may_be() -> None:
    buckets = Buckets(1, Clock(), most=1_000)
    for number in range(1_000):
        buckets.take(f"name {number:09}")
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(1_000, 50_000):
        buckets.take(f"name {number:09}")
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(buckets) == 1_000
    assert after - before < 500_000


def test_the_name_that_was_not_used_for_longest_is_forgotten() -> None:
    buckets = Buckets(1, Clock(), most=2)
    taken(buckets, "busy", 100)
    taken(buckets, "idle", 100)
    buckets.take("busy")
    buckets.take("new")
    assert buckets.take("busy") > 0
    assert buckets.take("idle") == 0


@pytest.mark.parametrize(
    ("forwarded", "proxies", "found"),
    [
        (None, 1, "10.0.0.1"),
        ("203.0.113.7", 0, "10.0.0.1"),
        ("203.0.113.7", 1, "203.0.113.7"),
        ("1.2.3.4, 203.0.113.7", 1, "203.0.113.7"),
        ("1.2.3.4, 203.0.113.7", 2, "1.2.3.4"),
        ("203.0.113.7", 3, "203.0.113.7"),
        ("203.0.113.7:4711", 1, "203.0.113.7"),
        ("[2001:db8::1]:4711", 1, "2001:db8::1"),
        ("2001:db8::1", 1, "2001:db8::1"),
        ("unknown", 1, "10.0.0.1"),
        ("", 1, "10.0.0.1"),
        ("203.0.113.7,", 1, "10.0.0.1"),
    ],
)
def test_the_client_is_whom_the_trusted_proxies_name(forwarded: str | None, proxies: int, found: str) -> None:
    assert client_address("10.0.0.1", forwarded, proxies) == found


def test_a_network_of_ipv6_counts_as_one() -> None:
    assert bucket_name("2001:db8:1:2::1") == bucket_name("2001:db8:1:2:ffff:ffff:ffff:ffff")
    assert bucket_name("2001:db8:1:2::1") != bucket_name("2001:db8:1:3::1")
    assert bucket_name("192.0.2.1") != bucket_name("192.0.2.2")
    assert bucket_name("::ffff:192.0.2.1") == "192.0.2.1"
    assert bucket_name("fe80::1%eth0") == bucket_name("fe80::2%eth1")


@given(st.text(max_size=60))
def test_whatever_stands_for_an_address_names_few_buckets(text: str) -> None:
    name = bucket_name(text)
    assert name == "unknown" or ipaddress.ip_network(name, strict=False)
    assert client_address("10.0.0.1", text, 1)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_known(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["10.0.0.1", "2001:db8::1", "::ffff:10.0.0.1", "", "localhost"])
def test_other_machines_are_known(address: str) -> None:
    assert not is_loopback(address)
