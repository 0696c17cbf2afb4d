"""The same process in other engines: XState (JavaScript) and SpiffWorkflow (Python), each in a process of its own.

All play `benchmarks.counting`: an event with a number and a text, a guard, an assignment, a state that is entered
again. What each does for it beyond that is not the same:

- ours checks who signed and may act, validates the data against its JSON Schema twice (as given, and as it was
  written), keeps every response, and gives a new process beside the old one; conditions are data, evaluated under a
  budget that all nodes agree on;
- XState has none of this. Guard and assignment are functions of the program that uses it, compiled by the engine of
  JavaScript. `transition` is pure, like our step; an actor that is sent events is its ordinary use;
- SpiffWorkflow keeps a tree of all tasks, with a copy of the data in each, and evaluates the condition as an expression
  of Python. It looks through that tree, a thousand tasks deep and no deeper, so that a process cannot go round more
  than some 240 times; ours has as few responses in that comparison.

Neither is a dependency of this project, nor shipped with it (SpiffWorkflow is LGPL). They are installed by name into a
folder of their own, the first time this is measured. What cannot be installed is left out, and that is said.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks import counting
from benchmarks.measure import Figure, Turn, compare, timed
from benchmarks.sizes import Sizes

NAME = "beside"

XSTATE = "5.33.3"
SPIFFWORKFLOW = "3.2.0"

FOLDER = Path(__file__).parent.parent / ".cache" / "benchmarks"
PROGRAMS = Path(__file__).parent / "outside"

LONGEST = 200
"""Responses of a process that SpiffWorkflow plays."""

_SECONDS = 300
_QUIET = ("--no-audit", "--no-fund", "--ignore-scripts")


class MissingError(Exception):
    """Another engine is not here and cannot be installed; the message says why."""


def run(sizes: Sizes) -> list[Figure]:
    """Measure beside each engine that is there."""
    engines: Sequence[tuple[str, int, Callable[[], list[str]]]] = (
        (f"XState {XSTATE}, its pure function `transition`", sizes.responses, lambda: _xstate("transition")),
        (f"XState {XSTATE}, an actor that is sent events", sizes.responses, lambda: _xstate("actor")),
        (f"SpiffWorkflow {SPIFFWORKFLOW}", min(LONGEST, sizes.responses), _spiffworkflow),
    )
    figures = []
    for name, count, command in engines:
        try:
            figures.append(_figure(name, count, command(), sizes.rounds))
        except MissingError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
    return figures


def _figure(name: str, count: int, command: Sequence[str], rounds: int) -> Figure:
    process, entries = counting.start(counting.GUARDED, count)
    with _playing(command, count) as turn:
        turn()  # the first turn compiles
        ratio, seconds, limit = compare(timed(lambda: counting.replay(process, entries)), turn, rounds=rounds)
    return Figure(
        benchmark=NAME,
        what=f"a process of {count:,} responses that a guard leads back: actor, schema, history, no change in place",
        limit=name,
        ratio=ratio,
        meaning="speed",
        aim=None,
        count=count,
        unit="response",
        seconds=seconds,
        limit_seconds=limit,
    )


@contextmanager
def _playing(command: Sequence[str], count: int) -> Iterator[Turn]:
    """Yield turns of a program that plays as often as it is asked to."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        asked, said = program.stdin, program.stdout
        if asked is None or said is None:
            raise RuntimeError("the program has no pipes")

        def turn() -> float:
            asked.write(f"{count}\n")
            asked.flush()
            seconds, _, last = said.readline().partition(" ")
            if not last or int(last) != count - 1:
                raise RuntimeError(f"{command[0]} did not count to {count}")
            return float(seconds)

        try:
            yield turn
        finally:
            asked.close()
            program.terminate()


def _xstate(way: str) -> list[str]:
    """Return the command that plays in XState, which is installed if it is not here.

    Raises:
        MissingError: Node, npm or XState is missing.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise MissingError("it needs node and npm.")
    folder = FOLDER / f"xstate-{XSTATE}"
    if not (folder / "node_modules" / "xstate").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _install([npm, "install", "--prefix", str(folder), *_QUIET, f"xstate@{XSTATE}"])
    return [node, str(PROGRAMS / "xstate.mjs"), str(folder), way]


def _spiffworkflow() -> list[str]:
    """Return the command that plays in SpiffWorkflow, which is installed if it is not here.

    Raises:
        MissingError: It cannot be installed.
    """
    folder = FOLDER / f"spiffworkflow-{SPIFFWORKFLOW}"
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        _install([sys.executable, "-m", "venv", "--clear", str(folder)])
        _install([str(python), "-m", "pip", "-q", "install", f"SpiffWorkflow=={SPIFFWORKFLOW}"])
        (folder / "installed").touch()
    return [str(python), str(PROGRAMS / "spiffworkflow.py")]


def _install(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingError(str(error)) from None
    if done.returncode:
        raise MissingError(" ".join(done.stderr.split())[-300:])
