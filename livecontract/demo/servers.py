"""The servers under the nodes of the demonstration, where it is asked for them: RabbitMQ, and one like MongoDB.

One server of each kind serves all three organisations, as one machine is enough for a demonstration; each organisation
has a virtual host and a database of its own, into which nobody else can look. Their nodes meet as they would across the
world: a shovel of the one publishes to the exchange `inbound` of the other, by an account that may do nothing else.
"""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from livecontract.demo.mongodb_server import MongodbServer
from livecontract.demo.private_server import HOST
from livecontract.demo.rabbitmq_server import RabbitServer

OWN_TAGS = "policymaker,monitoring"
"""What RabbitMQ asks of a node's user: shovels and policies take the first, their state the second."""


class Servers:
    """Nothing, or a RabbitMQ, or a MongoDB, or both.

    Attributes:
        rabbitmq: The broker, or None where each node has a queue in a file.
        mongodb: The database server, or None where each node has a store in a file.
    """

    def __init__(self, rabbitmq: RabbitServer | None = None, mongodb: MongodbServer | None = None) -> None:
        self.rabbitmq = rabbitmq
        self.mongodb = mongodb
        self._passwords: dict[str, str] = {}

    @classmethod
    def below(cls, directory: Path, *, rabbitmq: bool, mongodb: Path | None) -> "Servers":
        """Prepare the servers asked for, with all they write below a directory.

        Args:
            directory: Of the demonstration.
            rabbitmq: Whether there is a broker.
            mongodb: The program of the database server, if there is one; see `MongodbServer`.
        """
        return cls(
            RabbitServer(directory / "rabbitmq") if rabbitmq else None,
            MongodbServer(directory / "mongodb", mongodb) if mongodb else None,
        )

    def start(self, roles: Sequence[str]) -> None:
        """Start them, and let each organisation into its own part and up to the doors of the others.

        Raises:
            UnavailableError: A server is not installed, or does not start.
        """
        if self.mongodb:
            self.mongodb.start()
        if self.rabbitmq:
            self.rabbitmq.start()
            for role in roles:
                self._furnish(self.rabbitmq, role, [other for other in roles if other != role])

    def stop(self) -> None:
        """End them."""
        for server in (self.rabbitmq, self.mongodb):
            if server:
                server.stop()

    def settings(self, role: str, roles: Sequence[str]) -> Mapping[str, str]:
        """Return what the node of an organisation has to know of them; the same before and after the start."""
        settings: dict[str, str] = {}
        if self.mongodb:
            settings["store"] = self.mongodb.url(role)
        if server := self.rabbitmq:
            peers = [
                f"amqp://{_visitor(role)}:{self._password(_visitor(role))}@{HOST}:{server.port}/{other}"
                for other in roles
                if other != role
            ]
            settings |= {
                "broker": server.url(role, role),
                "broker_password": self._password(role),
                "broker_api": server.api_url,
                "node_uri": f"amqp://{HOST}:{server.port}/{role}",
                "peers": ",".join(peers),
            }
        return settings

    def describe(self) -> list[str]:
        """Return a line for each server."""
        lines = []
        if self.rabbitmq:
            lines.append(f"{'RabbitMQ':<20} amqp://{HOST}:{self.rabbitmq.port}  (process {self.rabbitmq.pid})")
        if self.mongodb:
            name = self.mongodb.program.name.partition("-")[0]  # what is built ends in a hash of its sources
            lines.append(f"{name:<20} {self.mongodb.url().rstrip('/')}  (process {self.mongodb.pid})")
        return lines

    def _furnish(self, server: RabbitServer, role: str, others: Sequence[str]) -> None:
        server.add_vhost(role)
        server.add_user(role, self._password(role), OWN_TAGS)
        server.permit(role, role)
        for other in others:
            server.add_user(_visitor(other), self._password(_visitor(other)))
            server.permit(role, _visitor(other), configure="^$", write="^inbound$", read="^$")

    def _password(self, user: str) -> str:
        return self._passwords.setdefault(user, secrets.token_urlsafe(24))


def _visitor(role: str) -> str:
    """Return the account by which an organisation's shovels reach the others."""
    return f"{role}-as-peer"
