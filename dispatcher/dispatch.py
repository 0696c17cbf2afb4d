"""Taking messages out of a queue and handing them to whoever handles them (paper, 22.3).

What becomes of a message is decided from the family of its outcome alone:

| outcome                     | then |
|-----------------------------|------|
| None                        | acknowledged |
| UnavailableError            | again after a back-off, `max_attempts` times; then a dead letter |
| another LiveContractError   | dead letter at once: sending it again will not help |
| any other exception (a bug) | logged; again, `unexpected_attempts` times; then a dead letter |
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import structlog

from dispatcher.broker import Broker
from dispatcher.message import Delivery, Message, printable
from eventchain.core.clock import Clock
from eventchain.core.errors import LiveContractError, UnavailableError
from eventchain.core.keys import Random

Outcome: TypeAlias = LiveContractError | Exception | None

Handler: TypeAlias = Callable[[Sequence[Message]], Sequence[Outcome]]
"""Handles messages in order and gives one outcome for each. It may see a message more than once."""

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS

IDLE_MS = SECOND_MS
"""How long a loop sleeps at most before it looks whether it should stop; a message wakes it at once."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and when a message comes again.

    Attributes:
        max_attempts: Failures after which an unavailable handler's message is a dead letter.
        unexpected_attempts: The same for exceptions that are no error of ours.
        first_delay_ms: Back-off after the first failure; each further one doubles it.
        max_delay_ms: The longest back-off.
    """

    max_attempts: int
    unexpected_attempts: int = 3
    first_delay_ms: int
    max_delay_ms: int

    def delay_ms(self, attempts: int, random: Random) -> int:
        """Return the back-off after so many failures: half of it fixed, half drawn, so that crowds spread."""
        doubled = self.first_delay_ms << min(max(attempts - 1, 0), 40)
        longest = min(doubled, self.max_delay_ms)
        return longest - (longest // 2) * int.from_bytes(random(4), "big") // 2**32


EVENTS_POLICY = RetryPolicy(max_attempts=60, first_delay_ms=SECOND_MS // 4, max_delay_ms=5 * MINUTE_MS)
"""For this node's own services: two to four hours of trying, then a person should look."""

RELAY_POLICY = RetryPolicy(max_attempts=235, first_delay_ms=SECOND_MS, max_delay_ms=HOUR_MS)
"""For other nodes, which may be away for a week: about seven days, at least hourly."""

_BROKER_POLICY = RetryPolicy(max_attempts=0, first_delay_ms=SECOND_MS // 10, max_delay_ms=5 * SECOND_MS)
"""How a loop waits for a broker that is away; it never gives up."""


class Dispatcher:
    """Hands the messages of one queue to one handler. Several may work on one queue; each is used by one thread."""

    def __init__(
        self, broker: Broker, queue: str, handler: Handler, clock: Clock, random: Random, policy: RetryPolicy
    ) -> None:
        self._broker = broker
        self._queue = queue
        self._handler = handler
        self._clock = clock
        self._random = random
        self._policy = policy
        self._unsettled: list[tuple[Delivery, Outcome]] = []
        self._log = _log.bind(queue=queue)

    def step(self, limit: int = 100) -> int:
        """Handle what waits now, `limit` messages at most, and return how many were handled.

        Raises:
            UnavailableError: The broker is away. What was handled already is settled by the next step.
        """
        self._settle()
        deliveries = self._broker.receive(self._queue, limit)
        most = self._policy.max_attempts
        exhausted = [delivery for delivery in deliveries if delivery.message.attempts >= most]
        fresh = [delivery for delivery in deliveries if delivery.message.attempts < most]
        self._unsettled = [(delivery, _exhausted(delivery.message)) for delivery in exhausted]
        started = self._clock()
        outcomes = self._handle([delivery.message for delivery in fresh])
        self._unsettled += zip(fresh, outcomes, strict=True)
        self._settle()
        if deliveries:
            self._log.debug("messages handled", count=len(deliveries), took_ms=self._clock() - started)
        return len(deliveries)

    def run(self, stop: threading.Event, limit: int = 100) -> None:
        """Handle messages until `stop` is set; returns within `IDLE_MS`, or when the messages in hand are handled."""
        failures = 0
        while not stop.is_set():
            try:
                if not self.step(limit):
                    self._broker.wait(self._queue, IDLE_MS)
                failures = 0
            except Exception as error:  # noqa: BLE001 - a broker that is away must not end the loop
                if stop.is_set():
                    return
                failures += 1
                bug = None if isinstance(error, LiveContractError) else error
                is_news = failures & (failures - 1) == 0  # the 1st, 2nd, 4th, 8th …: it may last for days
                log = self._log.warning if is_news or bug else self._log.debug
                log("queue not available", reason=_reason(error), failures=failures, exc_info=bug)
                stop.wait(_BROKER_POLICY.delay_ms(failures, self._random) / 1000)

    def _handle(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Return an outcome for each message, whatever the handler does.

        A handler that raises as a whole says nothing about which message it was: unless the handler is unavailable,
        each is handled again by itself, so that one bad message takes no other with it.
        """
        if not messages:
            return []
        try:
            outcomes = self._handler(messages)
            if len(outcomes) != len(messages):
                raise RuntimeError(f"the handler gave {len(outcomes)} outcomes for {len(messages)} messages")
        except UnavailableError as error:
            return [error] * len(messages)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the loop outlives its handler
            if len(messages) == 1:
                return [error if isinstance(error, Exception) else RuntimeError("the handler wanted to exit")]
            return [outcome for message in messages for outcome in self._handle([message])]
        return outcomes

    def _settle(self) -> None:
        """Tell the broker what became of the messages; what it could not take stays for the next time."""
        handled = [delivery for delivery, outcome in self._unsettled if outcome is None]
        if handled:
            self._broker.ack(handled)
        self._unsettled = [(delivery, outcome) for delivery, outcome in self._unsettled if outcome is not None]
        while self._unsettled:
            delivery, outcome = self._unsettled[0]
            self._settle_failure(delivery, outcome)
            del self._unsettled[0]

    def _settle_failure(self, delivery: Delivery, outcome: Outcome) -> None:
        message = delivery.message
        attempts, reason = message.attempts + 1, _reason(outcome)
        log = self._log.bind(message=message.id, group=message.group, attempts=attempts, reason=reason)
        if isinstance(outcome, UnavailableError):
            allowed = self._policy.max_attempts
        elif isinstance(outcome, LiveContractError):
            allowed = 0
        else:
            allowed = self._policy.unexpected_attempts
            log.error("handler failed unexpectedly", exc_info=outcome)
        if attempts < allowed:
            delay_ms = self._policy.delay_ms(attempts, self._random)
            self._broker.retry(delivery, reason, delay_ms)
            log.info("message comes again", delay_ms=delay_ms)
        else:
            self._broker.reject(delivery, reason)
            log.warning("message is a dead letter")


def _exhausted(message: Message) -> LiveContractError:
    """The outcome of a message that ended its process too often to be handed out again."""
    return LiveContractError(f"given up after {message.attempts} attempts: {message.failure}")


def _reason(outcome: Outcome) -> str:
    """Return a sentence for people: ours is written for them, that of a bug may hold anything and is named only."""
    if isinstance(outcome, LiveContractError):
        return printable(str(outcome))
    return f"unexpected {type(outcome).__name__}"
