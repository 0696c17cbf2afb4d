"""The anchor service of another process: the methods of `AnchorService` that others need, over HTTP."""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import urllib3

from anchor import receipt as receipts
from anchor.anchoring import Anchoring
from anchor.block import Header
from anchor.parameters import Parameters
from anchor.receipt import Receipt
from eventchain.core import problem, strict_json
from eventchain.core.clock import Clock
from eventchain.core.errors import LiveContractError, NotFoundError, UnauthenticatedError, UnavailableError
from eventchain.core.http_signatures import sign_request
from eventchain.core.keys import KeyPair, Random
from eventchain.core.unreachable import reason_of

T = TypeVar("T")

TIMEOUT = urllib3.Timeout(connect=5, read=30)
MAX_ANSWER = 16 * 1024 * 1024
_BATCH = 1_000


class AnchorClient:
    """Talks to an anchor service. Safe for several threads, as the pool of connections is."""

    def __init__(
        self,
        base_url: str,
        http: urllib3.PoolManager,
        key: KeyPair,
        *,
        random: Random,
        clock: Clock,
    ) -> None:
        """Make a client.

        Args:
            base_url: Of the service, as it knows itself.
            http: Connections.
            key: Signs what costs a fee.
            random: For nonces.
            clock: Milliseconds since 1970.
        """
        self._base_url = base_url.rstrip("/")
        self._http = http
        self._key = key
        self._random = random
        self._clock = clock

    def submit(self, hashes: Sequence[str]) -> list[Anchoring]:
        """See `AnchorService.submit`.

        Raises:
            LiveContractError: In the family of the service's answer; `UnavailableError` where there is none.
        """
        found: list[Anchoring] = []
        for start in range(0, len(hashes), _BATCH):
            body = {"hashes": list(hashes[start : start + _BATCH]), "encoding": "base58"}
            answer = self._request("POST", "/hash", json.dumps(body).encode("utf-8"))
            found += self._read(answer, lambda data: [Anchoring.from_dict(item) for item in data["anchors"]])
        return found

    def find(self, hash_text: str) -> Anchoring | None:
        """See `AnchorService.find`."""
        try:
            answer = self._request("GET", f"/hash/{hash_text}/encoding/base58")
        except NotFoundError:
            return None
        return self._read(answer, Anchoring.from_dict)

    def receipt(self, hash_text: str) -> Receipt | None:
        """See `AnchorService.receipt`. The receipt is not verified here."""
        try:
            return receipts.from_dict(self._request("GET", f"/hash/{hash_text}/encoding/base58/receipt"))
        except NotFoundError:
            return None

    def receipts(self, hashes: Sequence[str]) -> dict[str, dict[str, Any]]:
        """See `AnchorService.receipts`."""
        found: dict[str, dict[str, Any]] = {}
        for start in range(0, len(hashes), _BATCH):
            body = {"hashes": list(hashes[start : start + _BATCH]), "encoding": "base58"}
            answer = self._request("POST", "/hash/receipts", json.dumps(body).encode("utf-8"))
            found |= self._read(answer, lambda data: dict(data["receipts"]))
        return found

    def headers(self, first: int, last: int) -> list[Header]:
        """See `AnchorService.headers`."""
        found: list[Header] = []
        while len(found) <= last - first:
            start = first + len(found)
            path = f"/blocks/headers/signed/{start}/{min(last, start + _BATCH - 1)}"
            page = self._read(
                self._request("GET", path), lambda data: list(map(receipts.parse_header_text, data["headers"]))
            )
            if not page:
                break
            found += page
        return found

    def fetch_parameters(self) -> Parameters:
        """Return the rules of the service's chain.

        Raises:
            LiveContractError: In the family of the service's answer; `UnavailableError` where there is none.
        """
        return self._read(self._request("GET", "/node/parameters"), Parameters.from_dict)

    def _request(self, method: str, path: str, body: bytes = b"") -> Any:
        uri = self._base_url + path
        headers = {"Accept": "application/json"}
        if body:
            signature = sign_request(method, uri, body, self._key, now=self._clock() // 1000, random=self._random)
            headers |= {"Content-Type": "application/json", **signature}
        try:
            response = self._http.request(
                method,
                uri,
                body=body or None,
                headers=headers,
                timeout=TIMEOUT,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            data = response.read(MAX_ANSWER + 1)
            if len(data) > MAX_ANSWER:
                response.close()
            response.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise UnavailableError(f"the anchor service does not answer: {reason_of(error)}") from None
        return self._answer(response.status, data)

    def _answer(self, status: int, data: bytes) -> Any:
        try:
            document = strict_json.parse(data, max_bytes=MAX_ANSWER)
        except LiveContractError:
            document = None
        if status >= 400:
            error = problem.from_response(status, document, "the anchor service")
            if isinstance(error, UnauthenticatedError):  # nothing is wrong with what was asked
                raise UnavailableError(
                    f"the anchor service does not take this node's signature: {error.message}", hint=error.hint
                )
            raise error
        if status != 200 or not isinstance(document, dict):
            raise UnavailableError(f"the anchor service answered {status} without a JSON object")
        return document

    @staticmethod
    def _read(document: Any, reader: Callable[[Any], T]) -> T:
        try:
            return reader(document)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise UnavailableError("the anchor service answered something else than an anchor service does") from None
