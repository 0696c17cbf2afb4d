"""How often somebody may ask: a token bucket for each, bounded in memory whoever comes with how many names.

A bucket is one number, the moment at which it would be full again (the generic cell rate algorithm of ITU-T I.371): a
request moves it on by one interval, and is refused when that lies more than a burst ahead. When there are too many
buckets, the one that was not used for longest goes; the next request of that name starts with a full one, which gives
an attacker no more than as many names as buckets would.
"""

import ipaddress
import threading
from collections import OrderedDict

from eventchain.core.clock import Clock

BURST_SECONDS = 10
"""A full bucket holds what comes in this time at the steady rate."""

MAX_BUCKETS = 10_000
"""Names remembered at once: some 2 MB."""

_IPV6_PREFIX = 64
"""Bits that name a customer; the rest of an address costs nothing to change (RFC 6177)."""

_MICRO = 1_000
"""Microseconds in a millisecond: buckets count finer than the clock."""


class Buckets:
    """One bucket for each name. Safe from many threads."""

    def __init__(self, rate: int, clock: Clock, *, most: int = MAX_BUCKETS) -> None:
        """Allow `rate` requests a second to each name, and bursts of `BURST_SECONDS` times that; 0 for no limit."""
        self._interval = 1_000_000 // rate if rate else 0
        self._depth = self._interval * rate * BURST_SECONDS
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._full_at: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        """Return how many names are remembered."""
        return len(self._full_at)

    def take(self, name: str) -> int:
        """Take one token of a name, and return 0; without one, return after how many seconds there is one again."""
        if not self._interval:
            return 0
        now = self._clock() * _MICRO
        with self._lock:
            full_at = max(self._full_at.pop(name, now), now)
            full_at = min(full_at, now + self._depth)  # a clock that was set back locks nobody out
            missing = full_at + self._interval - now - self._depth
            self._full_at[name] = full_at if missing > 0 else full_at + self._interval
            if len(self._full_at) > self._most:
                self._full_at.popitem(last=False)
        return -(-missing // 1_000_000) if missing > 0 else 0


def client_address(peer: str, forwarded_for: str | None, proxies: int) -> str:
    """Return the address a request came from.

    Args:
        peer: The other end of the connection.
        forwarded_for: The header X-Forwarded-For, to which every proxy adds who asked it.
        proxies: How many proxies of ours stand before the node; what lies further left anybody may have written.
    """
    if not proxies or not forwarded_for:
        return peer
    hops = [hop.strip() for hop in forwarded_for.split(",")]
    found = _without_port(hops[-min(proxies, len(hops))])
    return found if _parse(found) else peer


def bucket_name(address: str) -> str:
    """Return what an address is counted by: itself, or the /64 of IPv6."""
    parsed = _parse(address)
    if parsed is None:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), _IPV6_PREFIX), strict=False))


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own."""
    parsed = _parse(address)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return parsed is not None and parsed.is_loopback


def _parse(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None


def _without_port(hop: str) -> str:
    """Return the address in `192.0.2.1:1234`, `[2001:db8::1]:1234` or the plain forms of both."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
