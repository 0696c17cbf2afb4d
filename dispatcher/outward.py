"""Which way a message takes to another node, decided by the scheme of its URI and by what this node has.

| to    | this node's queue           | way |
|-------|-----------------------------|-----|
| https | any                         | queue `relay`; its worker posts (`relay`, `client`) |
| amqps | RabbitMQ, and a login there | queue of the destination; RabbitMQ carries it (`shovels`) |
| amqps | another, or no login yet    | queue `relay`; its worker publishes once there is a login (`amqp_transport`) |

Without a login no queue is made for a destination: the parties of a chain choose the URIs of their nodes, and a queue
for each would let them fill the broker. In `relay` such messages wait with a reason, for about seven days.
"""

from dispatcher.address import AmqpAddress, Logins, is_amqp
from dispatcher.envelope import CHAIN, seal
from dispatcher.errors import InvalidDestinationError
from dispatcher.message import KIND, RELAY, Message
from eventchain.core.clock import Clock
from eventchain.core.keys import KeyPair


class Outward:
    """Makes the messages that leave this node."""

    def __init__(self, key: KeyPair, clock: Clock, logins: Logins | None = None) -> None:
        """Take what is needed.

        Args:
            key: The node's system key, which seals.
            clock: Milliseconds since 1970.
            logins: At other nodes, where this node's queue is RabbitMQ; None where it is not.
        """
        self._key = key
        self._clock = clock
        self._logins = logins or Logins()

    def message(self, uri: str, message_id: str, kind: str, body: bytes) -> Message:
        """Return the message as it waits in this node.

        Args:
            uri: Of the other node.
            message_id: Names the message.
            kind: `chain` or `ask`.
            body: JSON.
        """
        queue = self._queue(uri)
        if queue is None:
            marks = {} if kind == CHAIN else {KIND: kind}
            return Message(queue=RELAY, id=message_id, group=uri, body=body, headers=marks)
        headers = seal(self._key, uri, message_id, kind, body, time=self._clock())
        return Message(queue=queue, id=message_id, group=uri, body=body, headers=headers)

    def _queue(self, uri: str) -> str | None:
        if not is_amqp(uri):
            return None
        try:
            address = AmqpAddress.parse(uri)
        except InvalidDestinationError:
            return None  # the relay worker says what is wrong with it
        return address.queue if self._logins.find(address) else None
