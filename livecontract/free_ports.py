"""Ports for servers that have to know theirs before they listen."""

import errno
import secrets
import socket
from contextlib import ExitStack

LOWEST, HIGHEST = 10_000, 32_767
"""Below the ports that systems give to outgoing connections (Linux: from 32768 on; RFC 6335: from 49152 on): there, a
port that is free now may be somebody's connection when the server comes to listen, or comes back after a failure."""

_ATTEMPTS = 1000


def free_ports(host: str, count: int) -> list[int]:
    """Return ports of an address on which nobody listens now, all different.

    Raises:
        OSError: The address is not one of this machine, or none is free.
    """
    with ExitStack() as stack:
        return [_listen(host, stack) for _ in range(count)]


def free_port(host: str) -> int:
    """Return one of them."""
    return free_ports(host, 1)[0]


def _listen(host: str, stack: ExitStack) -> int:
    """Listen on a port that was drawn, until the stack is closed, and return it."""
    for _ in range(_ATTEMPTS):
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST + 1)
        try:
            stack.enter_context(socket.create_server((host, port)))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return port
    raise OSError(errno.EADDRINUSE, f"no port of {host} is free")
