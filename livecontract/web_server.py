"""The web server: knows who asks, hands over to the services, and answers errors in one form.

Every request is signed (RFC 9421) unless the view it goes to has the attribute `public`; see `public`. The signer
stands in `flask.g.caller`, the id of the request in `flask.g.request_id`. What a caller may do, the services decide.
"""

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import structlog
from flask import Blueprint, Flask, Request, Response, current_app, g, jsonify, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

import livecontract
from eventchain.core import problem, strict_json
from eventchain.core.errors import LiveContractError, TooLargeError, UnauthenticatedError
from eventchain.core.keys import PublicKey, Random
from livecontract import openapi
from livecontract.cors import Cors
from livecontract.errors import OverloadedError, TooFastError
from livecontract.gates import RETRY_SECONDS, Gate

_View = TypeVar("_View", bound=Callable[..., Any])

_LOG = structlog.get_logger(__name__)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_REQUEST_ID_BYTES = 8
_PASSED_ON = ("allow", "retry-after", "location")

_DOCUMENT_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; worker-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""Pages bring everything along: nothing inline, nothing evaluated, nothing from elsewhere."""

_SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""Set where the view did not choose otherwise."""

_HSTS = "max-age=31536000"
"""A year, where the node is reached by https: browsers then never try http (RFC 6797)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What the node says of itself at `/`.

    Attributes:
        name: Of the organisation.
        url: Where it is reached.
        network: Letter of the public network.
        system_key: The node's public sign key, base58.
        node: Where other nodes send events, where that is not `url`.
    """

    name: str
    url: str
    network: str
    system_key: str
    node: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, with the members of the LTO services."""
        return {
            "name": self.name,
            "version": livecontract.__version__,
            "description": "A node for live contracts",
            "env": self.network,
            "url": self.url,
            "signkey": self.system_key,
            "node": self.node or self.url,
        }


class RequestObserver(Protocol):
    """Is told of every request: metrics, traces."""

    def started(self, request: Request) -> None:
        """A request has come in; nothing is known of its sender."""

    def finished(self, request: Request, status: int, seconds: float) -> None:
        """It was answered: the headers are there, a stream's body is not."""


def public(view: _View) -> _View:
    """Mark a view as open to requests that nobody signed."""
    view.public = True  # type: ignore[attr-defined]  # functions take attributes
    return view


def create_app(
    blueprints: Iterable[Blueprint],
    *,
    about: About,
    authenticate: Callable[[Request], PublicKey],
    max_request_bytes: int = strict_json.MAX_BYTES,
    checks: Mapping[str, Callable[[], None]] | None = None,
    random: Random = os.urandom,
    before: Sequence[Gate] = (),
    after: Sequence[Gate] = (),
    cors: Cors | None = None,
    observers: Sequence[RequestObserver] = (),
) -> Flask:
    """Put the services behind one web server.

    Args:
        blueprints: The routes of the services.
        about: What `/` answers.
        authenticate: Returns who signed a request, or raises; see `livecontract.authentication`.
        max_request_bytes: Bodies beyond are refused before they are read.
        checks: By name, what has to work for the node to be ready; each raises if it does not.
        random: For request ids.
        before: What a request passes before its signature is checked (`livecontract.gates`).
        after: What it passes then.
        cors: Which web pages may use it; by default none.
        observers: Told of every request.
    """
    cross_origin = cors or Cors()
    app = Flask("livecontract", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it; states keep their order
    app.config["MAX_CONTENT_LENGTH"] = max_request_bytes
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False

    @app.before_request
    def identify() -> Response | None:
        g.started = time.perf_counter()
        g.request_id = _request_id(random)
        g.caller = None
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)
        for observer in observers:
            observer.started(request)
        try:
            _pass_all(before)
            if answer := cross_origin.preflight(request):
                return answer
            if request.routing_exception is None and not _is_public(request):
                g.caller = authenticate(request)
            _pass_all(after)
        except (OverloadedError, TooFastError) as error:  # here, so that every service's routes answer it alike
            return _answer_error(error)
        return None

    @app.after_request
    def complete(response: Response) -> Response:
        _secure(response, about.url)
        cross_origin.complete(request, response)
        response.headers["X-Request-Id"] = _current_id()
        if response.status_code in (429, 503):
            response.headers.setdefault("Retry-After", str(RETRY_SECONDS))
        seconds = time.perf_counter() - g.started
        for observer in observers:
            observer.finished(request, response.status_code, seconds)
        _LOG.debug("request", **_log_fields(), status=response.status_code, took_ms=round(seconds * 1000, 1))
        return response

    app.register_error_handler(LiveContractError, _answer_error)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(Exception, _answer_unexpected)
    app.register_blueprint(_core_routes(about, checks or {}))
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    return app


def read_json() -> Any:
    """Return the strict JSON of the present request.

    Raises:
        InvalidJsonError: It is not; see `eventchain.core.strict_json`.
        TooLargeError: Over the limit of this node.
    """
    return strict_json.parse(request.get_data(), max_bytes=current_app.config["MAX_CONTENT_LENGTH"])


def caller() -> PublicKey:
    """Return who signed the present request.

    Raises:
        UnauthenticatedError: Nobody; the view is public.
    """
    key = g.get("caller")
    if not isinstance(key, PublicKey):
        raise UnauthenticatedError("the request is not signed")
    return key


def problem_response(document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """Return a problem document (RFC 9457) as an answer of its status."""
    response = jsonify(document)
    response.status_code = document["status"]
    response.content_type = problem.CONTENT_TYPE
    response.headers.update(headers or {})
    return response


def _core_routes(about: About, checks: Mapping[str, Callable[[], None]]) -> Blueprint:
    blueprint = Blueprint("node", __name__)

    @blueprint.get("/")
    @public
    def describe() -> dict[str, Any]:
        """Return what this node is: name, version, network, URL and public key."""
        return about.to_dict()

    @blueprint.get("/healthz")
    @public
    def health() -> dict[str, Any]:
        """Return that the process answers."""
        return {"status": "alive"}

    @blueprint.get("/readyz")
    @public
    def readiness() -> tuple[dict[str, Any], int]:
        """Return whether everything the node needs works; why not stands in its log alone."""
        results = {name: _passes(name, check) for name, check in checks.items()}
        ready = all(results.values())
        names = {name: "ok" if passed else "failed" for name, passed in results.items()}
        return {"status": "ready" if ready else "not ready", "checks": names}, 200 if ready else 503

    @blueprint.get("/openapi.json")
    @public
    def description() -> dict[str, Any]:
        """Return the OpenAPI document."""
        return openapi.load()

    return blueprint


def _pass_all(gates: Iterable[Gate]) -> None:
    for gate in gates:
        gate(request)


def _secure(response: Response, url: str) -> None:
    is_page = response.mimetype == "text/html"
    response.headers.setdefault("Content-Security-Policy", _PAGE_POLICY if is_page else _DOCUMENT_POLICY)
    for name, value in _SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if url.startswith("https:"):
        response.headers.setdefault("Strict-Transport-Security", _HSTS)


def _passes(name: str, check: Callable[[], None]) -> bool:
    try:
        check()
    except Exception as error:  # whatever goes wrong in a check is its result  # noqa: BLE001
        _LOG.warning("not ready", check=name, error=str(error))
        return False
    return True


def _is_public(incoming: Request) -> bool:
    view = current_app.view_functions.get(incoming.endpoint or "")
    return getattr(view, "public", False) is True


def _request_id(random: Random) -> str:
    """Return the id a proxy gave the request, if it is harmless, or a new one."""
    given = request.headers.get("X-Request-Id", "")
    return given if _REQUEST_ID.fullmatch(given) else random(_REQUEST_ID_BYTES).hex()


def _current_id() -> str:
    return str(g.get("request_id", ""))


def _log_fields() -> dict[str, Any]:
    key = g.get("caller")
    return {
        "request_id": _current_id(),
        "method": request.method,
        "path": request.path,
        "caller": str(key) if key else None,
    }


def _answer_error(error: LiveContractError) -> Response:
    document = problem.to_dict(error)
    if document["status"] >= 500:
        _LOG.warning("answered with an error", **_log_fields(), error=str(error))
    headers = {"WWW-Authenticate": 'Signature realm="livecontract"'} if document["status"] == 401 else {}
    if isinstance(error, (OverloadedError, TooFastError)):
        headers["Retry-After"] = str(error.retry_after)
    return problem_response(document, headers)


def _answer_http_error(error: HTTPException) -> Response:
    """Answer what the framework refuses: unknown paths, wrong methods, bodies that are too large."""
    if isinstance(error, RequestEntityTooLarge):
        limit = current_app.config["MAX_CONTENT_LENGTH"]
        return _answer_error(TooLargeError(f"the request is larger than {limit} bytes", hint="Send it in parts."))
    status = error.code or 500
    headers = {name: value for name, value in error.get_headers() if name.lower() in _PASSED_ON}
    title = error.name
    return problem_response(
        {"type": "about:blank", "title": title, "status": status, "detail": error.description or title}, headers
    )


def _answer_unexpected(error: Exception) -> Response:
    """Answer a mistake of ours; what happened stands in the log, under the id of the request."""
    _LOG.error("unexpected error", **_log_fields(), exc_info=error)
    return problem_response(
        {
            "type": "urn:livecontract:error:Internal",
            "title": "Internal error",
            "status": 500,
            "detail": "the node made a mistake",
            "hint": f"Tell its operator the request id: {_current_id()}",
        }
    )
