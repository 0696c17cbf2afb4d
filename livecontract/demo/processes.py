"""The processes of the demonstration: nodes on loopback, watched, and started again when somebody kills one."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from eventchain.core.errors import UnavailableError
from livecontract.client import NodeClient
from livecontract.config import environment_of
from livecontract.demo.private_server import HOST, printed_last, spawn
from livecontract.errors import NodeUnreachableError
from livecontract.free_ports import free_port

START_SECONDS = 30.0
_WATCH_SECONDS = 0.1
_STOP_SECONDS = 10.0
_ATTEMPTS = 3


class NodeProcess:
    """A node in a process of its own.

    Attributes:
        name: Of the organisation.
        url: Where it is reached; the same after a restart.
        directory: Its keys, its SQLite files and its log.
        restarts: How often it was started again.
    """

    def __init__(self, name: str, directory: Path, settings: Mapping[str, str]) -> None:
        self.name = name
        self.directory = directory
        self.port = free_port(HOST)
        self.url = f"http://{HOST}:{self.port}"
        self.restarts = 0
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._failures = 0

    @property
    def pid(self) -> int:
        """The id of its process; 0 before it is started."""
        return self._process.pid if self._process else 0

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def has_failed(self) -> bool:
        """Whether the process ended by itself, `_ATTEMPTS` times in a row; being killed is no failure."""
        return self._failures >= _ATTEMPTS

    @property
    def log(self) -> Path:
        """Where its log is."""
        return self.directory / "node.log"

    def prepare(self) -> None:
        """Make its directory."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def start(self) -> None:
        """Start the process."""
        settings = {
            "data": str(self.directory),
            "host": HOST,
            "port": str(self.port),
            "name": self.name,
            **self._settings,
        }
        command = [sys.executable, "-m", "livecontract", "run", "--config", os.devnull]
        self._process = spawn(command, self.log, environment=environment_of(settings))

    def notice_end(self) -> bool:
        """Count the end of the process as a failure if it says so itself; return whether to start it again."""
        failed = self._process is not None and (self._process.poll() or 0) > 0
        self._failures = self._failures + 1 if failed else 0
        return not self.has_failed

    def wait_until_ready(self) -> None:
        """Wait until the node answers.

        Raises:
            UnavailableError: It does not in time, or cannot; the message holds the end of its log.
        """
        end = time.monotonic() + START_SECONDS
        client = NodeClient(self.url)
        try:
            while time.monotonic() < end and not self.has_failed:
                try:
                    client.get("/readyz")
                except UnavailableError:
                    time.sleep(_WATCH_SECONDS)
                else:
                    return
        finally:
            client.close()
        tail = printed_last(self.log)
        raise NodeUnreachableError(f"the node of {self.name} did not start. The end of its log:\n{tail}")

    def tell_to_stop(self) -> None:
        """Ask the process, by its own id, to end."""
        if self._process is not None and self.is_running:
            self._process.terminate()

    def join(self) -> None:
        """Wait for the end of the process; kill it if it does not come."""
        if self._process is None:
            return
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Supervisor:
    """Keeps nodes running until it is told to stop. A node that cannot run is left alone: it would fail again."""

    def __init__(self, nodes: list[NodeProcess], tell: Callable[[str], None]) -> None:
        """Watch these nodes; `tell` hears of every restart."""
        self.nodes = nodes
        self._tell = tell
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start all nodes at once, watch them from now on, and wait until they are ready.

        Their processes are started by the watching thread: a signal, which the main thread gets, cannot come between
        the start of a process and the note that it runs.
        """
        for node in self.nodes:
            node.prepare()
        self._thread.start()
        for node in self.nodes:
            node.wait_until_ready()

    def stop(self) -> None:
        """Stop watching, and end all nodes."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        for node in self.nodes:
            node.tell_to_stop()
        for node in self.nodes:
            node.join()

    def _watch(self) -> None:
        for node in self.nodes:
            node.start()
        while not self._stop.wait(_WATCH_SECONDS):
            for node in self.nodes:
                if node.is_running or node.has_failed or self._stop.is_set():
                    continue
                if node.notice_end():
                    self._tell(f"The node of {node.name} (process {node.pid}) ended; it is started again.")
                    node.restarts += 1
                    node.start()
                else:
                    self._tell(f"The node of {node.name} cannot run; why stands at the end of {node.log}")
