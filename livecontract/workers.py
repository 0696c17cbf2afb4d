"""What a running node does by itself: its loops, as threads or step by step.

A loop is either a dispatcher over a queue or something that is done again and again (collect receipts, resume effects,
forge). A simulation calls `step` of each; a running node gives each a thread.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from eventchain.core.errors import LiveContractError

log = structlog.get_logger(__name__)

_STOP_SECONDS = 10


class Worker(Protocol):
    """Something with work to do now and then."""

    @property
    def name(self) -> str:
        """For logs and threads."""

    def step(self) -> int:
        """Do what waits now, and return how much it was."""

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set."""


class QueueLoop(Protocol):
    """A dispatcher over one queue."""

    def step(self, limit: int = 100) -> int:
        """Handle what waits now."""

    def run(self, stop: threading.Event, limit: int = 100) -> None:
        """Handle messages until `stop` is set."""


@dataclass(frozen=True, slots=True)
class QueueWorker:
    """Handles the messages of one queue.

    Attributes:
        name: For logs and threads.
        dispatcher: Over the queue.
        limit: Messages it takes at once.
    """

    name: str
    dispatcher: QueueLoop
    limit: int = 100

    def step(self) -> int:
        """Handle what waits now."""
        return self.dispatcher.step(self.limit)

    def run(self, stop: threading.Event) -> None:
        """Handle messages until `stop` is set."""
        self.dispatcher.run(stop, self.limit)


@dataclass(frozen=True, slots=True)
class PeriodicWorker:
    """Does something every so often. What fails is logged, and done again the next time.

    Attributes:
        name: For logs.
        work: Does what waits now, and returns how much it was.
        seconds: Between two times.
    """

    name: str
    work: Callable[[], int]
    seconds: float

    def step(self) -> int:
        """Do it once."""
        try:
            return self.work()
        except LiveContractError as error:
            log.info("comes again", worker=self.name, reason=error.message)
            return 0

    def run(self, stop: threading.Event) -> None:
        """Do it until `stop` is set."""
        while not stop.is_set():
            try:
                self.step()
            except Exception:  # a mistake in one round must not end the loop
                log.exception("unexpected", worker=self.name)
            stop.wait(self.seconds)


class Crew:
    """The threads of a node's workers."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self.workers = workers
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Give every worker a thread."""
        for worker in self.workers:
            thread = threading.Thread(target=worker.run, args=(self._stop,), name=worker.name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def tell_to_stop(self) -> None:
        """Ask the workers to end; those that wait for messages look every second."""
        self._stop.set()

    def join(self) -> None:
        """Wait for the workers to end."""
        for thread in self._threads:
            thread.join(_STOP_SECONDS)
            if thread.is_alive():
                log.warning("a worker did not end in time", worker=thread.name)
