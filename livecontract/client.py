"""Talking to a node: signed requests, JSON in and out, errors in the families they had there.

No redirects (a signature is for one URL), no proxies, a limit of time and of size for every answer.
"""

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import urllib3

from eventchain.core import problem, strict_json
from eventchain.core.clock import Clock, system_clock
from eventchain.core.errors import InvalidError, InvalidJsonError, LiveContractError, UnavailableError
from eventchain.core.http_signatures import sign_request
from eventchain.core.keys import KeyPair, Random
from eventchain.core.unreachable import reason_of
from livecontract.errors import NodeUnreachableError

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 60.0
MAX_ANSWER = 64 * 1024 * 1024
"""Bytes: a chain at the limit of what a node takes in, with room for how JSON grows on the way."""

ANSWER_TIMEOUT = 300.0
"""Seconds for a whole answer, so that one that comes drop by drop ends too."""

_MAX_PAGES = 10_000
_NEXT = re.compile(r'<(\?[^>]+)>; rel="next"')
"""The link to the next page of a list: of the same list of the same node, and of nothing else."""

_PIECE = 64 * 1024
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0
_NO_RETRIES = urllib3.Retry(total=False, redirect=False)


class NodeClient:
    """Requests to one node, signed by one key. Safe from many threads.

    Attributes:
        base_url: URL of the node, without a slash at the end.
        key: Who signs; None sends unsigned requests, which only open routes answer.
    """

    def __init__(
        self,
        base_url: str,
        key: KeyPair | None = None,
        *,
        clock: Clock = system_clock,
        random: Random = os.urandom,
        pause: Callable[[float], None] = time.sleep,
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float = READ_TIMEOUT,
        max_answer: int = MAX_ANSWER,
    ) -> None:
        """Make a client; nothing is sent yet.

        Raises:
            InvalidError: `base_url` is not an http or https URL.
        """
        self.base_url = _checked(base_url)
        self.key = key
        self._clock = clock
        self._random = random
        self._pause = pause
        self._max_answer = max_answer
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=connect_timeout, read=read_timeout), retries=_NO_RETRIES, maxsize=8
        )

    def get(self, path: str, query: Mapping[str, str] | None = None, *, wait: float = 0) -> Any:
        """Return the JSON at a path; see `request`."""
        return self.request("GET", path, query=query, wait=wait)

    def get_all(self, path: str, query: Mapping[str, str] | None = None, *, wait: float = 0) -> list[Any]:
        """Return a whole list, page after page; see `request`.

        Raises:
            NodeUnreachableError: It is no list, or has no end.
        """
        return [item for page in self.pages(path, query, wait=wait) for item in page]

    def pages(self, path: str, query: Mapping[str, str] | None = None, *, wait: float = 0) -> Iterator[list[Any]]:
        """Yield the pages of a list, each when it is asked for; see `get_all`."""
        first = self.base_url + path
        url = first + (f"?{urlencode(query)}" if query else "")
        for _ in range(_MAX_PAGES):
            items, link = self._try("GET", url, b"", wait)
            if not isinstance(items, list):
                raise NodeUnreachableError(f"{self.base_url} answered something that is no list")
            yield items
            following = _NEXT.fullmatch(link)
            if following is None:
                return
            url = first + following[1]
        raise NodeUnreachableError(f"{self.base_url} answered a list without end")

    def post(self, path: str, document: Any, *, query: Mapping[str, str] | None = None, wait: float = 0) -> Any:
        """Send a JSON document and return the JSON of the answer; see `request`."""
        return self.request("POST", path, document, query=query, wait=wait)

    def delete(self, path: str, *, wait: float = 0) -> Any:
        """Delete what is at a path; see `request`."""
        return self.request("DELETE", path, wait=wait)

    def request(
        self,
        method: str,
        path: str,
        document: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        wait: float = 0,
    ) -> Any:
        """Send one request and return the JSON of the answer, None if it has no body.

        Args:
            method: In capitals.
            path: Starting with a slash; its parts are escaped already (`part`).
            document: JSON to send, or bytes that are JSON already, or None for no body.
            query: Parameters, escaped here.
            wait: Seconds to go on trying, with growing pauses, while the node is unreachable or not available. For
                requests that may be repeated only: the node may have done the first one.

        Raises:
            NodeUnreachableError: No connection, or no sensible answer.
            LiveContractError: What the node answered, in its family.
        """
        url = self.base_url + path + (f"?{urlencode(query)}" if query else "")
        return self._try(method, url, b"" if document is None else _encode(document), wait)[0]

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _try(self, method: str, url: str, body: bytes, wait: float) -> tuple[Any, str]:
        """Return the JSON of the answer, and its Link header or nothing."""
        end = self._clock() + int(wait * 1000)
        pause = _FIRST_PAUSE
        while True:
            try:
                return self._send(method, url, body)
            except UnavailableError:
                if self._clock() + int(pause * 1000) > end:
                    raise
            self._pause(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _send(self, method: str, url: str, body: bytes) -> tuple[Any, str]:
        headers = {"Accept": f"application/json, {problem.CONTENT_TYPE}", "Accept-Encoding": "identity"}
        if body:
            headers["Content-Type"] = "application/json"
        if self.key is not None:
            now = self._clock() // 1000
            headers |= sign_request(method, url, body, self.key, now=now, random=self._random)
        try:
            response = self._pool.request(
                method, url, body=body or None, headers=headers, redirect=False, preload_content=False
            )
            try:
                data = self._receive(response)
            finally:
                response.close()  # a connection whose answer was read whole is in the pool again already
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise NodeUnreachableError(f"{self.base_url} cannot be reached: {reason_of(error)}") from None
        document = self._read(response.status, response.headers.get("Content-Type", ""), data)
        return document, response.headers.get("Link", "")

    def _receive(self, response: urllib3.BaseHTTPResponse) -> bytes:
        """Return the body, or what is over the limit of size by at most a piece."""
        end = self._clock() + int(ANSWER_TIMEOUT * 1000)
        pieces: list[bytes] = []
        length = 0
        while length <= self._max_answer and (piece := response.read1(_PIECE)):
            pieces.append(piece)
            length += len(piece)
            if self._clock() > end:
                raise NodeUnreachableError(f"{self.base_url} takes too long to answer")
        return b"".join(pieces)

    def _read(self, status: int, media_type: str, data: bytes) -> Any:
        if len(data) > self._max_answer:
            raise NodeUnreachableError(f"{self.base_url} answered more than {self._max_answer} bytes")
        is_json = media_type.partition(";")[0].strip() in ("application/json", problem.CONTENT_TYPE)
        try:
            document = strict_json.parse(data, max_bytes=self._max_answer) if data and is_json else None
        except InvalidJsonError:
            raise NodeUnreachableError(f"{self.base_url} answered something that is not JSON") from None
        if 200 <= status < 300:
            if data and not is_json:
                raise NodeUnreachableError(f"{self.base_url} answered something that is not JSON: is it a node?")
            return document
        if 300 <= status < 400:
            raise NodeUnreachableError(f"{self.base_url} answered with a redirect; use the URL the node itself names")
        raise _error(status, document, self.base_url)


def part(text: str) -> str:
    """Escape text to be one part of a path."""
    return quote(text, safe="")


def _error(status: int, document: Any, where: str) -> LiveContractError:
    return problem.from_response(status, document, where)


def _encode(document: Any) -> bytes:
    if isinstance(document, bytes):
        return document
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    else:
        usable = usable and not (parts.username or parts.password or parts.query or parts.fragment)
    if not usable:
        raise InvalidError("the URL of a node should be http://… or https://…, without user, query or fragment")
    return url.rstrip("/")
