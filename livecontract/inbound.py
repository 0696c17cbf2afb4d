"""What other nodes leave in the queue `inbound` of this node's broker.

Anybody with an account at the broker may put anything there. A message counts only if its seal names its sender and
this node; then it goes the way of what that sender would have posted to `/queue` or `/queue/asks`, and the door of the
event chain judges the sender. Everything else is a dead letter with its reason, in a queue that is bounded.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import structlog

from dispatcher.dispatch import Handler, Outcome
from dispatcher.enqueue import MAX_ASK, SENDER
from dispatcher.envelope import ASK, Envelope, open_envelope
from dispatcher.errors import InvalidSealError
from dispatcher.message import Message
from eventchain.core.clock import Clock
from eventchain.core.errors import LiveContractError, TooLargeError
from eventchain.core.keys import PublicKey
from eventchain.core.strict_json import MAX_BYTES

QUEUE = "inbound"

MAX_ASK_AGE_MS = 60 * 60 * 1000
"""An ask is answered if it was sealed within the hour: who still needs it asks again, and an old one was replayed."""

log = structlog.get_logger(__name__)


class InboundHandler:
    """Opens sealed messages and hands them on: those of chains together, for one durable write."""

    def __init__(self, uri: str, events: Handler, ask: Callable[[PublicKey, bytes], None], clock: Clock) -> None:
        """Take what is needed.

        Args:
            uri: This node's own, for which messages are sealed.
            events: Handles chain documents; reads the sender from the header `sender`.
            ask: Takes a request of a node for missing events, or forgets it.
            clock: Milliseconds since 1970.
        """
        self._uri = uri
        self._events = events
        self._ask = ask
        self._clock = clock

    def __call__(self, messages: Sequence[Message]) -> list[Outcome]:
        """Return an outcome for each message."""
        outcomes: dict[int, Outcome] = {}
        chains: dict[int, Message] = {}
        for index, message in enumerate(messages):
            try:
                envelope = self._open(message)
                if envelope.kind == ASK:
                    outcomes[index] = self._take_ask(envelope, message.body)
                else:
                    chains[index] = replace(message, headers={SENDER: str(envelope.sender)})
            except LiveContractError as error:
                log.warning("message refused", message=message.id, reason=error.message, sender=_claimed(message))
                outcomes[index] = error
        if chains:
            outcomes |= zip(chains, self._events(list(chains.values())), strict=True)
        return [outcomes[index] for index in range(len(messages))]

    def _open(self, message: Message) -> Envelope:
        if len(message.body) > MAX_BYTES:
            raise TooLargeError(f"a message has at most {MAX_BYTES} bytes, not {len(message.body)}")
        return open_envelope(message.headers, message.body, self._uri)

    def _take_ask(self, envelope: Envelope, body: bytes) -> Outcome:
        if len(body) > MAX_ASK:
            raise TooLargeError(f"an ask has at most {MAX_ASK} bytes, not {len(body)}")
        if abs(self._clock() - envelope.time) > MAX_ASK_AGE_MS:
            raise InvalidSealError("the ask was sealed more than an hour ago", hint="Compare the clocks.")
        try:
            self._ask(envelope.sender, body)
        except LiveContractError as error:
            return error
        return None


def _claimed(message: Message) -> str:
    """Return the key a refused message names as its sender; anybody may have written it."""
    headers: Mapping[str, str] = message.headers
    return headers.get("seal-sender", "")[:64]
