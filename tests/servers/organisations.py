"""Organisations for tests: each has a virtual host on a real RabbitMQ, and an account at others where they allow it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pika
from pika.adapters.blocking_connection import BlockingChannel

from dispatcher.address import Login
from dispatcher.management import Management
from dispatcher.shovels import INBOUND
from livecontract.demo.private_server import HOST
from livecontract.demo.rabbitmq_server import ADMINISTRATOR
from tests.servers.rabbitmq import NewVhost, Vhost, with_password

QUORUM = {"x-queue-type": "quorum"}
PATIENCE = 60.0

T = TypeVar("T")


def eventually(look: Callable[[], T], holds: Callable[[T], bool] = bool) -> T:
    """Look until what is seen is as it should be, and return it."""
    end = time.monotonic() + PATIENCE
    while not holds(seen := look()):
        assert time.monotonic() < end, f"it stayed at {seen!r}"
        time.sleep(0.05)
    return seen


@dataclass(frozen=True)
class Organisation:
    """A virtual host, seen by the organisation that runs it."""

    vhost: Vhost

    @classmethod
    def make(cls, new_vhost: NewVhost) -> "Organisation":
        vhost = new_vhost()
        vhost.server.add_user(vhost.user, vhost.password, "policymaker,monitoring")
        return cls(vhost)

    @property
    def uri(self) -> str:
        """Its node URI."""
        return f"amqp://{HOST}:{self.vhost.server.port}/{self.vhost.path}"

    def management(self, *, as_administrator: bool = False) -> Management:
        user, password = (
            (ADMINISTRATOR, self.vhost.server.password) if as_administrator else (self.vhost.user, self.vhost.password)
        )
        return Management(self.vhost.server.api_url, user=user, password=password, vhost=self.vhost.name)

    def channel(self) -> BlockingChannel:
        connection = pika.BlockingConnection(pika.URLParameters(self.vhost.url_with_password))
        channel = connection.channel()
        channel.confirm_delivery()
        return channel

    def take_in(self) -> None:
        """Make the queue that a node's broker makes, and the exchange before it."""
        channel = self.channel()
        channel.queue_declare(INBOUND, durable=True, arguments=QUORUM)
        channel.connection.close()
        self.management().bind(INBOUND, INBOUND)

    def publish(self, queue: str, *bodies: bytes) -> None:
        """Publish to a local queue, which is made first."""
        channel = self.channel()
        channel.queue_declare(queue, durable=True, arguments=QUORUM)
        channel.connection.close()
        for body in bodies:
            eventually(lambda body=body: self._is_confirmed(queue, body))  # type: ignore[misc]  # default of a lambda

    def _is_confirmed(self, queue: str, body: bytes) -> bool:
        """Publish a message; a quorum queue that has no leader yet, after a restart, refuses it."""
        channel = self.channel()
        try:
            channel.basic_publish("", queue, body, pika.BasicProperties(delivery_mode=2), mandatory=True)
        except pika.exceptions.NackError:
            return False
        finally:
            channel.connection.close()
        return True

    def bodies(self, queue: str = INBOUND) -> list[bytes]:
        """Take what is in a queue."""
        channel, found = self.channel(), []
        while (item := channel.basic_get(queue, auto_ack=True))[2] is not None:
            found.append(item[2])
        channel.connection.close()
        return found

    def count(self, queue: str) -> int:
        channel = self.channel()
        count = channel.queue_declare(queue, passive=True).method.message_count
        channel.connection.close()
        return int(count)

    def receive(self, wanted: Sequence[bytes], meanwhile: Callable[[], object] = lambda: None) -> None:
        """Wait until these messages came in, in any order, and no other; do something again and again meanwhile."""
        came: list[bytes] = []

        def look() -> list[bytes]:
            meanwhile()
            came.extend(self.bodies())
            return came

        eventually(look, lambda bodies: len(bodies) >= len(wanted))
        assert sorted(came) == sorted(wanted)

    def allow(self, user: str) -> Login:
        """Make an account for another organisation, and return how it logs in."""
        server = self.vhost.server
        server.add_user(user, "secret")
        server.permit(self.vhost.name, user, configure="^$", write=f"^{INBOUND}$", read="^$")
        return Login.parse(with_password(self.uri.replace("://", f"://{user}@"), "secret"))

    def api(self, method: str, path: str) -> Any:
        return self.vhost.server.api(method, path)
