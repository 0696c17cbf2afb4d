"""Time as an argument: a running node reads the system's clock, a simulation turns its own."""

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Gives the time in milliseconds since 1970-01-01T00:00Z."""


def system_clock() -> int:
    """Return the system's time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000
