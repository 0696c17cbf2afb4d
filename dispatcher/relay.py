"""Carrying chain documents, and requests for missing events, to other nodes (paper, 22: the shovel), over a transport.

What a peer's refusal means for the message:

| answer | then |
|--------|------|
| 400, 409, 413, 422, other 4xx | dead letter with the peer's reason: the same bytes will never do |
| 401 | again: a clock that is off, a replayed nonce, a key the peer learns of by an event that is still on its way |
| 403, 404 | again: the event that makes us a member, or makes the chain known there, may arrive after ours |
| 408, 425, 429, 5xx, 3xx, network | again |

To a node with RabbitMQ a message is published: the broker takes it, or cannot be reached, or this node has no login
there, and then it comes again as well. What the other node makes of it, it tells nobody.

Again means with the back-off of `dispatch.RELAY_POLICY`, for about seven days.
"""

from collections.abc import Sequence

from dispatcher.address import is_amqp
from dispatcher.dispatch import Outcome
from dispatcher.errors import PeerNotReadyError
from dispatcher.message import KIND, Message
from dispatcher.ports import Publisher, Transport
from eventchain.core.errors import (
    ForbiddenError,
    LiveContractError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
)

_PATHS = {"chain": "/queue", "ask": "/queue/asks"}
"""Where each kind of message goes at the other node."""

_MAY_PASS = (UnauthenticatedError, ForbiddenError, NotFoundError)


class RelayHandler:
    """Takes each message of the queue `relay` to the node its group names: posts it, or publishes it."""

    def __init__(self, transport: Transport, publisher: Publisher | None = None) -> None:
        """Take what carries messages.

        Args:
            transport: To nodes of the scheme https.
            publisher: To nodes of the scheme amqps; None where this node sends to none.
        """
        self._transport = transport
        self._publisher = publisher

    def __call__(self, messages: Sequence[Message]) -> list[Outcome]:
        """Send messages in order. A node that is away is not tried again for the rest of its messages.

        Returns:
            None for what was taken, else why it was not.
        """
        away: dict[str, UnavailableError] = {}
        outcomes: list[Outcome] = []
        for message in messages:
            outcome = away.get(message.group) or self._send(message)
            if isinstance(outcome, UnavailableError) and not isinstance(outcome, PeerNotReadyError):
                away[message.group] = outcome
            outcomes.append(outcome)
        return outcomes

    def _send(self, message: Message) -> Outcome:
        uri, kind = message.group, message.headers.get(KIND, "chain")
        try:
            if self._publisher and is_amqp(uri):
                self._publisher.send(uri, message.id, kind, message.body)
            else:
                self._transport.post(f"{uri}{_PATHS[kind]}", message.body)
        except _MAY_PASS as error:
            return PeerNotReadyError(f"{message.group} refused for now: {error.message}", path=error.path)
        except LiveContractError as error:
            return error
        except Exception as error:  # noqa: BLE001 - a mistake here counts against this message only
            return error
        return None
