"""Accounts of other organisations' nodes at this node's broker: they may publish to `inbound`, and nothing else.

What RabbitMQ lets such an account do nevertheless: see whether a queue or exchange of a given name is there and how
many messages a queue holds (passive declare), and hold the connections and channels it is allowed.
"""

import base64
import re
from dataclasses import dataclass
from urllib.parse import quote

from dispatcher.address import AmqpAddress, Login, is_amqp
from dispatcher.management import Management
from dispatcher.shovels import INBOUND
from eventchain.core.errors import ConflictError, InvalidError, NotFoundError
from eventchain.core.keys import Random
from livecontract.errors import InvalidConfigError

NOTHING = "^$"
RIGHTS = (NOTHING, f"^{INBOUND}$", NOTHING)
"""Patterns of what an account may configure, write to and read."""

MAX_CONNECTIONS = 16
"""A shovel takes one; a node without RabbitMQ takes one for each process that relays."""

MAX_CHANNELS = 32

PASSWORD_BYTES = 24

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerAccount:
    """An account of another organisation.

    Attributes:
        name: Of the organisation, as we call it.
        user: Of the account, on the whole broker.
        is_least: Whether it may do exactly what it needs.
    """

    name: str
    user: str
    is_least: bool


class PeerAccounts:
    """Makes, lists and removes them. The management API's user has to be an administrator of the broker."""

    def __init__(self, management: Management, uri: str, random: Random) -> None:
        """Take what is needed.

        Args:
            management: Of this node's broker and virtual host.
            uri: This node's URI, which others connect to.
            random: Makes passwords.

        Raises:
            InvalidConfigError: Other nodes do not reach this one by its broker.
        """
        if not is_amqp(uri):
            raise InvalidConfigError(
                "other nodes do not reach this one by its broker",
                path="node_uri",
                hint="Set node_uri to amqps://<host>/<virtual host>, as others reach it.",
            )
        self._management = management
        self._address = AmqpAddress.parse(uri)
        self._random = random

    def allow(self, name: str, *, renew: bool = False) -> str:
        """Make an account, and return the URL to hand to the other organisation: a secret.

        Args:
            name: Of the organisation: lower-case letters, digits and hyphens.
            renew: Whether an account that is there gets a new password.

        Raises:
            InvalidError: The name cannot be used.
            ConflictError: There is an account of this name.
            LiveContractError: The broker refuses, or is away.
        """
        user = self._user(name)
        if not renew and user in self._management.users():
            raise ConflictError(
                f"{name} has an account already", hint="Give --renew for a new password; the old one then ends."
            )
        password = base64.urlsafe_b64encode(self._random(PASSWORD_BYTES)).decode("ascii")
        self._management.put_user(user, password)
        self._management.limit_user(user, "max-connections", MAX_CONNECTIONS)
        self._management.limit_user(user, "max-channels", MAX_CHANNELS)
        configure, write, read = RIGHTS
        self._management.permit(user, configure=configure, write=write, read=read)
        return Login(address=self._address, user=user, password=password).url()

    def all(self) -> list[PeerAccount]:
        """Return the accounts there are, by name."""
        rights = self._management.permissions()
        prefix = self._prefix()
        return [
            PeerAccount(name=user.removeprefix(prefix), user=user, is_least=rights.get(user) == RIGHTS)
            for user in sorted(self._management.users())
            if user.startswith(prefix) and _NAME.match(user.removeprefix(prefix))
        ]

    def remove(self, name: str) -> None:
        """Remove an account, and end its connections.

        Raises:
            NotFoundError: There is none of this name.
        """
        user = self._user(name)
        try:
            self._management.delete_user(user)
        except NotFoundError:
            raise NotFoundError(f"there is no account of {name}", hint="See `livecontract peer list`.") from None
        self._management.close_connections(user)

    def _user(self, name: str) -> str:
        if not _NAME.match(name):
            raise InvalidError(
                "the name of a peer has 1 to 40 lower-case letters, digits and hyphens", hint="Such as acme-ltd."
            )
        return self._prefix() + name

    def _prefix(self) -> str:
        """Accounts belong to the whole broker, on which other nodes may have virtual hosts."""
        return f"peer.{quote(self._management.vhost, safe='')}."
