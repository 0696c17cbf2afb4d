"""The outside world of a test: services that answer the requests of system actions, at once or later.

An answer stands for every request to an address (`answers`), or is given by a step to one request that waits. A request
that nothing answers waits, and the test goes on. One that was answered with 202 is taken on: its service answers later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from eventchain.core import canonical_json
from eventchain.core.errors import InvalidError
from workflow_engine.errors import TriggerError, quote
from workflow_engine.ports import HttpRequest, HttpResponse
from workflow_engine.testing.errors import InvalidFeatureError, UnmetError

Asked = tuple[str, str, str, str]
"""A request that waits: name of the process, method, URL, idempotency key."""

ACCEPTED = 202
"""Status of an answer that says that the real one comes later."""

MAX_SERVICES = 1_000
_ANY = "*"
"""Ends an address that stands for all that begin like it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOn:
    """A system action that an outside party has taken on and answers later (202).

    Attributes:
        process: Name of the process.
        action: Key of the action.
        actor: Key of the actor.
        key: Idempotency key of the action, so that it is not run again.
        urls: Where its requests went.
    """

    process: str
    action: str
    actor: str
    key: str
    urls: tuple[str, ...]


@dataclass(slots=True)
class Services:
    """What the steps have said of the outside world.

    Attributes:
        standing: What is answered to every request, by address; None where no answer comes.
        given: The answers that steps gave to requests that wait.
        asked: The request that a step spoke of last.
        taken_on: What is answered later, by idempotency key of the action.
        sent: The requests of actions that are done, oldest first.
    """

    standing: dict[str, HttpResponse | None] = field(default_factory=dict)
    given: dict[Asked, HttpResponse | None] = field(default_factory=dict)
    asked: Asked | None = None
    taken_on: dict[str, TakenOn] = field(default_factory=dict)
    sent: list[HttpRequest] = field(default_factory=list)

    def let_answer(self, url: str, response: HttpResponse | None) -> None:
        """Let a service answer all requests to an address from now on, or none of them.

        Raises:
            InvalidFeatureError: It is no address, or there are too many.
        """
        if not url.startswith(("http://", "https://")):
            raise InvalidFeatureError(
                f"{quote(url)} is no address of a service.", hint="Write all of it: https://registry.example/entries"
            )
        if url not in self.standing and len(self.standing) >= MAX_SERVICES:
            raise InvalidFeatureError(f"At most {MAX_SERVICES} services answer in a test.")
        self.standing[url] = response

    def response_to(self, asked: Asked) -> tuple[bool, HttpResponse | None]:
        """Return whether a request is answered, or known to fail, and the answer.

        What a step gave to this request counts more than what stands for its address, and that more than what stands
        for the beginning of it, of which the longest counts.
        """
        if asked in self.given:
            return True, self.given[asked]
        url = asked[2]
        if url in self.standing:
            return True, self.standing[url]
        beginnings = [key for key in self.standing if key.endswith(_ANY) and url.startswith(key.removesuffix(_ANY))]
        if not beginnings:
            return False, None
        return True, self.standing[max(beginnings, key=len)]

    def find_taken_on(self, url: str) -> TakenOn:
        """Return what a service has taken on, the first of several.

        Raises:
            UnmetError: It has taken on nothing.
        """
        for taken_on in self.taken_on.values():
            if url in taken_on.urls:
                return taken_on
        there = ", ".join(sorted({known for taken_on in self.taken_on.values() for known in taken_on.urls}))
        raise UnmetError(
            f"the service {quote(url)} to owe an answer", f"those that do are: {there}" if there else "none does"
        )


class Outside:
    """The HTTP client of one run of a system action (`ports.HttpClient`).

    Attributes:
        requests: All that were made.
        deferred: Where those went that are answered later (202).
        unanswered: The requests that nothing answers.
    """

    def __init__(self, services: Services, process: str) -> None:
        self._services = services
        self._process = process
        self.requests: list[HttpRequest] = []
        self.deferred: set[str] = set()
        self.unanswered: dict[Asked, HttpRequest] = {}

    def send(self, request: HttpRequest) -> HttpResponse:
        """Return the answer of a step or a service; to the trigger, a request without an answer has failed."""
        asked = (self._process, request.method, request.url, request.headers["Idempotency-Key"])
        is_known, response = self._services.response_to(asked)
        self.requests.append(request)
        if not is_known:
            self.unanswered[asked] = request
            raise TriggerError("Nobody has answered yet.")
        if response is None:
            raise TriggerError("The test says that this request fails.")
        if response.status == ACCEPTED:
            self.deferred.add(request.url)
        return response


def http_response(status: str, data: Any) -> HttpResponse:
    """Return a response with a status and JSON, or text where the data is one.

    Raises:
        InvalidFeatureError: The status is none.
    """
    code = status.partition(" ")[0]
    if not (len(code) == 3 and code.isascii() and code.isdigit() and "100" <= code <= "599"):
        raise InvalidFeatureError(f"{quote(status)} is no status of HTTP.", hint="Write one such as 200 or 404.")
    if data is None:
        return HttpResponse(status=int(code), content_type="", body=b"")
    if isinstance(data, str):
        return HttpResponse(status=int(code), content_type="text/plain", body=data.encode("utf-8"))
    try:
        return HttpResponse(status=int(code), content_type="application/json", body=canonical_json.encode(data))
    except InvalidError as error:
        raise InvalidFeatureError(f"The answer is not JSON: {error.message}.") from None


def listed(waiting: Mapping[Asked, HttpRequest]) -> str:
    """Return requests that wait, for a message."""
    return "; ".join(sorted({f"{method} {url}" for _, method, url, _ in waiting})) or "no request waits"
