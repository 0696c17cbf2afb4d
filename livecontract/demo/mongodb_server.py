"""A private server that speaks MongoDB's protocol, on loopback, for the demonstration and for tests.

It is MongoDB itself where that is installed, and otherwise a program that is given: one that takes an address and a
directory, as `tests/servers/ferretdb` does. What is started here is ended here, by process id, and nothing else is.

```
<directory>/data     the databases: what survives `kill` and `start`
<directory>/output   what the program prints
```
"""

import shutil
import signal
import subprocess
import time
from pathlib import Path

import pymongo
from pymongo.errors import PyMongoError

from eventchain.core.errors import UnavailableError
from livecontract.demo.private_server import HOST, end, printed_last, spawn
from livecontract.free_ports import free_ports

MONGOD = "mongod"

START_SECONDS = 60.0
"""The server starts in a second on a quiet machine, and this is for a busy one."""

_POLL_SECONDS = 0.05
_ANSWER_MS = 1000


class MongodbServer:
    """A server in a process of its own.

    Attributes:
        directory: Where everything it writes is.
        program: What is run: `mongod`, or a program that takes an address and a directory.
        port: The same after a restart.
    """

    def __init__(self, directory: Path, program: Path) -> None:
        """Choose a port and make the directories; nothing runs yet."""
        self.directory = directory
        self.program = program
        (self.port,) = free_ports(HOST, 1)
        self._process: subprocess.Popen[bytes] | None = None
        self._data.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def pid(self) -> int:
        """Process id of the server; 0 before the start."""
        return self._process.pid if self._process else 0

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def url(self, database: str = "") -> str:
        """Return the URL of a database, which comes to be when something is written into it."""
        return f"mongodb://{HOST}:{self.port}/{database}"

    def start(self) -> None:
        """Start the server over what it held before, and wait until it answers.

        Raises:
            UnavailableError: It cannot be run, or does not answer in time; the message holds what it printed last.
        """
        self._process = spawn(self._command(), self._output)
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Ask the server to write down what it has and end; kill it if it does not."""
        end(self._process, signal.SIGTERM)

    def kill(self) -> None:
        """End the server in the middle of what it does, as a failure of the machine would."""
        end(self._process, signal.SIGKILL)

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    @property
    def _output(self) -> Path:
        return self.directory / "output"

    def _command(self) -> list[str]:
        if self.program.name == MONGOD:
            place = ["--dbpath", str(self._data), "--bind_ip", HOST, "--port", str(self.port)]
            return [str(self.program), *place, "--unixSocketPrefix", str(self.directory)]
        return [str(self.program), f"{HOST}:{self.port}", str(self._data)]

    def _wait_until_it_answers(self) -> None:
        latest = time.monotonic() + START_SECONDS
        client: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(
            self.url(), serverSelectionTimeoutMS=_ANSWER_MS
        )
        try:
            while time.monotonic() < latest and self.is_running:
                try:
                    client.admin.command("ping")
                except PyMongoError:
                    time.sleep(_POLL_SECONDS)
                else:
                    return
        finally:
            client.close()
        tail = printed_last(self._output)
        raise UnavailableError(f"{self.program.name} did not start. The end of what it printed:\n{tail}")


def find_program() -> Path | None:
    """Return MongoDB's server if it is installed, or None."""
    found = shutil.which(MONGOD)
    return Path(found) if found else None
