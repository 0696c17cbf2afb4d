"""What the broker delivered from one queue to this process: held until it is leased, in groups, and settled.

The broker delivers up to `prefetch` messages ahead. It counts a delivery against each of them when the process dies, in
whoever's hands it was. So that a message which kills its process takes no others with it, a consumer starts with one
message at a time and goes on so while what comes was delivered before; the first that is new opens the window.
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pika

from dispatcher.message import Delivery, Message
from dispatcher.rabbitmq_channel import Answer, LinkChannel, RawChannel, count_of, resolve
from dispatcher.rabbitmq_connection import Link
from dispatcher.rabbitmq_message import deliveries_of, message_of
from eventchain.core.errors import LiveContractError
from eventchain.core.keys import Random

PREFETCH = 128
"""Messages that are delivered ahead. All their bodies may be in memory at once."""

_ONE_BY_ONE = 1


@dataclass(slots=True)
class _Entry:
    message: Message
    is_new: bool
    is_leased: bool = False
    is_being_settled: bool = False


class Consumer:
    """The deliveries of one queue. Safe to use from many threads."""

    def __init__(self, link: Link, queue: str, random: Random, prefetch: int = PREFETCH) -> None:
        self._link = link
        self._queue = queue
        self._random = random
        self._prefetch = prefetch
        self._opening = threading.Lock()
        self._changed = threading.Condition()
        self._channel: LinkChannel | None = None
        self._window = _ONE_BY_ONE
        self._name = ""
        self._entries: dict[int, _Entry] = {}
        self._is_closed = False

    def open(self) -> LinkChannel:
        """Have the broker deliver; return the channel over which it does.

        Raises:
            UnavailableError: The broker is away.
        """
        with self._opening:
            if self._channel is None or not self._channel.is_open:
                self._lose()
                with self._changed:
                    self._name = self._random(8).hex()
                self._window = _ONE_BY_ONE
                name = self._name
                self._channel = self._link.open_channel(lambda: self._lose(name))
                self._start(self._channel, name)
            return self._channel

    def receive(self, limit: int) -> list[Delivery]:
        """Lease up to `limit` messages; see `Broker.receive`.

        Raises:
            UnavailableError: The broker is away.
        """
        channel = self.open()
        if self._free_count() < limit or self._window < self._prefetch:
            self.count_ready(channel)
            if self._widen(channel):
                self.count_ready(channel)
        with self._changed:
            return [self._lease(tag, entry) for tag, entry in self._chosen(limit)]

    def count_ready(self, channel: LinkChannel) -> int:
        """Return how many messages wait at the broker, after everything that it has sent has arrived here.

        The first question makes the broker send what it has; the second is answered after that.
        """
        count = 0
        for _ in range(2):
            count = count_of(channel, self._queue)
        return count

    def counts(self) -> tuple[int, int]:
        """Return how many of the messages here are free, and how many are leased."""
        with self._changed:
            leased = sum(entry.is_leased for entry in self._entries.values())
            return len(self._entries) - leased, leased

    def take(self, delivery: Delivery) -> bool:
        """Return whether a lease holds, and keep others from settling it until `ack` or `give_back`."""
        with self._changed:
            entry = self._entries.get(self._tag(delivery))
            if entry is None or not entry.is_leased or entry.is_being_settled:
                return False
            entry.is_being_settled = True
            return True

    def give_back(self, delivery: Delivery) -> None:
        """Undo `take`: the message could not be settled."""
        with self._changed:
            if entry := self._entries.get(self._tag(delivery)):
                entry.is_being_settled = False

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the broker to forget messages. Without effect on leases that have ended."""
        with self._changed:
            tags = {self._tag(delivery) for delivery in deliveries}
            leased = {tag for tag in tags if (entry := self._entries.get(tag)) and entry.is_leased}
            if not leased or self._channel is None:
                return
            up_to = 0
            for tag in self._entries:
                if tag not in leased:
                    break
                up_to = tag
            single = sorted(tag for tag in leased if tag > up_to)
            for tag in leased:
                del self._entries[tag]
            # Under the lock: what is acknowledged twice would end the channel.
            self._channel.send(lambda raw: _ack(raw, up_to, single))
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Sleep until something is free or the channel is lost; return whether something is free."""
        with self._changed:
            channel = self._channel
            self._changed.wait_for(
                lambda: self._is_closed or channel is None or not channel.is_open or any(self._chosen(1)), seconds
            )
            return not self._is_closed and any(self._chosen(1))

    def close(self) -> None:
        """Wake who waits; the connection is ended by its owner."""
        with self._changed:
            self._is_closed = True
            self._entries.clear()
            self._changed.notify_all()

    def _start(self, channel: LinkChannel, name: str, *, instead_of: str | None = None) -> None:
        """Start deliveries within the current window. A channel on which that fails is of no use."""
        try:
            if instead_of:
                channel.call(lambda raw, answer: raw.basic_cancel(instead_of, callback=partial(resolve, answer)))
            channel.call(lambda raw, answer: self._consume(raw, name, answer))
        except LiveContractError:
            channel.close()
            raise

    def _consume(self, raw: RawChannel, name: str, answer: Answer) -> None:
        """Ask for deliveries; called by the link's thread."""

        def arrived(_: Any, method: Any, properties: pika.BasicProperties, body: bytes) -> None:
            deliveries = deliveries_of(properties, redelivered=method.redelivered)
            self._arrive(name, method.delivery_tag, message_of(self._queue, properties, body, deliveries), deliveries)

        raw.add_on_cancel_callback(lambda _: raw.close() if raw.is_open else None)  # the queue was deleted
        raw.basic_qos(prefetch_count=self._window)
        tag = _consumer_tag(name, self._window)
        raw.basic_consume(self._queue, arrived, consumer_tag=tag, callback=lambda _: resolve(answer, None))

    def _arrive(self, name: str, tag: int, message: Message, deliveries: int) -> None:
        entry = _Entry(message, is_new=not deliveries)
        with self._changed:
            if name == self._name and not self._is_closed:
                self._entries[tag] = entry
                self._changed.notify_all()

    def _widen(self, channel: LinkChannel) -> bool:
        """Let the broker deliver ahead if the one message that came is new; return whether it does so from now on."""
        with self._opening:
            with self._changed:
                is_new = any(entry.is_new for entry in self._entries.values())
            if self._window >= self._prefetch or not is_new or channel is not self._channel:
                return False
            name, old = self._name, _consumer_tag(self._name, self._window)
            self._window = self._prefetch
            self._start(channel, name, instead_of=old)
            return True

    def _chosen(self, limit: int) -> Iterable[tuple[int, _Entry]]:
        """Return what may be leased: all messages of the oldest free group, then of the next."""
        taken = {entry.message.group for entry in self._entries.values() if entry.is_leased}
        groups: dict[str, list[tuple[int, _Entry]]] = {}
        for tag, entry in self._entries.items():
            if entry.message.group not in taken:
                groups.setdefault(entry.message.group, []).append((tag, entry))
        return [item for group in groups.values() for item in group][: max(limit, 0)]

    def _free_count(self) -> int:
        with self._changed:
            return len(list(self._chosen(len(self._entries))))

    def _lease(self, tag: int, entry: _Entry) -> Delivery:
        entry.is_leased = True
        return Delivery(message=entry.message, tag=f"{self._name}.{tag}")

    def _tag(self, delivery: Delivery) -> int:
        """Return the broker's number of a lease of the present channel, else one that does not exist."""
        name, _, number = delivery.tag.rpartition(".")
        return int(number) if name == self._name and number.isdecimal() else 0

    def _lose(self, name: str | None = None) -> None:
        """Forget what a lost channel delivered: the broker delivers it again."""
        with self._changed:
            if name in (None, self._name):
                self._entries.clear()
                self._name = ""
            self._changed.notify_all()


def _consumer_tag(name: str, window: int) -> str:
    """Return the name of a consumer; when a channel ends, RabbitMQ puts messages back in the order of these names."""
    return f"{min(window, 2)}-{name}"


def _ack(raw: RawChannel, up_to: int, single: Sequence[int]) -> None:
    if up_to:
        raw.basic_ack(up_to, multiple=True)
    for tag in single:
        raw.basic_ack(tag)
