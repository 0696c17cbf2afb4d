"""Where a RabbitMQ broker is, who we are there, and how connections to it are made."""

import ssl
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pika

from dispatcher.errors import BrokerUnreachableError

PORT = 5672
TLS_PORT = 5671

ANSWER_SECONDS = 10.0
"""How long anything is waited for: an answer, a confirm, a connection that is being made."""

HEARTBEAT_SECONDS = 20
"""A connection over which nothing came for twice as long is given up (RabbitMQ recommends 5 to 20 seconds)."""

BLOCKED_SECONDS = 60
"""A connection that the broker blocks (memory, disk) for so long is made anew."""

_SOCKET_SECONDS = 5.0

_FRAME_HEAD = struct.Struct(">BHL")  # type, channel, size of the payload
_BODY_SIZE_AT = _FRAME_HEAD.size + 4  # after the class and the weight


@dataclass(frozen=True, slots=True, kw_only=True)
class RabbitSettings:
    """Where the broker is, and who we are.

    Attributes:
        url: `amqp[s]://<user>@<host>[:<port>]/<virtual host>`; without a virtual host, `/`.
        password: Of the user.
        ca: PEM file of who signs the broker's certificate; None for those the system trusts.
        certificate: PEM file of our own certificate and key, for brokers that ask for one.
        name: Shown in the broker's list of connections.
    """

    url: str
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None
    certificate: Path | None = None
    name: str = "livecontract"


def parameters(settings: RabbitSettings) -> pika.ConnectionParameters:
    """Return the settings as pika takes them.

    Raises:
        BrokerUnreachableError: A certificate cannot be read.
    """
    parts = urlsplit(settings.url)
    is_tls = parts.scheme == "amqps"
    host = parts.hostname or "localhost"
    password = settings.password if settings.password is not None else unquote(parts.password or "")
    return pika.ConnectionParameters(
        host=host,
        port=parts.port or (TLS_PORT if is_tls else PORT),
        virtual_host=unquote(parts.path[1:]) or "/",
        credentials=pika.PlainCredentials(unquote(parts.username or ""), password),
        ssl_options=pika.SSLOptions(_tls_context(settings), host) if is_tls else None,
        heartbeat=HEARTBEAT_SECONDS,
        blocked_connection_timeout=BLOCKED_SECONDS,
        socket_timeout=_SOCKET_SECONDS,
        stack_timeout=ANSWER_SECONDS,
        connection_attempts=1,
        client_properties={"connection_name": settings.name},
    )


def _tls_context(settings: RabbitSettings) -> ssl.SSLContext:
    """Return a context that checks the broker's certificate and its host name."""
    file = settings.ca
    try:
        context = ssl.create_default_context(cafile=str(file) if file else None)
        if file := settings.certificate:
            context.load_cert_chain(file)
    except OSError as error:
        is_content = isinstance(error, ssl.SSLError)
        reason = "there is no certificate in it, or no key to it" if is_content else error.strerror
        raise BrokerUnreachableError(f"{file}, a certificate for the broker, cannot be read: {reason}") from None
    return context


class TolerantConnection(pika.SelectConnection):  # type: ignore[misc] # pika has no types
    """A connection that outlives properties which pika cannot read.

    Foreign publishers choose the properties of their messages: a timestamp in the year 10^12, an infinite float, a
    table in a table in a table. Without this, each delivery of such a message would end the connection.
    """

    def _read_frame(self) -> Any:
        try:
            return super()._read_frame()
        except pika.exceptions.InvalidFrameError:
            raise
        except Exception:
            kind, channel, size = _FRAME_HEAD.unpack_from(self._frame_buffer)
            if kind != pika.spec.FRAME_HEADER:
                raise
            (body_size,) = struct.unpack_from(">Q", self._frame_buffer, _BODY_SIZE_AT)
            header = pika.frame.Header(channel, body_size, pika.BasicProperties())
            return _FRAME_HEAD.size + size + pika.spec.FRAME_END_SIZE, header
