"""Taking in chain documents (paper, 22.2): what can be routed is queued, for this node or for others.

Nothing is verified here; the event chain service does that. A document that is no strict JSON, or names no chain, is
refused at once, because nobody could ever handle it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from dispatcher.address import AmqpAddress, is_amqp
from dispatcher.broker import Broker
from dispatcher.errors import InvalidDestinationError, InvalidSubmissionError
from dispatcher.message import ASKS, EVENTS, RELAY, Message
from eventchain.core import base58, strict_json
from eventchain.core.hashing import sha256
from eventchain.core.ids import ChainId
from eventchain.core.keys import PublicKey

SENDER = "sender"
"""Header: the base58 public key that signed the request, of whoever handed the document in first. A document proves
itself by its events; the sender is worth no more than a hint."""

MAX_ASK = 64 * 1024
"""Bytes of a request for missing events."""

MAX_DESTINATIONS = 100
MAX_URI = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A chain document that can be routed.

    Attributes:
        chain: The chain it belongs to.
        content: The parsed document, for who decides whether it is admitted.
        body: The bytes it came as.
    """

    chain: ChainId
    content: Mapping[str, Any]
    body: bytes


def read(body: bytes) -> Submission:
    """Read a chain document as far as routing needs it.

    Raises:
        InvalidError: Not strict JSON, without a chain id or a list of events, or too large.
    """
    content = strict_json.parse(body)
    if not isinstance(content, dict):
        raise InvalidSubmissionError("a chain should be a JSON object", path="$")
    if "id" not in content:
        raise InvalidSubmissionError("the chain has no id", path="$.id")
    chain = ChainId.parse(content["id"], path="$.id")
    if not isinstance(content.get("events"), list):
        raise InvalidSubmissionError("a chain has a list of events", path="$.events")
    return Submission(chain=chain, content=content, body=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskSubmission:
    """A request of another node for missing events.

    Attributes:
        content: The parsed document, for who decides whether it is heard.
        body: The bytes it came as.
    """

    content: Mapping[str, Any]
    body: bytes


def read_ask(body: bytes) -> AskSubmission:
    """Read a request for missing events as far as queueing needs it.

    Raises:
        InvalidError: Not strict JSON, no object, or too large.
    """
    content = strict_json.parse(body, max_bytes=MAX_ASK)
    if not isinstance(content, dict):
        raise InvalidSubmissionError("an ask should be a JSON object", path="$")
    return AskSubmission(content=content, body=body)


def validate_destination(uri: str) -> str:
    """Return a node URI without a slash at its end, after checking that it can be posted to.

    Raises:
        InvalidDestinationError: Not an absolute http, https, amqp or amqps URI, or with user, query or fragment.
    """
    if is_amqp(uri):
        return AmqpAddress.parse(uri).uri
    hint = "Give the URI of a node, such as https://node.example.com."
    if len(uri) > MAX_URI or not uri.isascii() or not uri.isprintable() or " " in uri or "\\" in uri:
        raise InvalidDestinationError("the URI of a node is plain ASCII of limited length", hint=hint)
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise InvalidDestinationError(f"{uri} is not a URI", hint=hint) from None
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise InvalidDestinationError(f"{uri} is not the URI of a node", hint=hint)
    if "@" in parts.netloc or "?" in uri or "#" in uri:
        raise InvalidDestinationError("the URI of a node has no user, query or fragment", hint=hint)
    return uri.rstrip("/")


class EnqueueService:
    """Puts chain documents into the queues."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def enqueue(
        self, document: bytes | Submission, destinations: Sequence[str] = (), *, sender: PublicKey | None = None
    ) -> None:
        """Queue a chain document durably: for this node, or, if destinations are given, for those nodes only.

        Args:
            document: LTO chain JSON, whole or partial, or what `read` made of it.
            destinations: Node URIs.
            sender: Who handed it in.

        Raises:
            InvalidError: It cannot be routed, or a destination is none.
            UnavailableError: The queue could not take it.
        """
        submission = document if isinstance(document, Submission) else read(document)
        if len(destinations) > MAX_DESTINATIONS:
            raise InvalidDestinationError(f"at most {MAX_DESTINATIONS} destinations at once")
        uris = dict.fromkeys(validate_destination(uri) for uri in destinations)
        headers = {SENDER: str(sender)} if sender else {}
        if not uris:
            self._broker.publish([_for_this_node(submission, headers)])
        else:
            self._broker.publish([_for_another_node(submission, uri, headers) for uri in uris])

    def enqueue_ask(self, ask: AskSubmission, *, sender: PublicKey) -> None:
        """Queue a request for missing events durably. What one node asks about one chain waits once.

        Raises:
            UnavailableError: The queue could not take it.
        """
        subject = f"{sender}\n{ask.content.get('chain')}".encode()
        headers = {SENDER: str(sender)}
        message_id = base58.encode(sha256(subject))
        self._broker.publish([Message(queue=ASKS, id=message_id, group=str(sender), body=ask.body, headers=headers)])


def _for_this_node(submission: Submission, headers: Mapping[str, str]) -> Message:
    message_id = base58.encode(sha256(submission.body))
    return Message(queue=EVENTS, id=message_id, group=str(submission.chain), body=submission.body, headers=headers)


def _for_another_node(submission: Submission, uri: str, headers: Mapping[str, str]) -> Message:
    """The same bytes to two nodes are two messages."""
    message_id = base58.encode(sha256(uri.encode("ascii") + b"\n" + submission.body))
    return Message(queue=RELAY, id=message_id, group=uri, body=submission.body, headers=headers)
