"""The web server of a node whose services run apart: which request goes to which service, and what is passed on.

A request is authenticated here, by the key of whoever sent it, and goes on signed by the node
(`livecontract.internal`).
Of its headers only those named here go along, so that nobody outside can say anything in the name of the node.
"""

import functools
from collections.abc import Callable, Iterator, Mapping

import urllib3
from flask import Blueprint, Request, Response, g, request
from werkzeug.exceptions import NotFound

from eventchain.core.keys import PublicKey
from livecontract import web_server
from livecontract.authentication import raw_target
from livecontract.service_http import ServiceHttp
from livecontract.streams import Feed, Streams

ROUTES: Mapping[str, str] = {
    "event-chains": "eventchain",
    "identities": "eventchain",
    "doctor": "eventchain",
    "comments": "workflow",
    "processes": "workflow",
    "responses": "workflow",
    "scenarios": "workflow",
    "answers": "workflow",
    "queue": "dispatcher",
    "invitations": "dispatcher",
    "dev": "dispatcher",
    "hash": "anchor",
    "transactions": "anchor",
    "blocks": "anchor",
    "addresses": "anchor",
    "leasing": "anchor",
    "sponsorship": "anchor",
    "node": "anchor",
}
"""First part of the path → the service that answers. What is not here, nobody outside can ask."""

OPEN = ("anchor",)
"""Services that answer unsigned requests too: the public chain is public. Which ones, they know themselves."""

OPEN_PATHS = ("answers",)
"""First parts of paths that are open although others of the same service are not."""

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")

PASSED_ON = (
    *("Accept", "Content-Type", "If-None-Match", "If-Match", "If-Modified-Since", "Last-Event-ID"),
    "Livecontract-Answer-Token",
)
"""Request headers that the service sees. A body comes with its digest, which the node signs anew."""

ANSWERED = (
    *("Content-Type", "Content-Length", "Content-Disposition", "ETag", "Last-Modified", "Link", "Location"),
    *("Allow", "Cache-Control", "Retry-After", "Vary", "WWW-Authenticate", "X-Accel-Buffering"),
)
"""Response headers that the caller sees, beside those the web server sets itself."""

STREAM = "text/event-stream"

_PIECE = 64 * 1024


def create_blueprint(
    services: Mapping[str, ServiceHttp], authenticate: Callable[[Request], PublicKey], streams: Streams
) -> Blueprint:
    """Return the routes that lead to the services.

    Args:
        services: By name.
        authenticate: Returns who signed a request, or raises; for open services, which the web server does not ask for
            a signature, but whose signed requests have to be right too.
        streams: Counts the answers that go on.
    """
    blueprint = Blueprint("proxy", __name__)

    def pass_on(caller: PublicKey | None) -> Response:
        if not {".", ".."}.isdisjoint(request.path.split("/")):
            raise NotFound
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        headers |= {"Accept-Encoding": "identity", "X-Request-Id": g.request_id}
        service = services[ROUTES[request.path.split("/")[1]]]
        found = service.open(request.method, raw_target(request), request.get_data(), headers, caller)
        return _answer(found, str(caller), streams)

    def closed(**_path: str) -> Response:
        """Pass a signed request on."""
        return pass_on(g.caller)

    @web_server.public
    def opened(**_path: str) -> Response:
        """Pass a request on that need not be signed."""
        is_signed = "Signature" in request.headers or "Signature-Input" in request.headers
        return pass_on(authenticate(request) if is_signed else None)

    for first, service in ROUTES.items():
        name, view = ("opened", opened) if service in OPEN or first in OPEN_PATHS else ("closed", closed)
        for path in (f"/{first}", f"/{first}/<path:rest>"):
            blueprint.add_url_rule(path, name, view, methods=METHODS)
    return blueprint


def _answer(found: urllib3.BaseHTTPResponse, caller: str, streams: Streams) -> Response:
    """Return the answer of a service; its body goes through piece by piece, as it comes."""
    headers = [(name, found.headers[name]) for name in ANSWERED if name in found.headers]
    leave: Callable[[], None] = found.close
    if found.headers.get("Content-Type", "").startswith(STREAM):
        feed: Feed[str] = Feed()
        try:
            streams.enter(feed, caller)
        except BaseException:
            found.close()
            raise
        leave = functools.partial(_leave, found, feed, streams)
    response = Response(_body(found), status=found.status, headers=headers)
    response.call_on_close(leave)
    return response


def _leave(found: urllib3.BaseHTTPResponse, feed: Feed[str], streams: Streams) -> None:
    found.close()
    streams.leave(feed)


def _body(found: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Yield the body; one that breaks off here breaks off for the caller too, who sees that it is not whole."""
    yield from found.stream(_PIECE, decode_content=False)
    found.release_conn()
