"""The link between two namespaces does what it says, or the tests over it would show nothing."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.network.conftest import ADDRESSES, Network
from tests.network.link import CUT, GOOD, Quality
from tests.network.namespaces import Namespace

pytestmark = pytest.mark.slow

PORT = 9000
SENT = 400


class Ends:
    """A UDP socket at each end."""

    def __init__(self, network: Network) -> None:
        self.first = self._bind(network.first, ADDRESSES[0])
        self.second = self._bind(network.second, ADDRESSES[1])

    @staticmethod
    def _bind(space: Namespace, address: str) -> socket.socket:
        with space.inside():
            end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        end.bind((address, PORT))
        end.settimeout(10)
        return end

    def there(self, text: bytes) -> None:
        self.first.sendto(text, (ADDRESSES[1], PORT))

    def back(self, text: bytes) -> None:
        self.second.sendto(text, (ADDRESSES[0], PORT))

    def close(self) -> None:
        self.first.close()
        self.second.close()


@pytest.fixture
def ends(network: Network) -> Ends:
    return Ends(network)


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_good_link_carries_both_ways(network: Network, ends: Ends) -> None:
    ends.there(b"ping")
    assert ends.second.recv(100) == b"ping"
    ends.back(b"pong")
    assert ends.first.recv(100) == b"pong"
    ends.close()


def test_cut_link_carries_nothing_until_it_is_mended(network: Network, ends: Ends) -> None:
    network.link.set(CUT)
    ends.there(b"lost")
    ends.back(b"lost")
    wait_until(lambda: network.link.there.dropped > 0 and network.link.back.dropped > 0)
    network.link.set(GOOD)
    ends.there(b"there")
    ends.back(b"back")
    assert (ends.second.recv(100), ends.first.recv(100)) == (b"there", b"back")
    ends.close()


def test_one_way_link_carries_one_way(network: Network, ends: Ends) -> None:
    network.link.set(GOOD, CUT)
    ends.back(b"lost")
    ends.there(b"there")
    assert ends.second.recv(100) == b"there"
    wait_until(lambda: network.link.back.dropped > 0)
    network.link.set(GOOD)
    ends.back(b"back")
    assert ends.first.recv(100) == b"back"
    ends.close()


def test_lossy_link_loses_its_share(network: Network, ends: Ends) -> None:
    network.link.set(Quality(loss=0.3))
    for _ in range(SENT):
        ends.there(b"x")
    there = network.link.there
    wait_until(lambda: there.carried + there.dropped >= SENT)
    assert 0.15 < there.dropped / SENT < 0.45
    ends.close()


def test_slow_link_takes_its_time_and_keeps_the_order(network: Network, ends: Ends) -> None:
    network.link.set(Quality(delay=0.3))
    started = time.monotonic()
    ends.there(b"1")
    ends.there(b"2")
    assert (ends.second.recv(100), ends.second.recv(100)) == (b"1", b"2")
    assert time.monotonic() - started >= 0.3
    ends.close()


def test_narrow_link_holds_up_and_then_drops(network: Network, ends: Ends) -> None:
    network.link.set(Quality(rate=5_000))
    started = time.monotonic()
    for _ in range(30):
        ends.there(bytes(972))  # 1,000 with the headers of IP and UDP
    there = network.link.there
    wait_until(lambda: there.carried >= 5)
    assert time.monotonic() - started >= 0.8
    assert there.dropped > 10
    ends.close()


def namespace_now() -> Path:
    return Path("/proc/thread-self/ns/net").readlink()


def test_nothing_of_it_is_seen_outside(network: Network) -> None:
    assert "link" not in {name for _, name in socket.if_nameindex()}
    with network.first.inside():
        assert {name for _, name in socket.if_nameindex()} == {"lo", "link"}
    before = namespace_now()
    with network.second.inside():
        assert namespace_now() != before
    assert namespace_now() == before
