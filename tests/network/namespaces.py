"""Network namespaces that exist as long as somebody holds them, and leave nothing behind.

They have no name and no mount: the kernel removes a namespace, with all that is in it, when the last descriptor and the
last process of it are gone, even where the tests were killed.
"""

import ctypes
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import needs

_NEW_NETWORK = 0x40000000
"""CLONE_NEWNET, linux/sched.h."""

_OWN = "/proc/thread-self/ns/net"
_DEVICE = "/dev/net/tun"


class Namespace:
    """A network of its own: nothing but loopback until something is put into it."""

    def __init__(self) -> None:
        """Make it.

        Raises:
            OSError: This machine, or this user, may not.
        """
        self._descriptor = -1
        self._error: OSError | None = None
        maker = threading.Thread(target=self._make)
        maker.start()
        maker.join()
        if self._error:
            raise self._error
        self.configure("link", "set", "dev", "lo", "up")

    def _make(self) -> None:
        """Leave the network of this thread, which then ends: the namespace is what it leaves behind."""
        try:
            _system_call("unshare", _NEW_NETWORK)
            self._descriptor = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            self._error = error

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Be in this network: sockets made, and processes started, by this thread until the context ends."""
        own = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _system_call("setns", self._descriptor, _NEW_NETWORK)
            try:
                yield
            finally:
                _system_call("setns", own, _NEW_NETWORK)
        finally:
            os.close(own)

    def configure(self, *arguments: str) -> None:
        """Run `ip` in this network."""
        with self.inside():
            done = subprocess.run([program(), *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")

    def close(self) -> None:
        """Let go of it; it ends with the last process in it."""
        os.close(self._descriptor)


def program() -> str:
    """Return the path of `ip`."""
    return needs.program("ip", "iproute2")


def require() -> None:
    """End a test, with the reason, where namespaces cannot be made."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        needs.missing("network namespaces are made by root alone")
    if not Path(_DEVICE).exists():
        needs.missing(f"{_DEVICE} is missing: the kernel has no TUN devices, or this container may not use them")
    program()
    try:
        Namespace().close()
    except OSError as error:
        needs.missing(f"network namespaces are not allowed here: {error.strerror}")


def _system_call(name: str, *arguments: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
