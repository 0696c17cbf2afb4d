"""A process that goes on for long: one state that each response enters again, if a condition holds on what it wrote.

It is what the engines of `benchmarks.beside` can say as well: an event with data, a guard, an assignment, and a state
that is entered again.
"""

from collections.abc import Sequence
from typing import Any

from benchmarks import samples
from benchmarks.engine import entry
from eventchain.core.entry import Entry
from workflow_engine import machine
from workflow_engine.compiling import load
from workflow_engine.process import Process

LIMIT = 1_000_000
"""What is counted stays below it, so that the condition holds every time."""

GUARDED: dict[str, Any] = {
    **samples.SCENARIO,
    "states": {
        "initial": {
            "actions": ["count", "stop"],
            "transitions": [
                {
                    "action": "count",
                    "condition": {"<eval>": f"assets.count.n < `{LIMIT}`"},
                    "transition": "initial",
                },
                {"action": "count", "transition": ":failed"},
                {"action": "stop", "transition": ":success"},
            ],
        }
    },
}
"""As `samples.SCENARIO`, with a condition on the way back."""


def data(number: int) -> dict[str, Any]:
    """Return the data of a response."""
    return {"n": number, "text": "x" * 120}


def start(scenario: dict[str, Any], count: int) -> tuple[Process, list[Entry]]:
    """Return a process, and that many events that follow each other in it."""
    first = machine.start(load(scenario), entry(count, samples.process(0)))
    bodies = ({**samples.response(0), "data": data(number)} for number in range(count))
    return first, [entry(number, body) for number, body in enumerate(bodies)]


def replay(process: Process, entries: Sequence[Entry]) -> Process:
    """Step through all events, and return what comes of them.

    Raises:
        RuntimeError: The process is not where it should be.
    """
    before = len(process.previous)
    for item in entries:
        process = machine.step(process, item)
    if process.current.key != "initial" or len(process.previous) != before + len(entries):
        raise RuntimeError("the process did not count as far as it should")
    return process
