"""Looking through the dead letters of a queue in RabbitMQ, which has no other way than to take all of them out."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pika

from dispatcher.errors import QueueMissingError
from dispatcher.message import DeadLetter, Message
from dispatcher.rabbitmq_channel import Answer, LinkChannel, RawChannel, count_of, resolve
from dispatcher.rabbitmq_connection import Link
from dispatcher.rabbitmq_message import dead_letter_of, dead_queue, message_of

_RETURN_SECONDS = 1.0
_POLL_SECONDS = 0.002


class Found(NamedTuple):
    """A dead letter, and whether it was taken out for good."""

    letter: DeadLetter
    is_taken: bool


def walk(
    link: Link,
    queue: str,
    is_wanted: Callable[[DeadLetter], bool],
    then: Callable[[Message], None] = lambda _: None,
) -> list[Found]:
    """Return all dead letters of a queue, oldest first, and take out those that are wanted.

    Meanwhile nobody else sees them. They are back, in the same order, when the call returns, or when the process dies.

    Args:
        link: To the broker.
        queue: Whose dead letters.
        is_wanted: Which of them to take out: all are the same message, that died several times.
        then: Called once with the wanted message, before it is taken out.

    Raises:
        UnavailableError: The broker is away, or `then` failed: all letters stay.
    """
    channel = link.open_channel()
    found: list[Found] = []
    taken: list[tuple[int, Message]] = []
    last = 0
    try:
        while (item := channel.call(_Getter(dead_queue(queue)))) is not None:
            last, properties, body = item
            letter = dead_letter_of(queue, properties, body)
            found.append(Found(letter, is_wanted(letter)))
            if found[-1].is_taken:
                taken.append((last, message_of(queue, properties, body)))
        if taken:
            then(taken[-1][1])
            tags = [tag for tag, _ in taken]
            channel.send(lambda raw: _ack(raw, tags))
    except QueueMissingError:
        return []
    finally:
        _put_back(channel, dead_queue(queue), last, len(found) - len(taken))
        channel.close()
    return found


class _Getter:
    """Takes one message out of a queue; answers None where there is none."""

    def __init__(self, queue: str) -> None:
        self._queue = queue

    def __call__(self, raw: RawChannel, answer: Answer) -> None:
        def got(_: Any, method: Any, properties: pika.BasicProperties, body: bytes) -> None:
            resolve(answer, (method.delivery_tag, properties, body))

        raw.add_callback(lambda _: resolve(answer, None), [pika.spec.Basic.GetEmpty])
        raw.basic_get(self._queue, got)


def _ack(raw: RawChannel, tags: Sequence[int]) -> None:
    for tag in tags:
        raw.basic_ack(tag)


def _put_back(channel: LinkChannel, queue: str, last: int, count: int) -> None:
    """Return what was taken out, and wait until the queue counts it again.

    Closing the channel would return it too, only somewhat later than the next one who looks.
    """
    if not last or not channel.is_open or not count:
        return
    channel.send(lambda raw: raw.basic_nack(last, multiple=True, requeue=True))
    end = time.monotonic() + _RETURN_SECONDS
    while count_of(channel, queue) < count and time.monotonic() < end:
        time.sleep(_POLL_SECONDS)
