"""What the dispatcher needs from others."""

from collections.abc import Mapping
from typing import Any, Protocol

from eventchain.core.keys import PublicKey


class Transport(Protocol):
    """Carries bytes to another node: `dispatcher.client.HttpTransport` over signed HTTP, a simulation by a call."""

    def post(self, url: str, body: bytes) -> None:
        """Send a JSON document, and return when the other side has taken it.

        Raises:
            UnavailableError: It could not be reached, or is busy.
            LiveContractError: It refused; the family says why.
        """


class Publisher(Protocol):
    """Carries messages to nodes with RabbitMQ: `dispatcher.amqp_transport.AmqpTransport`."""

    def send(self, uri: str, message_id: str, kind: str, body: bytes) -> None:
        """Seal a message, hand it to another node's broker, and return when that has it.

        Raises:
            InvalidDestinationError: The URI names no broker.
            UnavailableError: This node has no login there, or the broker is away.
        """


class Doorkeeper(Protocol):
    """Knows who may use this node's queue."""

    def admit(self, caller: PublicKey, document: Mapping[str, Any]) -> None:
        """Check that a caller may hand in this chain document.

        Raises:
            ForbiddenError: It may not.
        """

    def hears(self, caller: PublicKey, document: Mapping[str, Any]) -> bool:
        """Whether a caller may ask this for missing events: it takes part in the chain named, or in any.

        Raises:
            InvalidError: The document is no ask.
        """

    def check_operator(self, caller: PublicKey) -> None:
        """Check that a caller runs this node.

        Raises:
            ForbiddenError: It does not.
        """
