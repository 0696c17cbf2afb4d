"""Replaying a long process: how fast, whether the last responses cost what the first did, and what each of them adds.

A replay is what a node does that gets a chain, or has to decide a fork: the machine alone, from verified events to the
process. Everything a step checks is checked; signatures and storage have benchmarks of their own (`verify`, `ingest`).
"""

import statistics
import time
import tracemalloc
from collections.abc import Sequence
from typing import Any

from benchmarks import counting, samples
from benchmarks.measure import Figure, Ratio, compare, timed
from benchmarks.sizes import Sizes
from eventchain.core.entry import Entry
from workflow_engine import machine
from workflow_engine.process import Process

NAME = "replay"

AIM = 50e-6
"""Seconds that a response may take: 20,000 a second."""

_SCENARIOS = (
    ("actor, schema, update, state evaluated again", samples.SCENARIO),
    ("actor, schema, update, condition, state entered again", counting.GUARDED),
)


def run(sizes: Sizes) -> list[Figure]:
    """Measure speed, evenness and memory."""
    figures = [_speed(what, scenario, sizes) for what, scenario in _SCENARIOS]
    process, entries = counting.start(counting.GUARDED, sizes.responses)
    return [*figures, _evenness(process, entries, sizes.rounds), *_memory(process, entries)]


def _speed(what: str, scenario: dict[str, Any], sizes: Sizes) -> Figure:
    process, entries = counting.start(scenario, sizes.responses)
    ratio, seconds, limit = compare(
        timed(lambda: counting.replay(process, entries)), lambda: AIM * len(entries), rounds=sizes.rounds
    )
    return Figure(
        benchmark=NAME,
        what=f"replaying a process of {len(entries):,} responses: {what}",
        limit="20,000 responses a second, a limit of our own",
        ratio=ratio,
        meaning="speed",
        aim=1.0,
        count=len(entries),
        unit="response",
        seconds=seconds,
        limit_seconds=limit,
    )


def _evenness(process: Process, entries: Sequence[Entry], rounds: int) -> Figure:
    """Compare the last tenth of a replay with its first tenth."""
    part = max(len(entries) // 10, 1)
    pairs = [_first_and_last(process, entries, part) for _ in range(rounds)]
    ratios = [last / first for first, last in pairs]
    return Figure(
        benchmark=NAME,
        what=f"the last {part:,} of {len(entries):,} responses",
        limit=f"the first {part:,} of them",
        ratio=Ratio(median=statistics.median(ratios), lowest=min(ratios), highest=max(ratios)),
        meaning="time",
        aim=1.1,
        count=part,
        unit="response",
        seconds=statistics.median(last for _, last in pairs),
        limit_seconds=statistics.median(first for first, _ in pairs),
    )


def _first_and_last(process: Process, entries: Sequence[Entry], part: int) -> tuple[float, float]:
    begin = time.perf_counter()
    process = counting.replay(process, entries[:part])
    first = time.perf_counter() - begin
    process = counting.replay(process, entries[part:-part])
    begin = time.perf_counter()
    counting.replay(process, entries[-part:])
    return first, time.perf_counter() - begin


def _memory(process: Process, entries: Sequence[Entry]) -> list[Figure]:
    """Compare what the responses of the last tenth leave, and what a step needs meanwhile, with the first tenth."""
    part = max(len(entries) // 10, 1)
    tracemalloc.start()
    try:
        process, *first = _kept_and_used(process, entries[:part])
        process = counting.replay(process, entries[part:-part])
        _, *last = _kept_and_used(process, entries[-part:])
    finally:
        tracemalloc.stop()
    whats = ("memory that a response adds to its process", "memory that a step needs while it runs, at most")
    return [_amount(what, part, *pair) for what, *pair in zip(whats, last, first, strict=True)]


def _kept_and_used(process: Process, entries: Sequence[Entry]) -> tuple[Process, float, float]:
    """Return the process after its responses, the bytes that each left, and the most that one needed."""
    begin, _ = tracemalloc.get_traced_memory()
    most = 0
    for item in entries:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        process = machine.step(process, item)
        most = max(most, tracemalloc.get_traced_memory()[1] - before)
    after, _ = tracemalloc.get_traced_memory()
    return process, (after - begin) / len(entries), most


def _amount(what: str, part: int, last: float, first: float) -> Figure:
    ratio = last / first
    return Figure(
        benchmark=NAME,
        what=f"{what}, in the last {part:,}",
        limit=f"in the first {part:,}",
        ratio=Ratio(median=ratio, lowest=ratio, highest=ratio),
        meaning="time",
        aim=1.1,
        count=part,
        unit="response",
        seconds=last,
        limit_seconds=first,
        shown=(f"{last:,.0f} bytes", f"{first:,.0f} bytes"),
    )
