"""System actions that make HTTP requests (reference: the http trigger).

```
{ "url", "method"? = "GET", "query"?: {…}, "headers"?: {…}, "auth"?: {"username", "password"},
  "data"?, "requests"?: { name: {…} } | [ {…} ] }
```

Data is sent as text when it is text, as `application/x-www-form-urlencoded` or `multipart/form-data` when the headers
say so, else as JSON. What comes back: 2xx is `ok` with the body (JSON where it says to be, else text); 202 means that
the other side answers later, at the address and with the token in two headers of the request; any other status is
`error` with the body, or the response that is named like the status, where the action has one; 5xx and failures are
`error` with "Unexpected error".

With `requests`, each is merged over the rest of the action, all are made at once, and the data is a map of what they
brought, with failures under `:errors`; one failure makes the whole an `error`.
"""

import base64
import binascii
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import structlog

from eventchain.core import canonical_json, strict_json
from eventchain.core.errors import InvalidError
from workflow_engine.errors import InvalidInstructionError, TriggerError
from workflow_engine.operators.values import text_of
from workflow_engine.ports import Answering, HttpClient, HttpRequest, HttpResponse
from workflow_engine.triggers import ERROR, OK, Call, Outcome

UNEXPECTED = "Unexpected error"
"""All that the chain is told of a failure; the reason, which may be of this node's network, goes to its log."""

MAX_REQUESTS = 16
"""Requests of one action."""

log = structlog.get_logger(__name__)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
ANSWER_TO = "Livecontract-Answer-To"
ANSWER_TOKEN = "Livecontract-Answer-Token"  # noqa: S105 (a name)
"""Headers that tell an outside party where to answer later, and with what."""

_OWN_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "idempotency-key", "accept-encoding", "te", "upgrade"}
    | {ANSWER_TO.lower(), ANSWER_TOKEN.lower()}
)
"""Headers that only the client writes."""

_DEFERRED = Outcome(key=":deferred")


class HttpTrigger:
    """Runs actions of kind http.

    Args:
        client: Makes the requests.
        answering: Says where outside parties answer later; None where they cannot.
    """

    def __init__(self, client: HttpClient, answering: Answering | None = None) -> None:
        self._client = client
        self._answering = answering

    def __call__(self, call: Call) -> Outcome | None:
        """Make the request, or the requests, of an action.

        Raises:
            InvalidInstructionError: The action does not describe a request.
        """
        settings = dict(call.properties())
        requests = settings.pop("requests", None)
        if requests is None:
            outcome = self._request(settings, call, call.key)
            result = None if outcome is _DEFERRED else outcome
        else:
            result = self._requests(_named(requests), settings, call)
        if result is None and not call.may_defer:
            return Outcome(key=ERROR, data={"message": "Only the last step of a sequence may be answered later."})
        return result

    def _requests(self, requests: Mapping[str, Any], settings: dict[str, Any], call: Call) -> Outcome | None:
        def one(item: tuple[str, Any]) -> Outcome:
            name, own = item
            if not isinstance(own, dict):
                raise InvalidInstructionError("each of the requests should be an object")
            return self._request({**settings, **own}, call, f"{call.key}-{list(requests).index(name)}")

        with ThreadPoolExecutor(max_workers=len(requests)) as pool:
            outcomes = dict(zip(requests, pool.map(one, requests.items()), strict=True))
        errors = {name: outcome.data for name, outcome in outcomes.items() if outcome.key not in (OK, _DEFERRED.key)}
        data: dict[str, Any] = {name: outcome.data for name, outcome in outcomes.items() if outcome.key == OK}
        if errors:
            return Outcome(key=ERROR, data={**data, ":errors": errors})
        return Outcome(key=OK, data=data) if data else None

    def _request(self, settings: Mapping[str, Any], call: Call, idempotency_key: str) -> Outcome:
        request = request_of(settings, idempotency_key)
        if self._answering is not None and call.may_defer:
            id_ = call.idempotency_key
            told = {ANSWER_TO: self._answering.url_of(id_), ANSWER_TOKEN: self._answering.token_of(id_)}
            request = replace(request, headers={**request.headers, **told})
        try:
            response = self._client.send(request)
        except TriggerError as error:
            host = urlsplit(request.url).hostname
            log.warning("request of a system action failed", chain=call.process.chain, host=host, reason=str(error))
            return Outcome(key=ERROR, data=UNEXPECTED)
        return _outcome(response, call)


def _named(requests: Any) -> Mapping[str, Any]:
    """Return the requests by name; those of a list are named by their place."""
    named = {str(index): item for index, item in enumerate(requests)} if isinstance(requests, list) else requests
    if not isinstance(named, dict) or not 0 < len(named) <= MAX_REQUESTS:
        raise InvalidInstructionError(f"an action has 1 to {MAX_REQUESTS} requests")
    return {name: named[name] for name in sorted(named)}


def request_of(settings: Mapping[str, Any], idempotency_key: str) -> HttpRequest:
    """Return the request that an action describes.

    Raises:
        InvalidInstructionError: It does not describe one.
    """
    method = settings.get("method") or "GET"
    if not isinstance(method, str) or method.upper() not in _METHODS:
        raise InvalidInstructionError(f"the method of a request should be one of {', '.join(sorted(_METHODS))}")
    headers = _headers(settings.get("headers"))
    body = _body(settings.get("data"), headers)
    _authenticate(settings.get("auth"), headers)
    headers["Idempotency-Key"] = idempotency_key
    url = _url(settings.get("url"), settings.get("query"))
    return HttpRequest(method=method.upper(), url=url, headers=headers, body=body)


def _url(url: Any, query: Any) -> str:
    if not isinstance(url, str) or len(url) > 4096:
        raise InvalidInstructionError("a request needs a url (text of at most 4096 characters)")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidInstructionError("the url of the request is malformed") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or port == 0:
        raise InvalidInstructionError("the url of a request should start with http:// or https:// and name a host")
    if any(character <= " " or character == "\x7f" for character in url):
        raise InvalidInstructionError("the url of a request holds spaces or control characters")
    added = "" if query is None else _form(query)
    return urlunsplit(parts._replace(query="&".join(part for part in (parts.query, added) if part), fragment=""))


def _form(fields: Any) -> str:
    if isinstance(fields, str):
        return fields
    if not isinstance(fields, dict):
        raise InvalidInstructionError("the query or form of a request should be an object")
    pairs = [
        (name, text_of(value))
        for name in sorted(fields)
        for value in (fields[name] if isinstance(fields[name], list) else [fields[name]])
        if value is not None
    ]
    return urlencode(pairs)


def _headers(given: Any) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise InvalidInstructionError("the headers of a request should be an object")
    headers = {}
    for name in sorted(given):
        value = text_of(given[name])
        plain = all(" " <= character <= "~" for character in name + value)
        if not name or not plain or ":" in name or " " in name or name.lower() in _OWN_HEADERS:
            raise InvalidInstructionError(f'the header "{name[:40]}" cannot be sent')
        headers[name.title()] = value
    return headers


def _authenticate(auth: Any, headers: dict[str, str]) -> None:
    if auth is None:
        return
    if not isinstance(auth, dict) or (auth.get("type") or "basic") != "basic":
        raise InvalidInstructionError("the auth of a request should be a username and a password (basic)")
    pair = f"{text_of(auth.get('username'))}:{text_of(auth.get('password'))}"
    headers["Authorization"] = f"Basic {base64.b64encode(pair.encode('utf-8')).decode('ascii')}"


def _body(data: Any, headers: dict[str, str]) -> bytes | None:
    if data is None:
        return None
    content_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content_type == "application/x-www-form-urlencoded":
        return _form(data).encode("utf-8")
    if content_type == "multipart/form-data":
        return _multipart(data, headers)
    if isinstance(data, str):
        headers.setdefault("Content-Type", "text/plain; charset=utf-8")
        return data.encode("utf-8")
    headers.setdefault("Content-Type", "application/json")
    return canonical_json.encode(data)


def _multipart(data: Any, headers: dict[str, str]) -> bytes:
    if not isinstance(data, dict):
        raise InvalidInstructionError("the data of a multipart request should be an object")
    boundary = f"part-{binascii.hexlify(canonical_json.digest(data)).decode('ascii')[:32]}"
    headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
    parts = []
    for name in sorted(data):
        shown = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{shown}"\r\n\r\n{text_of(data[name])}\r\n')
    return ("".join(parts) + f"--{boundary}--\r\n").encode("utf-8")


def _outcome(response: HttpResponse, call: Call) -> Outcome:
    if response.status == 202:
        return _DEFERRED
    if response.status >= 500:
        return Outcome(key=ERROR, data=UNEXPECTED)
    try:
        data = _data(response)
    except (InvalidError, UnicodeDecodeError):
        return Outcome(key=ERROR, data=UNEXPECTED)
    if 200 <= response.status < 300:
        return Outcome(key=OK, data=data)
    named = str(response.status) in call.instance["responses"]
    return Outcome(key=str(response.status) if named else ERROR, data=data)


def _data(response: HttpResponse) -> Any:
    if not response.body:
        return None
    if response.content_type == "application/json" or response.content_type.endswith("+json"):
        return strict_json.parse(response.body)
    return response.body.decode("utf-8")
