"""Measuring a piece of work against a limit: in turns, so that whatever else the machine does hits both alike."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Turn = Callable[[], float]
"""Does its work once and returns the seconds that count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """How two pieces of work compare over several rounds.

    Attributes:
        median: Of the rounds' ratios.
        lowest: Of the rounds' ratios.
        highest: Of the rounds' ratios.
    """

    median: float
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One result.

    Attributes:
        benchmark: Name to run it again by.
        what: What was measured.
        limit: What it is held against.
        ratio: Of the two.
        meaning: How the ratio is made: `speed` is the share of the limit's speed that is reached, `time` how many
            times the limit's time it takes.
        aim: What the ratio should be: at least this for `speed`, at most this for `time`; None where none is set.
        count: Units of work in one turn.
        unit: Name of a unit of work.
        seconds: Median of the work's turns. Where `shown` is given it is no time but the amount that is shown.
        limit_seconds: Median of the limit's turns, or the limit's amount.
        details: More about where the time goes, name to text.
        shown: Measured amount and limit for people, where they are no times.
    """

    benchmark: str
    what: str
    limit: str
    ratio: Ratio
    meaning: str
    aim: float | None
    count: int
    unit: str
    seconds: float
    limit_seconds: float
    details: Mapping[str, str] = field(default_factory=dict)
    shown: tuple[str, str] | None = None

    @property
    def is_met(self) -> bool | None:
        """Whether the aim is reached; None without one."""
        if self.aim is None:
            return None
        return self.ratio.median >= self.aim if self.meaning == "speed" else self.ratio.median <= self.aim


def timed(work: Callable[[], object]) -> Turn:
    """Return a turn of which every second counts."""

    def turn() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return turn


def compare(work: Turn, limit: Turn, *, rounds: int, meaning: str = "speed") -> tuple[Ratio, float, float]:
    """Run limit and work in turns.

    Args:
        work: What is measured.
        limit: What it is held against, for as many units.
        rounds: How many turns each gets.
        meaning: See `Figure.meaning`.

    Returns:
        The ratio, and the median seconds of the work's and the limit's turns.
    """
    times = []
    for _ in range(rounds):
        limit_seconds = limit()
        times.append((work(), limit_seconds))
    ratios = [b / a if meaning == "speed" else a / b for a, b in times]
    ratio = Ratio(median=statistics.median(ratios), lowest=min(ratios), highest=max(ratios))
    return ratio, statistics.median(a for a, _ in times), statistics.median(b for _, b in times)


def microseconds(seconds: float, count: int) -> str:
    """Return the time per unit for people."""
    return f"{seconds / count * 1e6:.1f} µs"
