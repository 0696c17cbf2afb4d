"""What a request has to pass before it costs anything: rate limits, and back-pressure when the queues are long.

Each gate is called with the request and raises, or lets it pass; `web_server.create_app` takes those that come before
the signature is checked, and those that come after it, when `flask.g.caller` is known. Any service can use them.
"""

import math
import threading
from collections.abc import Callable, Sequence

from flask import Request, g

from dispatcher.broker import Broker
from eventchain.core.clock import Clock
from eventchain.core.errors import LiveContractError
from livecontract.errors import OverloadedError, TooFastError
from livecontract.limits import Buckets, bucket_name, client_address, is_loopback

PROBES = ("/healthz", "/readyz", "/metrics")
"""Paths that this machine's own supervisor may ask as often as it likes."""

ADDS_EVENTS = ("/queue", "/event-chains", "/invitations")
"""What is posted there becomes events of a chain, or messages."""

NOT_COUNTED = ("relay", "asks")
"""Queues whose length says nothing about this node: what waits there waits for other nodes, which may be away."""

RETRY_SECONDS = 5
"""When to come back after a long queue; working off 10,000 events takes about as long."""

_DEPTH_MS = 1_000
"""How old the known depth of the queues may be."""


class RateLimits:
    """Refuses who asks too often: by address before the costly signature check, by key after it."""

    def __init__(self, clock: Clock, *, by_key: int, by_address: int, proxies: int = 0) -> None:
        """Allow so many requests a second, with bursts; 0 for no limit. Proxies: see `limits.client_address`."""
        self._keys = Buckets(by_key, clock)
        self._addresses = Buckets(by_address, clock)
        self._proxies = proxies

    def by_address(self, request: Request) -> None:
        """Count the request for the address it came from.

        Raises:
            TooFastError: That address sent too many.
        """
        address = address_of(request, self._proxies)
        if is_loopback(address) and request.path in PROBES:
            return
        self._check(self._addresses, bucket_name(address), "from this address")

    def by_key(self, _request: Request) -> None:
        """Count the request for the key that signed it.

        Raises:
            TooFastError: That key signed too many.
        """
        if g.caller is not None:
            self._check(self._keys, str(g.caller), "signed with this key")

    def _check(self, buckets: Buckets, name: str, whose: str) -> None:
        if seconds := buckets.take(name):
            raise TooFastError(f"too many requests {whose}", retry_after=seconds)


class BackPressure:
    """Refuses new events while the queues are long or away; reading goes on."""

    def __init__(self, broker: Broker, queues: Sequence[str], limit: int, clock: Clock) -> None:
        """Look at these queues, at most once a second; 0 for no limit."""
        self._broker = broker
        self._queues = [queue for queue in queues if queue not in NOT_COUNTED]
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._asked = -_DEPTH_MS
        self._waiting: float = 0

    def __call__(self, request: Request) -> None:
        """Let a request pass that adds nothing, or for whose events there is room.

        Raises:
            OverloadedError: There is none now.
        """
        if not self._limit or not adds_events(request.method, request.path):
            return
        waiting = self._longest()
        if waiting == math.inf:
            raise OverloadedError("the queue does not answer now", retry_after=RETRY_SECONDS)
        if waiting > self._limit:
            raise OverloadedError("too many events wait here already", retry_after=RETRY_SECONDS)

    def _longest(self) -> float:
        """Return how many messages wait in the longest queue; infinitely many where the broker does not answer.

        One thread asks, and the others go by what is known.
        """
        if abs(self._clock() - self._asked) >= _DEPTH_MS and self._lock.acquire(blocking=False):
            try:
                self._waiting = max((self._broker.depth(queue).waiting for queue in self._queues), default=0)
            except LiveContractError:
                self._waiting = math.inf
            finally:
                self._asked = self._clock()
                self._lock.release()
        return self._waiting


def adds_events(method: str, path: str) -> bool:
    """Whether a request makes the queues longer."""
    return method == "POST" and path.rstrip("/") in ADDS_EVENTS


def address_of(request: Request, proxies: int = 0) -> str:
    """Return the address a request came from; see `limits.client_address`."""
    return client_address(request.remote_addr or "", request.headers.get("X-Forwarded-For"), proxies)


def is_local(request: Request) -> bool:
    """Whether a request comes from this machine itself, and not through a proxy on it."""
    passed_on = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "Via"))
    return is_loopback(request.remote_addr or "") and not passed_on


Gate = Callable[[Request], None]
"""Raises, or lets a request pass."""
