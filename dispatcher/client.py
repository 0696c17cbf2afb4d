"""Speaking to the queue of another node, or of one's own, over signed HTTP (RFC 9421).

The peer is a stranger: redirects are not followed, certificates are verified, answers are read up to a limit of size
and time and never unpacked, and its errors come back in our families.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote, urlencode, urlsplit

import urllib3

from dispatcher.errors import InvalidDestinationError, PeerNotReadyError, PeerUnreachableError
from dispatcher.message import Depth
from eventchain.core import problem, strict_json
from eventchain.core.clock import Clock
from eventchain.core.errors import InvalidError
from eventchain.core.http_signatures import sign_request
from eventchain.core.keys import KeyPair, Random
from eventchain.core.unreachable import reason_of

CONNECT_SECONDS = 5
READ_SECONDS = 20

MAX_ANSWER = 1024 * 1024
"""Bytes read of an answer; problems and lists of dead letters are far smaller."""

_RETRYABLE = (408, 425)
"""Request timeout and too early: not in the table of families, and worth another try (RFC 9110, RFC 8470)."""


class SignedHttp:
    """Sends requests signed with one key. Safe to use from many threads."""

    def __init__(
        self,
        key: KeyPair,
        clock: Clock,
        random: Random,
        *,
        allow_plain_http: bool = False,
        pool: urllib3.PoolManager | None = None,
    ) -> None:
        """Make a client.

        Args:
            key: The node's system key, or a person's.
            clock: Time of the signatures and of the limits.
            random: Where nonces come from.
            allow_plain_http: Whether `http:` URIs are allowed: on a development machine, or in a closed network.
            pool: With other certificates than those the system trusts.
        """
        self._key = key
        self._clock = clock
        self._random = random
        self._allow_plain_http = allow_plain_http
        self._pool = pool or urllib3.PoolManager(cert_reqs="CERT_REQUIRED", maxsize=8)

    def request(self, method: str, url: str, body: bytes = b"") -> bytes:
        """Send a request and return the body of the answer.

        Raises:
            PeerUnreachableError: The network failed, the answer was too slow or large, or led elsewhere.
            InvalidDestinationError: The URI is not https.
            LiveContractError: The peer refused, in the family of its answer.
        """
        try:
            scheme, host = urlsplit(url)[:2]
        except ValueError:
            raise InvalidDestinationError("not a URI that can be sent to") from None
        if scheme not in ("http", "https"):
            raise InvalidDestinationError(f"{host} is a node of the scheme {scheme}, which this node does not send to")
        if scheme != "https" and not self._allow_plain_http:
            raise InvalidDestinationError(f"{host} is not reached over https", hint="Give the node a certificate.")
        started = self._clock()
        headers = sign_request(method, url, body, self._key, now=started // 1000, random=self._random)
        headers |= {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "livecontract"}
        if body:
            headers["Content-Type"] = "application/json"
        try:
            response = self._pool.request(
                method,
                url,
                body=body or None,
                headers=headers,
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
                redirect=False,
                retries=False,
                preload_content=False,
            )
            answer = self._read(response, host, started)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise PeerUnreachableError(f"{host} could not be reached: {reason_of(error)}") from error
        if not 200 <= response.status < 300:
            raise _refusal(response.status, answer, host)
        return answer

    def _read(self, response: urllib3.BaseHTTPResponse, host: str, started: int) -> bytes:
        """Return the whole answer, or drop the connection."""
        answer = bytearray()
        try:
            while chunk := cast("urllib3.HTTPResponse", response).read1(65536, decode_content=False):
                answer += chunk
                if len(answer) > MAX_ANSWER:
                    raise PeerUnreachableError(f"{host} answered more than {MAX_ANSWER} bytes")
                if self._clock() - started > (CONNECT_SECONDS + READ_SECONDS) * 1000:
                    raise PeerUnreachableError(f"{host} answers too slowly")
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return bytes(answer)


class HttpTransport:
    """The real `Transport`: posts to other nodes, signed with the node's system key."""

    def __init__(self, http: SignedHttp) -> None:
        self._http = http

    def post(self, url: str, body: bytes) -> None:
        """See `Transport.post`."""
        self._http.request("POST", url, body)


class QueueClient:
    """The methods of `QueueService`, over HTTP."""

    def __init__(self, node: str, http: SignedHttp) -> None:
        """Speak to the node of this URI."""
        self._url = f"{node.rstrip('/')}/queue"
        self._http = http

    def enqueue(self, document: bytes, destinations: Sequence[str] = ()) -> None:
        """Hand in a chain document; see `QueueService.enqueue`."""
        query = urlencode([("to[]", uri) for uri in destinations])
        self._http.request("POST", f"{self._url}?{query}" if query else self._url, document)

    def enqueue_ask(self, ask: bytes) -> None:
        """Hand in a request for missing events; see `QueueService.enqueue_ask`."""
        self._http.request("POST", f"{self._url}/asks", ask)

    def depths(self) -> Mapping[str, Depth]:
        """Return how many messages are in each queue."""
        depths = self._get(self._url)
        return {queue: Depth(**depth) for queue, depth in depths.items()}

    def dead_letters(self, queue: str | None = None) -> Sequence[Mapping[str, Any]]:
        """Return the dead letters, without their bodies, as `routes.letter_to_dict` writes them."""
        query = f"?{urlencode({'queue': queue})}" if queue else ""
        letters: list[Mapping[str, Any]] = self._get(f"{self._url}/dead-letters{query}")
        return letters

    def requeue(self, letter_id: str) -> None:
        """Let a dead letter be handled again."""
        self._http.request("POST", f"{self._url}/dead-letters/{quote(letter_id, safe='')}/requeue")

    def discard(self, letter_id: str) -> None:
        """Forget a dead letter for good."""
        self._http.request("DELETE", f"{self._url}/dead-letters/{quote(letter_id, safe='')}")

    def _get(self, url: str) -> Any:
        return json.loads(self._http.request("GET", url))


def _refusal(status: int, answer: bytes, host: str) -> Exception:
    if status < 400:
        return PeerUnreachableError(f"{host} leads elsewhere ({status})", hint="A node is named by its own URI.")
    try:
        document = strict_json.parse(answer)
    except InvalidError:
        document = None
    error = problem.from_response(status, document, host)
    return PeerNotReadyError(error.message) if status in _RETRYABLE else error
