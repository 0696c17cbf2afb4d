"""Signals that end the demonstration: whatever comes, its nodes end with it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def unwinding() -> Iterator[None]:
    """Let SIGTERM, and the end of the terminal, unwind the main thread as Ctrl-C does.

    What the process was told to ignore (`nohup`) stays ignored.

    Raises:
        KeyboardInterrupt: A signal came.
    """

    def unwind(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handlers(unwind):
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let no further signal interrupt the end: an impatient second Ctrl-C would leave nodes running."""
    with _handlers(signal.SIG_IGN):
        yield


@contextmanager
def _handlers(handler: "signal._HANDLER") -> Iterator[None]:
    """Handle the ending signals like this; outside the main thread, where that is impossible, change nothing."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {item: signal.getsignal(item) for item in _ENDING if signal.getsignal(item) is not signal.SIG_IGN}
    for item in before:
        signal.signal(item, handler)
    try:
        yield
    finally:
        for item, old in before.items():
            signal.signal(item, old)
