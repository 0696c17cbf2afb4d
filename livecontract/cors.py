"""Which web pages of other origins may use this node from a browser (Fetch standard, section 3.2).

Nothing here keeps anybody out but browsers: what a caller may do, its signature decides. There are no cookies, so
credentials are never allowed.
"""

from collections.abc import Collection

from flask import Request, Response

METHODS = "GET, POST, DELETE"
ALLOWED = "Content-Type, Content-Digest, Signature, Signature-Input, If-None-Match, Last-Event-ID, X-Request-Id"
EXPOSED = "ETag, Link, Location, X-Request-Id, Retry-After"
MAX_AGE = 600
"""Seconds a browser remembers the answer to a preflight."""


class Cors:
    """Answers browsers for a fixed set of origins."""

    def __init__(self, origins: Collection[str] = ()) -> None:
        """Allow these origins: scheme, host and port as browsers write them, such as `https://app.example`."""
        self._origins = frozenset(origins)

    def preflight(self, request: Request) -> Response | None:
        """Return the answer to a browser that asks whether it may send a request; None if this is no such question."""
        if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers:
            return None
        response = Response(status=204)
        if request.headers.get("Origin") in self._origins:
            response.headers["Access-Control-Allow-Methods"] = METHODS
            response.headers["Access-Control-Allow-Headers"] = ALLOWED
            response.headers["Access-Control-Max-Age"] = str(MAX_AGE)
        return response

    def complete(self, request: Request, response: Response) -> None:
        """Let the page that asked read an answer, if its origin is allowed."""
        if not self._origins:
            return
        response.vary.add("Origin")
        origin = request.headers.get("Origin")
        if origin in self._origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = EXPOSED
