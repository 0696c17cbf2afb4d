"""The HTTP client of system actions: it goes where strangers send it, so it looks where that is.

Scenarios come from counterparties. Addresses that are not public (loopback, private, link-local, multicast, reserved,
tunnels that hide such an address) are refused unless the host is on the allow-list of this node. The name is resolved
once, every address it has is checked, and the connection goes to the address that was checked, so that a name that
changes its mind (DNS rebinding) gains nothing. A node may also say which hosts may be reached at all. Redirects are not
followed. Time and size are limited as a whole.
"""

import contextlib
import ipaddress
import socket
from collections.abc import Callable, Collection
from http.client import HTTPException
from threading import Event, Timer
from urllib.parse import urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import HTTPResponse

from workflow_engine.errors import TriggerError
from workflow_engine.ports import HttpRequest, HttpResponse

TIMEOUT = 20.0
"""Seconds for the whole request; that of LTO's engine."""

MAX_BODY = 49_152
"""Bytes of an answer: more would not fit the event that carries it."""

_CHUNK = 8192

Resolver = Callable[[str, int], list[str]]
"""Gives the addresses of a host, as text."""


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host by the system's resolver.

    Raises:
        OSError: It has none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


def is_public(address: str) -> bool:
    """Tell whether an address is one that anybody on the internet could reach."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        hidden = ip.ipv4_mapped or ip.sixtofour or (ip.teredo and ip.teredo[1])
        if hidden or ip in _NAT64:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


_NAT64 = ipaddress.ip_network("64:ff9b::/32")


class UrllibClient:
    """Makes requests with urllib3.

    Args:
        allowed_hosts: Hosts (`localhost`, `10.0.0.5`, `erp.acme.test:8443`) that may be reached whatever their address.
        targets: The only hosts that may be reached (`erp.acme.test`, `erp.acme.test:8443`, `*.acme.test` for all below
            it); empty for any. One that is private has to be among `allowed_hosts` as well.
        timeout: Seconds for a whole request.
        max_body: Bytes of an answer that are read; a longer one is a failure.
        resolver: Finds the addresses of a host.
    """

    def __init__(
        self,
        allowed_hosts: Collection[str] = (),
        *,
        targets: Collection[str] = (),
        timeout: float = TIMEOUT,
        max_body: int = MAX_BODY,
        resolver: Resolver = resolve,
    ) -> None:
        self._allowed = frozenset(host.lower() for host in allowed_hosts)
        self._targets = frozenset(target.lower() for target in targets)
        self._timeout = timeout
        self._max_body = max_body
        self._resolve = resolver

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send a request and read its answer (see `HttpClient`).

        Raises:
            TriggerError: The address is not allowed, or there was no usable answer.
        """
        parts = urlsplit(request.url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        self._check_target(host.lower(), port)
        connection = self._connection(self._address(host, port), host, port, secure)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {**request.headers, "Host": parts.netloc, "Accept-Encoding": "identity"}
        over = Event()
        watchdog = Timer(self._timeout, _shut, [connection, over])
        watchdog.daemon = True
        watchdog.start()
        try:
            self._connect(connection)
            connection.request(request.method, target, body=request.body, headers=headers, preload_content=False)
            answer = connection.getresponse()
            body = self._read(answer)
        except (HTTPError, HTTPException, OSError, ValueError) as error:
            raise TriggerError(f"{host[:100]} gave no usable answer ({type(error).__name__})") from None
        finally:
            watchdog.cancel()
            connection.close()
        if over.is_set():
            raise TriggerError(f"{host[:100]} takes too long to answer")
        content_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return HttpResponse(status=answer.status, content_type=content_type, body=body)

    def _check_target(self, host: str, port: int) -> None:
        labels = host.split(".")
        above = {f"*.{'.'.join(labels[start:])}" for start in range(1, len(labels))}
        if self._targets and not self._targets & {host, f"{host}:{port}", *above}:
            raise TriggerError(
                f"the host {host[:100]} is none that system actions of this node may reach",
                hint="Add it to http_targets if it should be reached.",
            )

    def _connect(self, connection: HTTPConnection) -> None:
        """Connect, in half the time: from then on whoever ends the request at its time finds a socket to end."""
        connection.timeout = self._timeout / 2
        connection.connect()
        if connection.sock is not None:
            connection.sock.settimeout(self._timeout)

    def _address(self, host: str, port: int) -> str:
        """Return the address to connect to, checked."""
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError):
            raise TriggerError(f"the host {host[:100]} is not known") from None
        if not addresses:
            raise TriggerError(f"the host {host[:100]} has no address")
        if {host.lower(), f"{host.lower()}:{port}"} & self._allowed:
            return addresses[0]
        if not all(is_public(address) for address in addresses):
            raise TriggerError(
                f"the host {host[:100]} has an address that is not public",
                hint="Add the host to the allowed hosts of this node if it should be reached.",
            )
        return addresses[0]

    def _connection(self, address: str, host: str, port: int, secure: bool) -> HTTPConnection:
        if not secure:
            return HTTPConnection(address, port, timeout=self._timeout)
        return HTTPSConnection(
            address,
            port,
            timeout=self._timeout,
            cert_reqs="CERT_REQUIRED",
            server_hostname=host,
            assert_hostname=host,
        )

    def _read(self, answer: HTTPResponse) -> bytes:
        body = b""
        while chunk := answer.read(_CHUNK, decode_content=False):
            body += chunk
            if len(body) > self._max_body:
                raise TriggerError(f"the answer is larger than {self._max_body} bytes")
        return body


def _shut(connection: HTTPConnection, over: Event) -> None:
    """End a connection whose time is over, however slowly the other side keeps talking."""
    over.set()
    if connection.sock is not None:
        with contextlib.suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)
