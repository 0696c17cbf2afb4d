"""Where nodes with RabbitMQ are reached: node URIs of the schemes amqp and amqps, and how one logs in there.

```
amqps://broker.example.com:5671/acme       a node URI, as an identity names it: scheme, host, port, virtual host
amqps://us:secret@broker.example.com/acme?cacertfile=/etc/ssl/acme.pem       a login, as the operator configures it
```

Default ports are 5672, and 5671 for amqps. Without a path the virtual host is `/` (RabbitMQ URI specification). A login
belongs to a node only if the scheme fits too: who names a node `amqp:` does not get a password sent without TLS.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from dispatcher.errors import InvalidDestinationError
from eventchain.core.hashing import sha256

PORTS: Mapping[str, int] = {"amqp": 5672, "amqps": 5671}

PEER_PREFIX = "peer-"
"""Begins the names of queues, and of shovels, that lead to other nodes."""

MAX_URI = 2048

_OPTIONS = frozenset({"cacertfile", "certfile", "keyfile"})
"""What a login may say of TLS; that the other side is verified cannot be switched off."""

_READABLE = 20
_HASH = 12
"""Hexadecimal digits: 48 bits tell the peers of one node apart."""

_MAX_VHOST = 255
"""Bytes of a short string of AMQP 0-9-1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmqpAddress:
    """A virtual host on a RabbitMQ broker.

    Attributes:
        scheme: `amqp` or `amqps`.
        host: In lower case.
        port: Of AMQP.
        vhost: Decoded.
    """

    scheme: str
    host: str
    port: int
    vhost: str

    @classmethod
    def parse(cls, uri: str) -> "AmqpAddress":
        """Read a node URI.

        Raises:
            InvalidDestinationError: Another scheme, no host, or with user, query or fragment.
        """
        parts = _split(uri)
        if "@" in parts.netloc or "?" in uri or "#" in uri:
            raise InvalidDestinationError("the URI of a node has no user, query or fragment")
        return _address(parts)

    @property
    def uri(self) -> str:
        """The one spelling that all spellings of this address share."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}/{quote(self.vhost, safe='')}"

    @property
    def queue(self) -> str:
        """Name of the local queue whose messages go there: something to read, and a hash that tells it apart."""
        readable = re.sub(r"[^a-z0-9]+", "-", self.host).strip("-")[:_READABLE].strip("-") or "node"
        return f"{PEER_PREFIX}{readable}-{sha256(self.uri.encode('utf-8')).hex()[:_HASH]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How this node logs in at another node's broker.

    Attributes:
        address: Of the other node.
        user: The account that its operator made for us.
        password: Of the account.
        options: TLS files: `cacertfile`, `certfile`, `keyfile`. Paths on the machine that connects: that of our broker
            for a shovel, else that of this node.
    """

    address: AmqpAddress
    user: str
    password: str = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Login":
        """Read an item of the setting `peers`.

        Raises:
            InvalidDestinationError: It is none; what is secret in it is not repeated.
        """
        parts = _split(text)
        if not parts.username or not parts.password:
            raise InvalidDestinationError("a login has a user and a password")
        options = dict(parse_qsl(parts.query))
        if unknown := sorted(options.keys() - _OPTIONS):
            raise InvalidDestinationError(f"a login knows no option {unknown[0][:40]}")
        return cls(
            address=_address(parts),
            user=unquote(parts.username),
            password=unquote(parts.password),
            options=options,
        )

    def url(self, **parameters: str | int) -> str:
        """Return the address with user, password and query, as RabbitMQ's Erlang client reads it."""
        scheme, rest = self.address.uri.split("://", 1)
        query = f"?{urlencode(parameters, safe='/')}" if parameters else ""
        return f"{scheme}://{quote(self.user, safe='')}:{quote(self.password, safe='')}@{rest}{query}"


class Logins:
    """The logins of this node, found by address. Never changes."""

    def __init__(self, logins: Iterable[Login] = ()) -> None:
        self._by_address = {login.address: login for login in logins}

    def find(self, address: AmqpAddress) -> Login | None:
        """Return the login for an address, or None."""
        return self._by_address.get(address)

    def all(self) -> list[Login]:
        """Return every login."""
        return list(self._by_address.values())


def is_amqp(uri: str) -> bool:
    """Whether a node URI names a RabbitMQ broker."""
    scheme, separator, _ = uri.partition("://")
    return bool(separator) and scheme.lower() in PORTS


def normal_uri(uri: str) -> str:
    """Return the one spelling of a node URI of any scheme, to compare it by.

    Raises:
        InvalidDestinationError: It is no URI of a node.
    """
    return _normal_amqp(uri) if is_amqp(uri) else uri.rstrip("/")


@lru_cache(maxsize=256)
def _normal_amqp(uri: str) -> str:
    return AmqpAddress.parse(uri).uri


def _split(uri: str) -> SplitResult:
    if len(uri) > MAX_URI or not uri.isascii() or not uri.isprintable() or " " in uri or "\\" in uri:
        raise InvalidDestinationError("the URI of a node is plain ASCII of limited length")
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        raise InvalidDestinationError("not a URI that can be sent to") from None
    if parts.scheme not in PORTS or not parts.hostname or port == 0:
        raise InvalidDestinationError(
            "not the URI of a RabbitMQ broker", hint="Such as amqps://broker.example.com/acme."
        )
    return parts


def _address(parts: SplitResult) -> AmqpAddress:
    try:
        vhost = unquote(parts.path.removeprefix("/"), errors="strict") or "/"
    except UnicodeDecodeError:
        raise InvalidDestinationError("the virtual host in a node's URI is no UTF-8 text") from None
    if "/" in parts.path.removeprefix("/") or not vhost.isprintable() or len(vhost.encode("utf-8")) > _MAX_VHOST:
        raise InvalidDestinationError("a node's URI names one virtual host; a / in its name is written %2F")
    return AmqpAddress(
        scheme=parts.scheme,
        host=str(parts.hostname).lower(),
        port=parts.port or PORTS[parts.scheme],
        vhost=vhost,
    )
