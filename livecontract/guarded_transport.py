"""A transport that looks where it is sent before it goes there.

Parties choose the URIs of their nodes. One that names an address inside this node's own network would make the node
post there in the party's place. So a node that is itself reached at a public address sends to public addresses only,
but for the hosts its configuration allows. A node in a private network, or on a development machine, sends anywhere.
The name is resolved once more for the connection: a name that changes its mind in between is not caught.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from dispatcher.errors import InvalidDestinationError, PeerUnreachableError
from dispatcher.ports import Transport
from workflow_engine.triggers.http_client import Resolver, is_public, resolve

_PORTS = {"http": 80, "https": 443}


class Guard:
    """Says where this node may go."""

    def __init__(self, own_url: str, allowed_hosts: Collection[str], resolver: Resolver = resolve) -> None:
        """Guard a node.

        Args:
            own_url: Where this node is reached.
            allowed_hosts: Private hosts that may be gone to nevertheless.
            resolver: Finds the addresses of a host.
        """
        self._allowed = frozenset(allowed_hosts)
        self._resolve = resolver
        self._own_url = own_url

    def check(self, url: str) -> None:
        """Check that this node may go to a URL.

        Raises:
            InvalidDestinationError: The host has an address that is not public.
            PeerUnreachableError: The host is not known now.
        """
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_guarded = parts.scheme in _PORTS and host not in self._allowed  # other schemes are refused by the transport
        if is_guarded and self._is_public(self._own_url) and not self._is_public(url):
            raise InvalidDestinationError(
                f"the host {host[:100]} has an address that is not public",
                hint="Add it to http_allow if this node should send there.",
            )

    def _is_public(self, url: str) -> bool:
        parts = urlsplit(url)
        try:
            addresses = self._resolve(parts.hostname or "", parts.port or _PORTS[parts.scheme])
        except (OSError, UnicodeError):
            raise PeerUnreachableError(f"the host {(parts.hostname or '')[:100]} is not known") from None
        return all(is_public(address) for address in addresses)


class GuardedTransport:
    """Posts to public addresses and allowed hosts."""

    def __init__(
        self, transport: Transport, own_url: str, allowed_hosts: Collection[str], resolver: Resolver = resolve
    ) -> None:
        """Guard a transport; see `Guard`."""
        self._transport = transport
        self._guard = Guard(own_url, allowed_hosts, resolver)

    def post(self, url: str, body: bytes) -> None:
        """See `dispatcher.ports.Transport`.

        Raises:
            LiveContractError: See `Guard.check` and the guarded transport.
        """
        self._guard.check(url)
        self._transport.post(url, body)
