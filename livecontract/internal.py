"""What a service that runs apart lets in: requests of its own node, proven by the node's key.

The web server is the only public face. It asks the services in its turn, signs each request with the node's system
key, and names who asked from outside in a header that the signature covers. So a service believes that header, and
only there: a request without the node's signature is refused whatever it says. A request without the header is one of
the services themselves, and only such a request reaches the routes under `/internal`.
"""

import threading

from flask import Blueprint, Flask, Request, g, request

from eventchain.core.clock import Clock
from eventchain.core.errors import ForbiddenError
from eventchain.core.http_signatures import NonceMemory
from eventchain.core.keys import PublicKey
from livecontract.authentication import Authenticator
from livecontract.errors import OverloadedError

CALLER = "livecontract-caller"
"""Header: the public key (base58) that signed the request at the web server."""

_BUSY_SECONDS = 1


class InternalAuthenticator:
    """Checks that a request is one of this node's own, and says on whose behalf it is."""

    def __init__(self, own_url: str, key: PublicKey, clock: Clock, nonces: NonceMemory) -> None:
        """Take the URL under which the services reach this one, and the node's system key."""
        self._key = key
        self._authenticate = Authenticator(own_url, clock, _OwnNonces(key, nonces), (CALLER,))

    def __call__(self, incoming: Request) -> PublicKey:
        """Return the key of the outside caller, or the node's where a service asks for itself.

        Raises:
            UnauthenticatedError: The request is not signed, or not for this service, now and once.
            ForbiddenError: Another key signed it.
            InvalidKeyError: The caller it names is no public key.
        """
        signer = self._authenticate(incoming)
        caller = incoming.headers.get(CALLER)
        return signer if caller is None else PublicKey.parse(caller)


class _OwnNonces:
    """Remembers the nonces of one key, and refuses all others before anything is kept of them."""

    def __init__(self, key: PublicKey, nonces: NonceMemory) -> None:
        self._key = str(key)
        self._nonces = nonces

    def remember(self, key: str, nonce: str, expires: int) -> bool:
        """See `eventchain.core.http_signatures.NonceMemory`."""
        if key != self._key:
            raise ForbiddenError(
                "this service answers the other services of its node", hint="Send it to the URL of the node."
            )
        return self._nonces.remember(key, nonce, expires)


def guard(blueprint: Blueprint) -> Blueprint:
    """Close internal routes to everything that comes on behalf of somebody outside."""

    @blueprint.before_request
    def refuse_outsiders() -> None:
        if CALLER in request.headers:
            raise ForbiddenError("there is nothing for callers from outside here")

    return blueprint


class Reserve:
    """Keeps threads free for the other services, whose requests those of people wait for.

    Services ask each other while they answer. If people's requests held every thread of two services, each of them
    would wait for an answer of the other. So a service answers a limited number of them at once.
    """

    def __init__(self, at_once: int) -> None:
        """Let in so many requests from outside at once."""
        self._left = threading.BoundedSemaphore(at_once)

    def install(self, app: Flask) -> None:
        """Count the requests of an application."""

        @app.teardown_request
        def leave(_error: BaseException | None) -> None:
            if g.pop("has_place", False):
                self._left.release()

    def enter(self, incoming: Request) -> None:
        """Take a place for a request from outside, to be given back when it was answered.

        Raises:
            OverloadedError: There is none now.
        """
        if CALLER not in incoming.headers:
            return
        if not self._left.acquire(blocking=False):
            raise OverloadedError("the service has no thread to spare", retry_after=_BUSY_SECONDS)
        g.has_place = True
