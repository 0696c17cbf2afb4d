"""Who sent a request: the key that signed it, for the URL that this node knows itself by."""

import io
import re
from collections.abc import Collection

from flask import Request

from eventchain.core.clock import Clock
from eventchain.core.errors import InvalidError
from eventchain.core.http_signatures import NonceMemory, verify_request
from eventchain.core.keys import PublicKey

_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


class Authenticator:
    """Checks the signature of each request (`eventchain.core.http_signatures`)."""

    def __init__(self, public_url: str, clock: Clock, nonces: NonceMemory, fields: Collection[str] = ()) -> None:
        """Make one.

        Args:
            public_url: Under which this node is reached, without a slash at the end.
            clock: Milliseconds since 1970.
            nonces: Which nonces were used before.
            fields: Header fields that have to be covered where they come; see `verify_request`.
        """
        self._public_url = public_url
        self._clock = clock
        self._nonces = nonces
        self._fields = fields

    def __call__(self, request: Request) -> PublicKey:
        """Return the key that signed a request.

        Raises:
            UnauthenticatedError: None did, or not this request, for this node, now and once.
            InvalidError: The request line has a form whose meaning is not certain.
        """
        body = request.get_data()
        request.stream = io.BytesIO(body)  # views may read it as a stream all the same
        return verify_request(
            request.method,
            self._public_url + raw_target(request),
            dict(request.headers),
            body,
            now=self._clock() // 1000,
            nonces=self._nonces,
            fields=self._fields,
        )


def raw_target(request: Request) -> str:
    """Return path and query as they came over the wire: escapes are part of what was signed.

    The host that an absolute request line or a Host header names is left out; the verifier puts its own there.

    Raises:
        InvalidError: It does not start with a slash, or has a fragment.
    """
    target = _ORIGIN.sub("", str(request.environ["REQUEST_URI"]), count=1)
    if not target.startswith("/") or "#" in target:
        raise InvalidError("the request line should name a path that starts with / and has no fragment")
    return target
