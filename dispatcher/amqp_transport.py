"""Publishing to another node's broker, for messages that no shovel carries.

As a shovel does: sealed, to the exchange `inbound`, with confirm and `mandatory`, under the account that the other
node's operator made. A connection is kept while messages go there, and given up when others do.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pika

from dispatcher.address import AmqpAddress, Login, Logins
from dispatcher.envelope import seal
from dispatcher.errors import PeerNotReadyError, PeerUnreachableError
from dispatcher.message import Message
from dispatcher.rabbitmq_connection import Link
from dispatcher.rabbitmq_message import properties
from dispatcher.rabbitmq_publisher import Outgoing, Publisher
from dispatcher.rabbitmq_settings import RabbitSettings, parameters
from dispatcher.shovels import INBOUND
from eventchain.core.clock import Clock
from eventchain.core.errors import UnavailableError
from eventchain.core.keys import KeyPair, Random

IDLE_MS = 60_000
"""How long an unused connection is kept."""


@dataclass(slots=True)
class _Open:
    link: Link
    publisher: Publisher
    used: int


class AmqpTransport:
    """The real `dispatcher.ports.Publisher`. Safe to use from many threads."""

    def __init__(
        self,
        key: KeyPair,
        logins: Logins,
        clock: Clock,
        random: Random,
        *,
        ca: Path | None = None,
        certificate: Path | None = None,
    ) -> None:
        """Make a transport; nothing is connected yet.

        Args:
            key: The node's system key, which seals.
            logins: At other nodes.
            clock: Milliseconds since 1970.
            random: Spreads reconnects.
            ca: PEM file of who signs the other brokers' certificates, unless a login names one; None for those the
                system trusts.
            certificate: PEM file of our certificate and key, for brokers that ask for one.
        """
        self._key = key
        self._logins = logins
        self._clock = clock
        self._random = random
        self._ca = ca
        self._certificate = certificate
        self._lock = threading.Lock()
        self._open: dict[AmqpAddress, _Open] = {}

    def send(self, uri: str, message_id: str, kind: str, body: bytes) -> None:
        """See `dispatcher.ports.Publisher.send`."""
        address = AmqpAddress.parse(uri)
        login = self._logins.find(address)
        if login is None:
            raise PeerNotReadyError(
                f"this node has no login at {address.uri}",
                hint="Ask its operator for one (`livecontract peer allow`) and add it to the setting peers.",
            )
        headers = seal(self._key, uri, message_id, kind, body, time=self._clock())
        message = Message(queue=INBOUND, id=message_id, group=uri, body=body, headers=headers)
        try:
            self._publisher(login).publish([Outgoing(INBOUND, properties(message), body, INBOUND)])
        except UnavailableError as error:
            raise PeerUnreachableError(f"{address.uri}: {error.message}") from error

    def close(self) -> None:
        """End all connections."""
        for item in self._taken(lambda _: True):
            item.link.close()

    def _publisher(self, login: Login) -> Publisher:
        now = self._clock()
        for item in self._taken(lambda item: now - item.used > IDLE_MS):
            item.link.close()
        with self._lock:
            found = self._open.get(login.address)
            if found is None:
                link = Link(self._parameters(login), self._random)
                found = self._open[login.address] = _Open(link, Publisher(link), now)
            found.used = now
            return found.publisher

    def _taken(self, is_wanted: Callable[[_Open], bool]) -> list[_Open]:
        """Take connections out of those that are kept."""
        with self._lock:
            taken = {address: item for address, item in self._open.items() if is_wanted(item)}
            for address in taken:
                del self._open[address]
        return list(taken.values())

    def _parameters(self, login: Login) -> pika.ConnectionParameters:
        ca = login.options.get("cacertfile")
        bare = replace(login, password="")  # given beside the URL
        return parameters(
            RabbitSettings(
                url=bare.url().replace(":@", "@", 1),
                password=login.password,
                ca=Path(ca) if ca else self._ca,
                certificate=self._certificate,
                name="livecontract to a peer",
            )
        )
