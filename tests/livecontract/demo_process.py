"""The demonstration as a process of its own, seen and disturbed from outside."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import needs

PROC = Path("/proc")
_DATA = b"LIVECONTRACT_DATA="
_SECONDS = 120.0


class DemoProcess:
    """`livecontract demo`, in a home, a working and a temporary directory of its own.

    Attributes:
        directory: Given with `--directory`.
        surroundings: Where nothing may be left.
    """

    def __init__(self, path: Path, *arguments: str) -> None:
        if not (PROC / "self" / "environ").exists():
            needs.missing("needs /proc to find the processes of the nodes")
        self.directory = path / "demo"
        self.surroundings = [path / name for name in ("home", "work", "tmp")]
        for place in self.surroundings:
            place.mkdir(parents=True)
        home, work, temporary = map(str, self.surroundings)
        with nothing_ignored():
            self._process = subprocess.Popen(
                [sys.executable, "-m", "livecontract", "demo", "--directory", str(self.directory), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=work,
                env={**os.environ, "HOME": home, "TMPDIR": temporary, "COLUMNS": "100"},
            )
        self.seen: list[str] = []

    def lines(self) -> Iterator[str]:
        """Yield the lines of its output as they come."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.seen.append(line.decode("utf-8"))
            yield self.seen[-1]

    def wait_for_line(self, text: str) -> None:
        """Read until a line holds this text."""
        assert any(text in line for line in self.lines()), self.seen

    def nodes(self) -> dict[str, int]:
        """Return the process ids of its nodes, by the name of their directory, whoever their parent is."""
        found = {}
        for process in PROC.iterdir():
            if not process.name.isdigit() or not is_alive(int(process.name)):
                continue
            try:
                environment = (process / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            for item in environment:
                if (
                    item.startswith(_DATA)
                    and (place := Path(os.fsdecode(item.removeprefix(_DATA)))).parent == self.directory
                ):
                    found[place.name] = int(process.name)
        return found

    def kill_node(self, role: str) -> bool:
        """Kill a node, unless it is just being started again; return whether it was."""
        pid = self.nodes().get(role)
        if pid is None:
            return False
        os.kill(pid, signal.SIGKILL)
        return True

    def signal(self, number: signal.Signals) -> None:
        """Send the demonstration a signal."""
        self._process.send_signal(number)

    def end(self) -> tuple[int, str, str]:
        """Wait for the end; return exit code, output and errors."""
        out, err = self._process.communicate(timeout=_SECONDS)
        return self._process.returncode, "".join(self.seen) + out.decode("utf-8"), err.decode("utf-8")

    def close(self) -> None:
        """Leave nothing running, whatever the test came to."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for pid in self.nodes().values():
            os.kill(pid, signal.SIGKILL)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


@contextmanager
def nothing_ignored() -> Iterator[None]:
    """Start processes that hear of signals, although the tests may run under `nohup` or in the background."""
    ignored = [item for item in (signal.SIGINT, signal.SIGHUP) if signal.getsignal(item) is signal.SIG_IGN]
    for item in ignored:
        signal.signal(item, signal.SIG_DFL)
    try:
        yield
    finally:
        for item in ignored:
            signal.signal(item, signal.SIG_IGN)


def is_alive(pid: int) -> bool:
    """Whether a process runs that is not just waiting to be noticed dead."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
