"""How long each stage of an event's way takes, told to whoever counts or traces it.

The services say when a step is done, and nothing else (`eventchain.ports.Observer`). A step lasted since the one before
it in the same thread, or since the message or request that brought the event was taken up.
"""

import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Protocol

from dispatcher.dispatch import Handler, Outcome
from dispatcher.message import Message


class StageObserver(Protocol):
    """Counts or traces stages: `livecontract.metrics`, `livecontract.telemetry`."""

    def step(self, step: str, seconds: float) -> None:
        """One of the eight steps is done, and took so long."""

    def handling(self, queue: str) -> AbstractContextManager[object]:
        """Messages of a queue are in hand as long as the context lasts."""

    def handled(self, queue: str, outcomes: Sequence[Outcome], seconds: float) -> None:
        """They were handled, with these outcomes, and took so long together."""


class Stages:
    """Tells observers of the stages. Safe from many threads."""

    def __init__(self, observers: Sequence[StageObserver]) -> None:
        self._observers = tuple(observers)
        self._last = threading.local()

    def begin(self) -> None:
        """Something was taken up in this thread: the next step begins now."""
        self._last.time = time.perf_counter()

    def step(self, step: str, _chain: str) -> None:
        """See `eventchain.ports.Observer`. Chains are named to nobody: there are too many, and they are private."""
        now = time.perf_counter()
        seconds = now - getattr(self._last, "time", now)
        self._last.time = now
        for observer in self._observers:
            observer.step(step, seconds)

    def watched(self, queue: str, handler: Handler) -> Handler:
        """Return a handler of which observers are told."""

        def handle(messages: Sequence[Message]) -> Sequence[Outcome]:
            with ExitStack() as stack:
                for observer in self._observers:
                    stack.enter_context(observer.handling(queue))
                started = time.perf_counter()
                self._last.time = started
                outcomes = handler(messages)
                seconds = time.perf_counter() - started
                for observer in self._observers:
                    observer.handled(queue, outcomes, seconds)
                return outcomes

        return handle
