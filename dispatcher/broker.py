"""The protocol of brokers, and the one in memory.

A broker keeps messages until they are handled. Delivery is at least once: a receiver that dies keeps nothing, and
handlers are idempotent. How RabbitMQ does each method, so that nothing here asks for more than it has:

| method       | RabbitMQ, quorum queues (`dispatcher.rabbitmq`) |
|--------------|-------------------------|
| publish      | persistent, `mandatory`, publisher confirms; returns when all are confirmed. A queue cannot be searched, so a message that waits already waits twice, and is handled twice, which handlers allow |
| receive      | from a buffer that a consumer with prefetch fills; manual ack. The receiver picks by group, so a group's order holds among the receivers of one process; several processes share a queue, and a group |
| ack          | `basic.ack`, `multiple` where they are consecutive, after the handler's commit. Without an answer: what does not arrive comes again |
| retry        | publish to the queue `<queue>.retry.<ms>` (`x-message-ttl`, and dead-lettering "at least once" back to the queue; the delay is rounded up to a step, and never longer than the last) with the attempts in a header, await the confirm, then ack. It comes back behind those that waited |
| reject       | publish to `<queue>.dead` with reason, time and attempts as headers, await the confirm, then ack (`basic.reject` to a dead-letter exchange would lose the reason) |
| dead_letters | `basic.get` without ack over `<queue>.dead`, then `basic.nack` of all; nobody else sees them meanwhile. One that died twice is shown once |
| requeue, discard | the same walk, acknowledging the one that was asked for |
| depth        | passive `queue.declare` of the queue, its retry queues and `<queue>.dead`, and the buffer; what other processes hold is not counted |
| wait         | the condition that the consumer's callback notifies |
| lease        | ends with the channel; `x-delivery-count` is added to the attempts, and `x-delivery-limit` ends a message that kills its process each time |
"""  # noqa: E501  (a table)

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from dispatcher.errors import BrokerClosedError, DeadLetterNotFoundError
from dispatcher.message import PROCESS_ENDED, DeadLetter, Delivery, Depth, Message, printable
from dispatcher.wake_up import WakeUp
from eventchain.core.clock import Clock


class Broker(Protocol):
    """Keeps messages durably until they are handled. Safe to use from many threads."""

    def publish(self, messages: Sequence[Message]) -> None:
        """Add messages to the ends of their queues; they are durable when the call returns.

        A message whose id waits or is leased in its queue already is dropped: publishing twice is publishing once.
        Attempts start at 0, without a failure.
        """

    def receive(self, queue: str, limit: int) -> list[Delivery]:
        """Lease up to `limit` messages to the caller; fewer where their bodies are large.

        The group of the oldest message that may go comes first, with all its messages that wait, in order of arrival;
        then the next group. A group of which a message is leased already is left alone. Messages in back-off are
        skipped and hold nobody up.
        """

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Forget handled messages, all in one durable step. Those whose lease has ended are left alone."""

    def retry(self, delivery: Delivery, reason: str, delay_ms: int) -> None:
        """Let a message wait `delay_ms` and come again, with one attempt more. Nothing if the lease has ended."""

    def reject(self, delivery: Delivery, reason: str) -> None:
        """Make a message a dead letter, with one attempt more. Nothing if the lease has ended.

        A message that dies again under the same id takes the place of its first dead letter.
        """

    def dead_letters(self, queue: str | None = None) -> list[DeadLetter]:
        """Return the dead letters of a queue, or of all queues, oldest death first."""

    def requeue(self, letter_id: str) -> None:
        """Put a dead letter back at the end of its queue, with no attempts.

        Raises:
            DeadLetterNotFoundError: There is none under this id.
        """

    def discard(self, letter_id: str) -> None:
        """Forget a dead letter for good.

        Raises:
            DeadLetterNotFoundError: There is none under this id.
        """

    def depth(self, queue: str) -> Depth:
        """Return how many messages of a queue wait, are leased, or are dead."""

    def wait(self, queue: str, timeout_ms: int) -> bool:
        """Sleep until `receive` may give something, or `timeout_ms` have passed.

        Returns:
            Whether there may be something. False also when the broker is closed.
        """

    def close(self) -> None:
        """Wake everybody who waits, and release files and connections. Other calls raise BrokerClosedError."""


@dataclass(slots=True)
class _Entry:
    message: Message
    due: int
    tag: str | None = None


class MemoryBroker:
    """A broker for simulations and tests; what it holds is gone with the process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._wake_up = WakeUp(clock)
        self._queues: dict[str, dict[str, _Entry]] = {}
        self._dead: dict[str, tuple[DeadLetter, Message]] = {}
        self._leases = 0
        self._is_closed = False

    def publish(self, messages: Sequence[Message]) -> None:
        """See `Broker.publish`."""
        with self._lock:
            self._check_open()
            for message in messages:
                self._add(message)
        self._wake_up.notify()

    def receive(self, queue: str, limit: int) -> list[Delivery]:
        """See `Broker.receive`."""
        with self._lock:
            self._check_open()
            now = self._clock()
            groups: dict[str, list[_Entry]] = {}
            for entry in self._free(queue):
                if entry.due <= now:
                    groups.setdefault(entry.message.group, []).append(entry)
            chosen = [entry for entries in groups.values() for entry in entries][: max(limit, 0)]
            return [self._lease(entry) for entry in chosen]

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """See `Broker.ack`."""
        with self._lock:
            self._check_open()
            for delivery in deliveries:
                if self._find(delivery) is not None:
                    del self._queues[delivery.message.queue][delivery.message.id]
        self._wake_up.notify()

    def retry(self, delivery: Delivery, reason: str, delay_ms: int) -> None:
        """See `Broker.retry`."""
        with self._lock:
            self._check_open()
            if entry := self._find(delivery):
                entry.message = _failed(entry.message, reason)
                entry.due, entry.tag = self._clock() + delay_ms, None
        self._wake_up.notify()

    def reject(self, delivery: Delivery, reason: str) -> None:
        """See `Broker.reject`."""
        with self._lock:
            self._check_open()
            if entry := self._find(delivery):
                del self._queues[entry.message.queue][entry.message.id]
                letter = _dead_letter(_failed(entry.message, reason), self._clock())
                self._dead.pop(letter.id, None)
                self._dead[letter.id] = letter, entry.message
        self._wake_up.notify()

    def dead_letters(self, queue: str | None = None) -> list[DeadLetter]:
        """See `Broker.dead_letters`."""
        with self._lock:
            self._check_open()
            return [letter for letter, _ in self._dead.values() if queue in (None, letter.queue)]

    def requeue(self, letter_id: str) -> None:
        """See `Broker.requeue`."""
        with self._lock:
            self._check_open()
            self._add(self._take_dead(letter_id))
        self._wake_up.notify()

    def discard(self, letter_id: str) -> None:
        """See `Broker.discard`."""
        with self._lock:
            self._check_open()
            self._take_dead(letter_id)

    def depth(self, queue: str) -> Depth:
        """See `Broker.depth`."""
        with self._lock:
            self._check_open()
            entries = self._queues.get(queue, {}).values()
            leased = sum(entry.tag is not None for entry in entries)
            dead = sum(letter.queue == queue for letter, _ in self._dead.values())
            return Depth(waiting=len(entries) - leased, leased=leased, dead=dead)

    def oldest_due(self, queue: str) -> int | None:
        """Return since when (ms since 1970) the message that waits longest may be handled; None if none waits."""
        with self._lock:
            self._check_open()
            return min((entry.due for entry in self._queues.get(queue, {}).values() if entry.tag is None), default=None)

    def wait(self, queue: str, timeout_ms: int) -> bool:
        """See `Broker.wait`."""
        return self._wake_up.wait(lambda: self._next_due(queue), timeout_ms)

    def close(self) -> None:
        """See `Broker.close`."""
        self._is_closed = True
        self._wake_up.close()

    def reopened(self) -> "MemoryBroker":
        """Return a broker with the same messages, as a process that died and started again would find them."""
        broker = MemoryBroker(self._clock)
        with self._lock:
            self._is_closed = True
            broker._queues, broker._dead, broker._leases = self._queues, self._dead, self._leases
            for entries in broker._queues.values():
                for entry in entries.values():
                    if entry.tag is not None:
                        entry.message, entry.tag = _failed(entry.message, PROCESS_ENDED), None
        self._wake_up.close()
        return broker

    def _check_open(self) -> None:
        if self._is_closed:
            raise BrokerClosedError("the broker is closed")

    def _add(self, message: Message) -> None:
        entries = self._queues.setdefault(message.queue, {})
        entries.setdefault(message.id, _Entry(replace(message, attempts=0, failure=""), self._clock()))

    def _free(self, queue: str) -> Iterable[_Entry]:
        """Return the entries, in order of arrival, of groups of which nothing is leased."""
        entries = self._queues.get(queue, {}).values()
        leased = {entry.message.group for entry in entries if entry.tag is not None}
        return [entry for entry in entries if entry.message.group not in leased]

    def _next_due(self, queue: str) -> int | None:
        with self._lock:
            return min((entry.due for entry in self._free(queue)), default=None)

    def _lease(self, entry: _Entry) -> Delivery:
        self._leases += 1
        entry.tag = str(self._leases)
        return Delivery(message=entry.message, tag=entry.tag)

    def _find(self, delivery: Delivery) -> _Entry | None:
        entry = self._queues.get(delivery.message.queue, {}).get(delivery.message.id)
        return entry if entry is not None and entry.tag == delivery.tag else None

    def _take_dead(self, letter_id: str) -> Message:
        if letter_id not in self._dead:
            raise DeadLetterNotFoundError(f"there is no dead letter {printable(letter_id)}")
        return self._dead.pop(letter_id)[1]


def _dead_letter(message: Message, now: int) -> DeadLetter:
    return DeadLetter(
        queue=message.queue,
        message_id=message.id,
        group=message.group,
        size=len(message.body),
        attempts=message.attempts,
        reason=message.failure,
        died_at=now,
    )


def _failed(message: Message, reason: str) -> Message:
    return replace(message, attempts=message.attempts + 1, failure=printable(reason))
