"""Processes of private servers on loopback: started with what they print in a file, and ended by process id."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from eventchain.core.errors import UnavailableError

HOST = "127.0.0.1"

STOP_SECONDS = 30.0
"""How long a server may write down what it has before it is killed."""

_TAIL = 3000


def spawn(
    command: Sequence[str], output: Path, *, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, so that no signal of a terminal reaches it.

    Args:
        command: Program and arguments.
        output: File to which what it prints is added.
        environment: Of the process; None for that of this one.
        folder: In which it works; None for that of this process.

    Raises:
        UnavailableError: The program cannot be run.
    """
    with output.open("ab") as file:
        try:
            return subprocess.Popen(  # noqa: S603 (a program that was chosen, with our own arguments)
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=environment,
                cwd=folder,
                start_new_session=True,
            )
        except OSError as error:
            raise UnavailableError(f"{command[0]} cannot be run: {error.strerror}") from None


def end(process: subprocess.Popen[bytes] | None, how: signal.Signals) -> None:
    """End a process, if it runs, and wait for its end; kill it if that does not come."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def printed_last(output: Path) -> str:
    """Return the end of what was printed into a file."""
    return output.read_bytes()[-_TAIL:].decode("utf-8", "replace") if output.exists() else ""
