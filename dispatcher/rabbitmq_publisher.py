"""Publishing with pipelined confirms: many messages are on their way at once, and each call waits for its own."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, NamedTuple

import pika

from dispatcher.errors import QueueFullError, QueueMissingError
from dispatcher.rabbitmq_channel import Answer, LinkChannel, RawChannel, fail, resolve, result_of
from dispatcher.rabbitmq_connection import Link
from eventchain.core.errors import LiveContractError

MAX_PORTION = 5_000
MAX_PORTION_BYTES = 16 * 1024 * 1024
"""What is sent before the confirms of it are waited for: a second's work."""


class Outgoing(NamedTuple):
    """A message on the wire: queue (of an exchange: routing key), properties and body; through the default exchange."""

    queue: str
    properties: pika.BasicProperties
    body: bytes
    exchange: str = ""


@dataclass(slots=True)
class _Batch:
    """The messages of one call: how many of them the broker has not answered for yet."""

    answer: Answer
    left: int
    failure: LiveContractError | None = None


@dataclass(slots=True)
class _Sent:
    """A message that was sent and not answered for."""

    queue: str
    batch: _Batch
    failure: LiveContractError | None = None


class Confirms:
    """What was sent on one channel, by delivery tag. Used by the link's thread only."""

    def __init__(self) -> None:
        self._sent: dict[int, _Sent] = {}
        self._next = 1

    def prepare(self, raw: RawChannel, answer: Answer) -> None:
        """Ask the broker for confirms on a new channel."""
        raw.add_on_return_callback(self._on_return)
        raw.confirm_delivery(self._on_confirm, callback=lambda _: resolve(answer, None))

    def send(self, raw: RawChannel, messages: Sequence[Outgoing], answer: Answer) -> None:
        """Send messages; the answer comes when the broker has answered for all of them."""
        batch = _Batch(answer, len(messages))
        for queue, properties, body, exchange in messages:
            properties.correlation_id = str(self._next)  # a returned message says nothing else about which it was
            raw.basic_publish(exchange, queue, body, properties, mandatory=True)
            self._sent[self._next] = _Sent(queue, batch)
            self._next += 1

    def give_up(self, error: LiveContractError) -> None:
        """Fail all that waits for an answer; what was sent may arrive nevertheless."""
        sent, self._sent = self._sent, {}
        for item in sent.values():
            fail(item.batch.answer, error)

    def _on_return(self, _: Any, method: Any, properties: pika.BasicProperties, __: bytes) -> None:
        """Note that a message has no queue; its confirm follows, as if nothing was wrong."""
        tag = properties.correlation_id
        sent = self._sent.get(int(tag)) if isinstance(tag, str) and tag.isdecimal() else None
        if sent is not None:
            sent.failure = QueueMissingError(f"the broker has no queue {method.routing_key} any more")

    def _on_confirm(self, frame: Any) -> None:
        method = frame.method
        tags = [method.delivery_tag]
        if method.multiple:
            tags = list(takewhile(lambda tag: tag <= method.delivery_tag, self._sent))
        for tag in tags:
            sent = self._sent.pop(tag, None)
            if sent is None:
                continue
            if isinstance(method, pika.spec.Basic.Nack):
                sent.failure = QueueFullError(f"the broker does not take the message: the queue {sent.queue} is full")
            _settle(sent)


def _settle(sent: _Sent) -> None:
    batch = sent.batch
    batch.left -= 1
    batch.failure = batch.failure or sent.failure
    if batch.left:
        return
    if batch.failure:
        fail(batch.answer, batch.failure)
    else:
        resolve(batch.answer, None)


def portions(messages: Sequence[Outgoing]) -> Iterator[list[Outgoing]]:
    """Return the messages in portions of which each is confirmed in good time, however many and large they are."""
    portion: list[Outgoing] = []
    size = 0
    for message in messages:
        if portion and (len(portion) >= MAX_PORTION or size + len(message.body) > MAX_PORTION_BYTES):
            yield portion
            portion, size = [], 0
        portion.append(message)
        size += len(message.body)
    if portion:
        yield portion


class Publisher:
    """Publishes over one link, for any number of threads."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._opening = threading.Lock()
        self._channel: LinkChannel | None = None
        self._confirms = Confirms()
        link.when_blocked(lambda: self._confirms.give_up(self._blocked()))

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Send messages to their queues and wait until the broker has them on the disk.

        Raises:
            BrokerUnreachableError: The broker is away, or did not answer; the messages may arrive nevertheless.
            QueueFullError: At least one was not taken.
            QueueMissingError: At least one has no queue.
        """
        for portion in portions(messages):
            result_of(self.submit(portion))

    def submit(self, messages: Sequence[Outgoing]) -> Answer:
        """Send messages, and return what will say when the broker has them; it fails as `publish` does."""
        if not messages:
            done: Answer = Future()
            resolve(done, None)
            return done
        if self._link.blocked is not None:
            raise self._blocked()
        channel, confirms = self._open()
        return channel.submit(lambda raw, answer: confirms.send(raw, messages, answer))

    def _blocked(self) -> QueueFullError:
        return QueueFullError(f"the broker takes no messages now: {self._link.blocked}")

    def _open(self) -> tuple[LinkChannel, Confirms]:
        with self._opening:
            if self._channel is None or not self._channel.is_open:
                confirms = Confirms()
                channel = self._link.open_channel()
                try:
                    channel.call(confirms.prepare)
                except LiveContractError:
                    channel.close()
                    raise
                self._channel, self._confirms = channel, confirms
            return self._channel, self._confirms
