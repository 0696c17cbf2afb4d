"""A broker in RabbitMQ, for nodes whose services run in several processes.

`dispatcher.broker` says how each method maps.

Two connections, because the broker stops reading from one that publishes when it is short of memory or disk, and what
is handled should be acknowledged nevertheless. Both come back by themselves.

One receiver keeps the order of groups as every broker does. Several processes on one queue share its messages, also
those of one group: the order of a chain's events is then kept by the event chain service, which holds a lease for each
chain and answers what comes too early with an error that lets it come again.

What a process prefetched and what it leased is known to itself only: `depth` counts the leases of this process, and
those of others not at all.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dispatcher.errors import BrokerClosedError, DeadLetterNotFoundError, QueueMissingError
from dispatcher.message import DeadLetter, Delivery, Depth, Message, is_queue_name, printable
from dispatcher.rabbitmq_channel import Answer, LinkChannel, RawChannel, count_of, resolve
from dispatcher.rabbitmq_connection import Link
from dispatcher.rabbitmq_consumer import PREFETCH, Consumer
from dispatcher.rabbitmq_dead import Found, walk
from dispatcher.rabbitmq_message import dead_queue, properties, retry_queue, retry_queues, topology
from dispatcher.rabbitmq_publisher import Outgoing, Publisher
from dispatcher.rabbitmq_settings import RabbitSettings, parameters
from eventchain.core.clock import Clock
from eventchain.core.errors import UnavailableError
from eventchain.core.keys import Random


class RabbitBroker:
    """Keeps messages in quorum queues of one virtual host."""

    def __init__(
        self,
        settings: RabbitSettings,
        clock: Clock,
        random: Random,
        *,
        queues: Sequence[str] = (),
        max_length: int | None = None,
        prefetch: int = PREFETCH,
    ) -> None:
        """Start connecting; returns at once. What is asked before the connection stands waits for it, for a while.

        Args:
            settings: Where the broker is, and who we are.
            clock: For the times of dead letters; back-offs are the broker's own.
            random: Spreads reconnects, and names leases.
            queues: Those whose dead letters are listed, beside those that are used.
            max_length: Messages a queue holds before it takes no more; None for no limit.
            prefetch: Messages that are delivered ahead, for each queue.

        Raises:
            BrokerUnreachableError: A certificate cannot be read.
        """
        self._clock = clock
        self._random = random
        self._max_length = max_length
        self._prefetch = prefetch
        made = parameters(settings)
        self._out, self._in = Link(made, random), Link(made, random)
        self._publisher = Publisher(self._out)
        self._lock = threading.Lock()
        self._declaring = threading.Lock()
        self._queues = dict.fromkeys(queues)
        self._declared: dict[str, int] = {}  # in which connection they were made, or found
        self._consumers: dict[str, Consumer] = {}
        self._is_closed = False

    def publish(self, messages: Sequence[Message]) -> None:
        """See `Broker.publish`.

        Raises:
            UnavailableError: The broker is away, or did not take all of them; some may be there nevertheless.
        """
        self._check_open()
        self._publish([(message.queue, replace(message, attempts=0, failure=""), None) for message in messages])

    def receive(self, queue: str, limit: int) -> list[Delivery]:
        """See `Broker.receive`."""
        try:
            return self._consumer(queue).receive(limit)
        except QueueMissingError:
            self._forget([queue])
            raise

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """See `Broker.ack`. What the broker does not hear of any more comes again."""
        self._check_open()
        by_queue: dict[str, list[Delivery]] = {}
        for delivery in deliveries:
            by_queue.setdefault(delivery.message.queue, []).append(delivery)
        for queue, some in by_queue.items():
            self._known_consumer(queue).ack(some)

    def retry(self, delivery: Delivery, reason: str, delay_ms: int) -> None:
        """See `Broker.retry`. The delay is rounded up to a step, and a long one cut to the last step."""
        failed = _failed(delivery.message, reason)
        self._move(delivery, retry_queue(failed.queue, delay_ms), failed, None)

    def reject(self, delivery: Delivery, reason: str) -> None:
        """See `Broker.reject`."""
        failed = _failed(delivery.message, reason)
        self._move(delivery, dead_queue(failed.queue), failed, self._clock())

    def dead_letters(self, queue: str | None = None) -> list[DeadLetter]:
        """See `Broker.dead_letters`. Nobody else sees the letters meanwhile."""
        self._check_open()
        with self._lock:
            queues = list(self._queues) if queue is None else [queue]
        letters: dict[str, DeadLetter] = {}
        for name in queues:
            for found in self._walk(name, lambda _: False):
                letters.pop(found.letter.id, None)
                letters[found.letter.id] = found.letter
        return sorted(letters.values(), key=lambda letter: letter.died_at)

    def requeue(self, letter_id: str) -> None:
        """See `Broker.requeue`."""
        self._remove(letter_id, self._publish_again)

    def discard(self, letter_id: str) -> None:
        """See `Broker.discard`."""
        self._remove(letter_id, lambda _: None)

    def depth(self, queue: str) -> Depth:
        """See `Broker.depth`."""
        self._declare(queue)
        with self._lock:
            consumer = self._consumers.get(queue)
        channel = self._in.open_channel()
        try:
            dead = count_of(channel, dead_queue(queue))
            waiting = sum(count_of(channel, name) for name in retry_queues(queue))
            waiting += consumer.count_ready(consumer.open()) if consumer else count_of(channel, queue)
        except QueueMissingError:
            self._forget([queue])
            raise
        finally:
            channel.close()
        free, leased = consumer.counts() if consumer else (0, 0)
        return Depth(waiting=waiting + free, leased=leased, dead=dead)

    def wait(self, queue: str, timeout_ms: int) -> bool:
        """See `Broker.wait`. Sleeps as well while the broker is away, and wakes when it is back."""
        end = time.monotonic() + timeout_ms / 1000
        while not self._is_closed:
            left = end - time.monotonic()
            try:
                consumer = self._consumer(queue)
                consumer.open()
            except UnavailableError:
                if left <= 0 or self._in.is_open or not self._in.wait_until_open(left):
                    return False  # `receive` will say what is wrong
                continue
            if consumer.wait(max(left, 0)):
                return True
            if left <= 0:
                return False
        return False

    def close(self) -> None:
        """See `Broker.close`. What was leased or delivered ahead goes back to the broker."""
        self._is_closed = True
        with self._lock:
            consumers = list(self._consumers.values())
        for consumer in consumers:
            consumer.close()
        self._in.close()
        self._out.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise BrokerClosedError("the broker is closed")

    def _publish(self, messages: Sequence[tuple[str, Message, int | None]]) -> None:
        """Publish messages to wire queues; the last member is when a message died."""
        outgoing = [
            Outgoing(queue, properties(message, died_at=died_at), message.body) for queue, message, died_at in messages
        ]
        names = {message.queue for _, message, _ in messages}
        for name in names:
            self._declare(name)
        try:
            self._publisher.publish(outgoing)
        except QueueMissingError:
            self._forget(names)
            raise

    def _publish_again(self, message: Message) -> None:
        self._publish([(message.queue, replace(message, attempts=0, failure=""), None)])

    def _move(self, delivery: Delivery, to: str, message: Message, died_at: int | None) -> None:
        """Put a leased message into another queue, and only then forget it here."""
        self._check_open()
        consumer = self._known_consumer(message.queue)
        if not consumer.take(delivery):
            return
        try:
            self._publish([(to, message, died_at)])
        except BaseException:
            consumer.give_back(delivery)
            raise
        consumer.ack([delivery])

    def _remove(self, wanted: str, then: Callable[[Message], None]) -> None:
        """Take a dead letter out, after `then` was done with its message."""
        self._check_open()
        queue = wanted.partition(".")[0]

        def is_wanted(letter: DeadLetter) -> bool:
            return letter.id == wanted

        found = self._walk(queue, is_wanted, then)
        if not any(item.is_taken for item in found):
            raise DeadLetterNotFoundError(f"there is no dead letter {printable(wanted)}")

    def _walk(
        self, queue: str, wanted: Callable[[DeadLetter], bool], then: Callable[[Message], None] = lambda _: None
    ) -> list[Found]:
        return walk(self._in, queue, wanted, then) if is_queue_name(queue) else []

    def _declare(self, queue: str) -> None:
        """Make the queues that belong to a queue, if this connection has not done so already.

        Raises:
            IncompatibleQueueError: One exists with other arguments.
            UnavailableError: The broker is away.
        """
        self._check_open()
        with self._declaring:
            if self._declared.get(queue, 0) == self._in.connections and self._in.is_open:
                return
            channel = self._in.open_channel()
            try:
                for name, arguments in topology(queue, self._max_length).items():
                    _declare(channel, name, arguments)
            finally:
                channel.close()
            with self._lock:
                self._declared[queue] = self._in.connections
                self._queues.setdefault(queue)

    def _forget(self, queues: Iterable[str]) -> None:
        """Make queues anew when they are used the next time."""
        with self._lock:
            for queue in queues:
                self._declared.pop(queue, None)

    def _consumer(self, queue: str) -> Consumer:
        self._declare(queue)
        return self._known_consumer(queue)

    def _known_consumer(self, queue: str) -> Consumer:
        with self._lock:
            if queue not in self._consumers:
                self._consumers[queue] = Consumer(self._in, queue, self._random, self._prefetch)
            return self._consumers[queue]


def _failed(message: Message, reason: str) -> Message:
    return replace(message, attempts=message.attempts + 1, failure=printable(reason))


def _declare(channel: LinkChannel, queue: str, arguments: Mapping[str, Any]) -> None:
    def ask(raw: RawChannel, answer: Answer) -> None:
        raw.queue_declare(queue, durable=True, arguments=arguments, callback=lambda _: resolve(answer, None))

    channel.call(ask)
