"""A node whose services run apart: two processes of each, over one store and broker, each service behind one URL."""

import contextlib
import itertools
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from eventchain.core.keys import KeyPair
from livecontract import key_store
from livecontract.config import environment_of
from livecontract.free_ports import free_port

HOST = "127.0.0.1"
SERVICES = ("anchor", "workflow", "eventchain", "dispatcher", "web")
COPIES = 2

START_SECONDS = 120.0
"""How long all processes get to be ready, on a busy machine."""

_PIECE = 64 * 1024


class Balancer:
    """One address in front of several: each connection goes to the next copy, as a Kubernetes Service does.

    Attributes:
        port: Where it listens.
        taken: How many connections each copy took, by port.
    """

    def __init__(self, ports: Sequence[int]) -> None:
        self.taken = dict.fromkeys(ports, 0)
        self._turns = itertools.cycle(ports)
        self._listener = socket.create_server((HOST, 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client:
            for _ in self.taken:
                port = next(self._turns)
                try:
                    copy = socket.create_connection((HOST, port), timeout=5)
                except OSError:
                    continue
                self.taken[port] += 1
                with copy:
                    copy.settimeout(None)
                    _pump(client, copy)
                return


def _pump(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes both ways until one side ends."""
    with selectors.DefaultSelector() as ready, contextlib.suppress(OSError):
        ready.register(one, selectors.EVENT_READ, other)
        ready.register(other, selectors.EVENT_READ, one)
        while True:
            for key, _ in ready.select():
                data = key.fileobj.recv(_PIECE)  # type: ignore[union-attr]
                if not data:
                    return
                key.data.sendall(data)


class Copy:
    """One process of one service."""

    def __init__(self, name: str, settings: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.port = int(settings["port"])
        self._settings = settings
        self._log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "livecontract", "run"],
                env=environment_of(self._settings),
                stdout=log,
                stderr=log,
                cwd=self._log.parent,
            )

    def is_ready(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended:\n{self._log.read_text()[-4000:]}")
        try:
            with urlopen(f"http://{HOST}:{self.port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def kill(self) -> None:
        """End the process without a last word."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask the process to end, and return how it did."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return -1


class Cluster:
    """The processes, and what stands in front of them.

    Attributes:
        url: The public one.
        key: The node's system key.
        copies: The processes, by service.
        balancers: In front of them, by service.
    """

    def __init__(self, directory: Path, settings: Mapping[str, str], copies: Mapping[str, int] | None = None) -> None:
        self.key = KeyPair.generate(os.urandom)
        key_file = directory / "keys" / "system.json"
        key_store.save(key_file, self.key, None, os.urandom)
        counts = {service: (copies or {}).get(service, COPIES) for service in SERVICES}
        ports = {service: [free_port(HOST) for _ in range(count)] for service, count in counts.items()}
        self.balancers = {service: Balancer(ports[service]) for service in SERVICES}
        urls = {service: f"http://{HOST}:{balancer.port}" for service, balancer in self.balancers.items()}
        self.url = urls.pop("web")
        self.directory = directory
        self.copies = {
            service: [
                Copy(
                    f"{service}-{number}",
                    {
                        **settings,
                        **urls,
                        "service": service,
                        "url": self.url,
                        "host": HOST,
                        "port": str(port),
                        "data": str(directory / f"{service}-{number}"),
                        "key_file": str(key_file),
                    },
                    directory / f"{service}-{number}.log",
                )
                for number, port in enumerate(ports[service], 1)
            ]
            for service in SERVICES
        }

    @property
    def all(self) -> list[Copy]:
        return [copy for copies in self.copies.values() for copy in copies]

    def start(self) -> None:
        """Start everything, and wait until it is ready."""
        for copy in self.all:
            copy.start()
        wait_until(lambda: all(copy.is_ready() for copy in self.all), "all processes to be ready", START_SECONDS)

    def stop(self) -> list[int]:
        """End everything; return how the processes that ran ended."""
        running = [copy for copy in self.all if copy.process and copy.process.poll() is None]
        for copy in running:
            assert copy.process is not None
            copy.process.send_signal(signal.SIGTERM)
        results = [copy.stop() for copy in running]
        for balancer in self.balancers.values():
            balancer.close()
        return results

    def logs(self) -> str:
        """Return what all processes wrote."""
        return "\n".join(f"== {path.name}\n{path.read_text()[-3000:]}" for path in sorted(self.directory.glob("*.log")))


@contextlib.contextmanager
def cluster(directory: Path, settings: Mapping[str, str], copies: Mapping[str, int] | None = None) -> Iterator[Cluster]:
    """Run the services of a node until the context ends."""
    made = Cluster(directory, settings, copies)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def wait_until(holds: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """Ask again and again until something holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds:.0f} s for {what}")
