"""What the workflow engine needs from others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from eventchain.core.keys import PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request that a system action makes.

    Attributes:
        method: `GET`, `POST`, …
        url: Absolute, `http:` or `https:`, with its query.
        headers: By name.
        body: Bytes to send, or None.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """What came back.

    Attributes:
        status: The HTTP status.
        content_type: Media type without parameters, lower case; empty when there is none.
        body: What was read.
    """

    status: int
    content_type: str
    body: bytes


class HttpClient(Protocol):
    """Makes HTTP requests to the outside world, for system actions of kind http."""

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send a request and read its answer; redirects are answers like others.

        Raises:
            TriggerError: There was no usable answer: the address is not allowed, nobody answers, it takes too long or
                it is too large.
        """


class Answering(Protocol):
    """Says where and with which token outside parties answer what they have taken on."""

    def url_of(self, id_: str) -> str:
        """Return where a system action is answered, by its idempotency key."""

    def token_of(self, id_: str) -> str:
        """Return what only this node and the party it asked know: the same whenever it is asked for."""

    def is_token(self, id_: str, token: str) -> bool:
        """Tell whether a text of whatever origin is that token, in a time that tells nothing of it."""


class Inviter(Protocol):
    """Invites parties whose keys are not known yet, for system actions of kind invite."""

    def invite_once(
        self,
        chain: str,
        inviter: str,
        request: Mapping[str, Any],
        idempotency_key: str,
        doing: tuple[str, str] | None = None,
    ) -> dict[str, Any]:
        """Add an identity with a one-time key to a chain, or replace the keys of one, and see that the key is sent.

        The same idempotency key again invites nobody again.

        Args:
            chain: Id of the chain.
            inviter: Id of the identity in whose name somebody is invited.
            request: `identity`, `email`, `name` and `title`, unchecked.
            idempotency_key: Names the invitation.
            doing: Process and action whose doing it is that the keys of an identity are replaced; None to add one.

        Returns:
            What may be shown of the invitation; `identity` is the id that was invited.

        Raises:
            LiveContractError: It cannot be done.
        """


class Submitter(Protocol):
    """Appends events to a chain in the name of this node, for system actions of kind event."""

    def submit(self, chain: str, bodies: Sequence[Mapping[str, Any]], idempotency_key: str) -> list[dict[str, Any]]:
        """Sign one event per body, hand them to the queue, and return them as JSON.

        The same idempotency key again makes no second events.

        Raises:
            LiveContractError: They cannot be appended.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A response that goes to another chain.

    Attributes:
        chain: Id of the chain it goes to, as the scenario gave it.
        body: The body of the response, without its origin.
        source: Id of the chain it comes from.
        cause: Hash of the event there that it cites.
        idempotency_key: Names it: the same one is carried once.
    """

    chain: str
    body: Mapping[str, Any]
    source: str
    cause: str
    idempotency_key: str


class Courier(Protocol):
    """Carries responses to other chains of this node, for system actions of kind event with a `chain`."""

    def carry(self, letter: Letter) -> str:
        """Sign a response that cites its cause, add it to the chain it goes to, and return the hash of its event.

        Raises:
            NotCarriedError: This node is not on that chain, or the process there does not take it; nothing was added.
            UnavailableError: It could not be added now.
        """


class Membership(Protocol):
    """Knows who is on which chain (the event chain service)."""

    def identity_of(self, chain: str, key: str) -> str | None:
        """Return the id of the identity that holds a public sign key (base58) on a chain, or None."""

    def chains_of(self, key: str) -> list[str]:
        """Return the ids of the chains on which some identity holds a public sign key (base58)."""


class Preparer(Protocol):
    """Prepares events for people to sign (the event chain service)."""

    def prepare(self, chain: str, body: Mapping[str, Any], key: PublicKey) -> dict[str, Any]:
        """Check that an event with this body can follow the tip of a chain, and return what has to be signed.

        Raises:
            LiveContractError: It cannot, with the reason.
        """
