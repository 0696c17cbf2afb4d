"""How this node and those of other organisations reach each other's brokers, put together from the configuration."""

import ssl
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import urllib3

from dispatcher.address import PEER_PREFIX, AmqpAddress, Login, Logins, is_amqp
from dispatcher.amqp_transport import AmqpTransport
from dispatcher.management import Management
from dispatcher.outward import Outward
from dispatcher.shovels import Shovels
from eventchain.core.clock import Clock
from eventchain.core.errors import LiveContractError
from eventchain.core.keys import KeyPair, Random
from livecontract.config import Config
from livecontract.errors import InvalidConfigError

API_PORTS = {"amqp": ("http", 15672), "amqps": ("https", 15671)}
"""Where RabbitMQ's management API is without a setting."""


@dataclass(frozen=True, kw_only=True)
class Peering:
    """What a node needs to exchange messages with nodes that have RabbitMQ.

    Attributes:
        outward: Decides which way a message takes.
        publisher: Publishes to brokers of others what no shovel carries.
        shovels: Watches the shovels of this node's own broker; None where its queue is no RabbitMQ.
        inbound: This node's URI where others leave messages in its broker, or None.
    """

    outward: Outward
    publisher: AmqpTransport
    shovels: Shovels | None
    inbound: str | None

    def notice(self, queues: set[str]) -> None:
        """Be told into which queues messages for others were published."""
        if self.shovels:
            for queue in queues:
                if queue.startswith(PEER_PREFIX):
                    self.shovels.notice(queue)


def open_peering(config: Config, key: KeyPair, clock: Clock, random: Random) -> Peering:
    """Put together what the configuration says; nothing is connected yet.

    Raises:
        InvalidConfigError: A login, or a certificate, cannot be used.
    """
    logins = read_logins(config)
    has_rabbitmq = is_amqp(config.broker)
    takes_in = has_rabbitmq and is_amqp(config.uri)
    shovels = None
    if has_rabbitmq:
        shovels = Shovels(open_management(config), logins, clock, takes_in=takes_in)
    return Peering(
        outward=Outward(key, clock, logins if has_rabbitmq else None),
        publisher=AmqpTransport(key, logins, clock, random, ca=config.broker_ca, certificate=config.broker_certificate),
        shovels=shovels,
        inbound=config.uri if takes_in else None,
    )


def read_logins(config: Config) -> Logins:
    """Return the logins at other brokers that the setting `peers` holds.

    Raises:
        InvalidConfigError: One cannot be used; it is named by its place, because it holds a password.
    """
    logins = []
    for number, text in enumerate(config.peers, start=1):
        try:
            logins.append(Login.parse(text))
        except LiveContractError as error:
            raise InvalidConfigError(f"peers, item {number}: {error.message}", path="peers", hint=error.hint) from None
    return Logins(logins)


def open_management(config: Config, login: tuple[str, str] | None = None) -> Management:
    """Return a client of the management API of this node's own broker.

    Args:
        config: Of the node.
        login: Another user and password than the node's own.

    Raises:
        InvalidConfigError: The queue is no RabbitMQ, or a certificate cannot be read.
    """
    if not is_amqp(config.broker):
        raise InvalidConfigError(
            "this node's queue is no RabbitMQ",
            path="broker",
            hint="Set broker to amqps://<user>@<host>/<virtual host>.",
        )
    parts = urlsplit(config.broker)
    address = AmqpAddress.parse(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")
    scheme, port = API_PORTS[address.scheme]
    host = f"[{address.host}]" if ":" in address.host else address.host
    user, password = login or (unquote(parts.username or "guest"), config.broker_password or "")
    return Management(
        config.broker_api or f"{scheme}://{host}:{port}",
        user=user,
        password=password,
        vhost=address.vhost,
        pool=_pool(config),
    )


def _pool(config: Config) -> urllib3.PoolManager:
    """Return connections that verify the API's certificate as the broker's is."""
    try:
        context = ssl.create_default_context(cafile=str(config.broker_ca) if config.broker_ca else None)
        if config.broker_certificate:
            context.load_cert_chain(config.broker_certificate)
    except (OSError, ssl.SSLError) as error:
        raise InvalidConfigError(f"a certificate for the broker cannot be read: {error}", path="broker_ca") from None
    return urllib3.PoolManager(ssl_context=context, maxsize=2)
