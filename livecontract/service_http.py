"""Requests from one service of a node to another: signed with the node's system key, over connections that stay open.

A copy of a service may end at any moment. What is asked here may be asked twice (events are known by hash, the node's
own by what they are signed for), so a request that broke off is sent once more, and reaches another copy where a
balancer or a Kubernetes Service stands in front of them.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import urllib3

from eventchain.core import problem
from eventchain.core.clock import Clock
from eventchain.core.errors import LiveContractError, UnauthenticatedError, UnavailableError
from eventchain.core.http_signatures import sign_request
from eventchain.core.keys import KeyPair, PublicKey, Random
from eventchain.core.unreachable import reason_of
from livecontract.internal import CALLER

TIMEOUT = urllib3.Timeout(connect=5, read=60)
MAX_ANSWER = 64 * 1024 * 1024
CONNECTIONS = 32
"""Connections kept open to one service: as many as threads ask at once."""

PROBLEM = "urn:livecontract:error:"
"""How the types of our own errors begin."""

_TRIES = 2
_OK = 200
_SAFE = ("GET", "HEAD")


class ServiceMistakeError(RuntimeError):
    """Another service made a mistake while it answered. It counts like a mistake in this process, not like an error."""


class ServiceHttp:
    """Talks to one service. Safe from many threads."""

    def __init__(
        self,
        url: str,
        name: str,
        key: KeyPair,
        clock: Clock,
        random: Random,
        carried: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """Make a client; nothing is sent yet.

        Args:
            url: Of the service, as it knows itself.
            name: Of the service, for messages.
            key: The node's system key.
            clock: Milliseconds since 1970.
            random: Where nonces come from.
            carried: Returns headers that every request has: ids by which logs and traces are joined.
        """
        self._carried = carried
        self._url = url.rstrip("/")
        self._name = name
        self._key = key
        self._clock = clock
        self._random = random
        self._pool = urllib3.PoolManager(maxsize=CONNECTIONS, block=False)

    def call(self, path: str, document: Any) -> Any:
        """Send a JSON document and return the JSON object of the answer; see `eventchain.core.call`.

        Raises:
            LiveContractError: What the service raised; UnavailableError where it does not answer, or would not listen.
            ServiceMistakeError: It made a mistake.
        """
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")
        status, data = self._exchange(path, body)
        try:
            answer = json.loads(data)
        except ValueError:
            answer = None
        if status == _OK and isinstance(answer, dict):
            return answer
        if status == 500:
            raise ServiceMistakeError(f"the {self._name} service made a mistake")
        error = problem.from_response(status, answer, f"the {self._name} service")
        if not _is_verdict(status, answer, error):
            raise UnavailableError(f"the {self._name} service answered {status}: {error.message}", hint=error.hint)
        raise error

    def open(
        self,
        method: str,
        target: str,
        body: bytes,
        headers: Mapping[str, str],
        caller: PublicKey | None,
    ) -> urllib3.BaseHTTPResponse:
        """Pass a request from outside on, and return the answer, whose body is not read yet.

        Args:
            method: In capitals.
            target: Path and query, as they came.
            body: The bytes that came.
            headers: Headers to send along.
            caller: Who signed it. None: nobody did, so nobody signs it now, and the service answers what is public.

        Raises:
            UnavailableError: The service does not answer.
        """
        fields = None if caller is None else {CALLER: str(caller)}
        return self._request(method, target, body, headers, fields, may_repeat=method in _SAFE)

    def _exchange(self, path: str, body: bytes) -> tuple[int, bytes]:
        response = self._request("POST", path, body, {"Content-Type": "application/json"}, {}, may_repeat=True)
        try:
            data = response.read(MAX_ANSWER + 1)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._away(error) from None
        if len(data) > MAX_ANSWER:
            response.close()
            raise UnavailableError(f"the {self._name} service answered more than {MAX_ANSWER} bytes")
        response.release_conn()
        return response.status, data

    def _request(
        self,
        method: str,
        target: str,
        body: bytes,
        headers: Mapping[str, str],
        fields: Mapping[str, str] | None,
        *,
        may_repeat: bool,
    ) -> urllib3.BaseHTTPResponse:
        """Send a request, signed anew each time; without `fields` it is not signed."""
        target = urllib3.util.parse_url(self._url + target).request_uri  # as it will be sent, which is what is signed
        for attempt in range(1, _TRIES + 1):
            signed = {} if fields is None else self._sign(method, target, body, fields)
            try:
                return self._pool.request(
                    method,
                    self._url + target,
                    body=body or None,
                    headers={**self._carried(), **headers, **signed},
                    timeout=TIMEOUT,
                    retries=False,
                    redirect=False,
                    preload_content=False,
                )
            except (urllib3.exceptions.HTTPError, OSError) as error:
                was_sent = not isinstance(error, urllib3.exceptions.NewConnectionError)
                is_slow = isinstance(error, urllib3.exceptions.TimeoutError)
                if attempt == _TRIES or is_slow or (was_sent and not may_repeat):
                    raise self._away(error) from None
        raise AssertionError("the last try returns or raises")

    def _sign(self, method: str, target: str, body: bytes, fields: Mapping[str, str]) -> dict[str, str]:
        now = self._clock() // 1000
        return sign_request(method, self._url + target, body, self._key, now=now, random=self._random, fields=fields)

    def _away(self, error: Exception) -> UnavailableError:
        return UnavailableError(f"the {self._name} service does not answer: {reason_of(error)}")


def _is_verdict(status: int, answer: Any, error: LiveContractError) -> bool:
    """Whether the service itself refused what it was asked, and did not turn this process away at its door.

    A clock that is off, another key, a route of another version or a balancer's page say nothing of what was asked:
    when that is mended, the same request succeeds.
    """
    is_ours = isinstance(answer, dict) and str(answer.get("type")).startswith(PROBLEM)
    return status >= 400 and is_ours and not isinstance(error, UnauthenticatedError) and error.code != "Forbidden"
