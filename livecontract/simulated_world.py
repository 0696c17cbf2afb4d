"""What lies outside the nodes of a simulation: time, network, mail and HTTP, as a seed draws them."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from eventchain.core.clock import Clock
from eventchain.core.errors import LiveContractError, UnavailableError
from eventchain.core.keys import PublicKey
from livecontract.mail import Mail
from workflow_engine.ports import HttpRequest, HttpResponse

START = 1_700_000_000_000
"""When a simulation begins, in milliseconds since 1970."""

Receiver = Callable[[str, PublicKey, bytes], None]
"""Takes a request at a node: path without a slash at its start, who signed it, body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong between nodes, as chances from 0 to 1 for each request.

    Attributes:
        loss: It does not arrive.
        answer_loss: It arrives, and its sender does not hear so.
        delay: It arrives later, when its sender has given up waiting.
        duplicate: It arrives at once, and later again.
        longest_delay: Milliseconds that late arrivals are late, at most.
    """

    loss: float = 0.0
    answer_loss: float = 0.0
    delay: float = 0.0
    duplicate: float = 0.0
    longest_delay: int = 5_000


@dataclass(slots=True)
class VirtualClock:
    """A clock that goes on when it is told to."""

    now: int = START

    def __call__(self) -> int:
        """Return milliseconds since 1970."""
        return self.now


@dataclass(slots=True)
class World:
    """What lies outside all nodes: it takes mails and answers HTTP requests.

    Attributes:
        mails: In the order they were sent.
        requests: Those of system actions, in the order they were made.
        answer: What comes back.
        hear: Is told of each mail when it is taken.
    """

    mails: list[Mail] = field(default_factory=list)
    requests: list[HttpRequest] = field(default_factory=list)
    answer: Callable[[HttpRequest], HttpResponse] = lambda _: HttpResponse(
        status=200, content_type="application/json", body=b"{}"
    )

    hear: Callable[[Mail], None] = lambda _: None

    def deliver(self, mail: Mail) -> None:
        """Take a mail."""
        self.mails.append(mail)
        self.hear(mail)

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""
        self.requests.append(request)
        return self.answer(request)


@dataclass(frozen=True, slots=True)
class SimulatedMailer:
    """The mailer of every node."""

    send: Callable[[Mail], None]


@dataclass(frozen=True, slots=True)
class SimulatedHttpClient:
    """The HTTP client of every node."""

    send: Callable[[HttpRequest], HttpResponse]


class Network:
    """Carries requests between nodes, and loses, repeats and delays them as the seed draws."""

    def __init__(self, chance: random.Random, clock: Clock, faults: Faults) -> None:
        self.faults = faults
        self._chance = chance
        self._clock = clock
        self._receivers: dict[str, Receiver] = {}
        self._late: list[tuple[int, str, str, str, PublicKey, bytes]] = []
        self._groups: tuple[frozenset[str], ...] = ()

    def connect(self, name: str, receive: Receiver) -> None:
        """Tell how the node of this name takes requests."""
        self._receivers[name] = receive

    def separate(self, *groups: Iterable[str]) -> None:
        """Let nodes reach only those of their own group; those in no group reach nobody."""
        self._groups = tuple(frozenset(group) for group in groups)

    def heal(self) -> None:
        """Let everybody reach everybody again."""
        self._groups = ()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is on its way."""
        return not self._late

    def send(self, source: str, destination: str, path: str, key: PublicKey, body: bytes) -> None:
        """Carry one request, or not.

        Raises:
            UnavailableError: The sender got no answer.
            LiveContractError: The answer was a refusal.
        """
        drawn, faults = self._chance.random(), self.faults
        self._check_reachable(source, destination)
        if drawn < faults.loss:
            raise UnavailableError("the request was lost")
        drawn -= faults.loss
        if drawn < faults.delay:
            self._send_late(source, destination, path, key, body)
            raise UnavailableError("the other side answers too slowly")
        drawn -= faults.delay
        if drawn < faults.duplicate:
            self._send_late(source, destination, path, key, body)
        self._receivers[destination](path, key, body)
        if 0 <= drawn - faults.duplicate < faults.answer_loss:
            raise UnavailableError("the answer was lost")

    def step(self) -> int:
        """Let what is due arrive late; nobody waits for the answer."""
        due = [item for item in self._late if item[0] <= self._clock()]
        self._late = [item for item in self._late if item[0] > self._clock()]
        for _, source, destination, path, key, body in due:
            try:
                self._check_reachable(source, destination)
                self._receivers[destination](path, key, body)
            except LiveContractError:
                continue
        return len(due)

    def _send_late(self, source: str, destination: str, path: str, key: PublicKey, body: bytes) -> None:
        due = self._clock() + self._chance.randint(1, self.faults.longest_delay)
        self._late.append((due, source, destination, path, key, body))

    def _check_reachable(self, source: str, destination: str) -> None:
        if destination not in self._receivers:
            raise UnavailableError(f"nobody is reached as {destination}")
        if self._groups and not any({source, destination} <= group for group in self._groups):
            raise UnavailableError("the network is parted")


@dataclass(frozen=True, slots=True)
class SimulatedTransport:
    """How one node sends to others; see `dispatcher.ports.Transport`."""

    network: Network
    name: str
    key: PublicKey

    def post(self, url: str, body: bytes) -> None:
        """Send to a path of another node."""
        destination, _, path = url.removeprefix("http://").partition("/")
        self.network.send(self.name, destination, path, self.key, body)
