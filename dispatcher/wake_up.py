"""Waiting for messages without polling: shared by the brokers that live in one process with their receivers."""

import threading
import time
from collections.abc import Callable

from eventchain.core.clock import Clock


class WakeUp:
    """Lets receivers sleep until somebody says that something changed, or a back-off ends, or time is up."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._is_closed = False

    def notify(self) -> None:
        """Say that something changed, after it stands."""
        with self._changed:
            self._changed.notify_all()

    def wait(self, next_due: Callable[[], int | None], timeout_ms: int) -> bool:
        """Sleep until something is due, or the time is up.

        Args:
            next_due: Gives the time in milliseconds at which something may be received, or None.
            timeout_ms: How long to sleep at most, in real time.

        Returns:
            Whether something is due.
        """
        deadline = time.monotonic() + timeout_ms / 1000
        with self._changed:  # held while asking, so that what changes in between is not missed
            while not self._is_closed:
                due, now = next_due(), self._clock()
                if due is not None and due <= now:
                    return True
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left if due is None else min(left, (due - now) / 1000))
        return False

    def close(self) -> None:
        """Wake everybody; nobody sleeps any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
