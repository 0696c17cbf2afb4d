"""Handing events to RabbitMQ, against pika's bare pipelined confirms into the same kind of queue.

Both publish the same bodies, persistent and mandatory, into a quorum queue, and have a confirm for each at the end. The
limit sends everything at once over a channel it opened before. The work is what a node does: several threads, each of
which hands over the messages of a batch of events and waits until the broker has them.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

import pika

from benchmarks.measure import Figure, compare
from benchmarks.sizes import Sizes
from dispatcher.message import EVENTS, Message
from dispatcher.rabbitmq import RabbitBroker
from dispatcher.rabbitmq_settings import RabbitSettings, parameters
from eventchain.core.clock import system_clock
from livecontract.demo.rabbitmq_server import RabbitServer

NAME = "handover"

_BODY_BYTES = 800
"""Of an event on its way."""

_THREADS = 4
_BATCH = 100
_GROUPS = 50


def run(sizes: Sizes) -> list[Figure]:
    """Measure on a RabbitMQ server of our own.

    Raises:
        UnavailableError: RabbitMQ is not installed.
    """
    with tempfile.TemporaryDirectory() as folder, _settings(Path(folder)) as settings:
        bodies = [os.urandom(_BODY_BYTES) for _ in range(sizes.messages)]
        broker = RabbitBroker(settings, system_clock, os.urandom)
        broker.depth(EVENTS)  # makes the queue
        bare = BarePublisher(settings)
        try:
            messages = [
                Message(queue=EVENTS, id=body[:32].hex(), group=f"chain {number % _GROUPS}", body=body)
                for number, body in enumerate(bodies)
            ]
            batches = [messages[start : start + _BATCH] for start in range(0, len(messages), _BATCH)]
            with ThreadPoolExecutor(_THREADS) as pool:

                def hand_over() -> float:
                    bare.purge()
                    start = time.perf_counter()
                    list(pool.map(broker.publish, batches))
                    return time.perf_counter() - start

                def publish_bare() -> float:
                    bare.purge()
                    return bare.publish(bodies)

                ratio, seconds, limit_seconds = compare(hand_over, publish_bare, rounds=sizes.rounds)
        finally:
            broker.close()
            bare.close()
    return [
        Figure(
            benchmark=NAME,
            what="handing events to RabbitMQ",
            limit="bare pika, pipelined confirms",
            ratio=ratio,
            meaning="speed",
            aim=0.7,
            count=len(bodies),
            unit="event",
            seconds=seconds,
            limit_seconds=limit_seconds,
        )
    ]


@contextmanager
def _settings(folder: Path) -> Iterator[RabbitSettings]:
    server = RabbitServer(folder)
    try:
        server.start()
        yield RabbitSettings(url=server.url(), password=server.password)
    finally:
        server.kill()
        server.stop()


class BarePublisher:
    """pika's own event loop, and nothing around it. The connection stands before a turn and after it."""

    def __init__(self, settings: RabbitSettings) -> None:
        self._sent = 0
        self._open: dict[int, None] = {}  # in order
        self._channel: Any = None
        self._connection: Any = pika.SelectConnection(
            parameters(settings), on_open_callback=lambda made: made.channel(on_open_callback=self._prepare)
        )
        self._loop = self._connection.ioloop
        self._loop.start()

    def publish(self, bodies: list[bytes]) -> float:
        """Return the seconds it takes until all bodies are confirmed."""
        start = time.perf_counter()
        self._loop.add_callback_threadsafe(lambda: self._send(bodies))
        self._loop.start()
        return time.perf_counter() - start

    def purge(self) -> None:
        """Empty the queue."""
        self._loop.add_callback_threadsafe(
            lambda: self._channel.queue_purge(EVENTS, callback=lambda _: self._loop.stop())
        )
        self._loop.start()

    def close(self) -> None:
        """End the connection."""
        self._connection.add_on_close_callback(lambda *_: self._loop.stop())
        self._connection.close()
        self._loop.start()
        self._loop.close()

    def _prepare(self, channel: Any) -> None:
        self._channel = channel
        channel.confirm_delivery(self._confirm, callback=lambda _: self._loop.stop())

    def _send(self, bodies: list[bytes]) -> None:
        for body in bodies:
            properties = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)
            self._channel.basic_publish("", EVENTS, body, properties, mandatory=True)
            self._sent += 1
            self._open[self._sent] = None

    def _confirm(self, frame: Any) -> None:
        method = frame.method
        if not isinstance(method, pika.spec.Basic.Ack):
            raise RuntimeError("the broker did not take a message")
        if method.multiple:
            for tag in list(takewhile(lambda tag: tag <= method.delivery_tag, self._open)):
                del self._open[tag]
        else:
            self._open.pop(method.delivery_tag, None)
        if not self._open:
            self._loop.stop()
