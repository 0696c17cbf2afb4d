"""A connection to RabbitMQ that comes back by itself, and the thread that owns it.

pika's connections and channels are used by one thread only. A `Link` has that thread; others hand functions over to it
and wait for what becomes of them, for a bounded time. Everything that was asked on a connection fails with it: a
channel of a lost connection is never used again, and whoever needs one opens a new one.
"""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pika
import structlog
from pika.adapters.select_connection import IOLoop

from dispatcher.dispatch import RetryPolicy
from dispatcher.errors import BrokerClosedError, BrokerUnreachableError
from dispatcher.message import printable
from dispatcher.rabbitmq_channel import LinkChannel, reason_of
from dispatcher.rabbitmq_settings import ANSWER_SECONDS, TolerantConnection
from eventchain.core.errors import LiveContractError
from eventchain.core.keys import Random

_STEADY_SECONDS = 5.0
"""A connection that lasted so long may be made anew at once."""

_RECONNECT = RetryPolicy(max_attempts=0, first_delay_ms=250, max_delay_ms=10_000)
"""How long to wait between attempts; it never gives up."""

_log = structlog.get_logger(__name__)


class Link:
    """A connection that is made again whenever it is lost, until it is closed.

    Attributes:
        blocked: Why the broker takes no messages now, or None.
        connections: How many there were so far.
    """

    def __init__(self, made: pika.ConnectionParameters, random: Random) -> None:
        """Start connecting; returns at once."""
        self.blocked: str | None = None
        self.connections = 0
        self._parameters = made
        self._random = random
        self._log = _log.bind(broker=f"{made.host}:{made.port}", vhost=made.virtual_host)
        self._changed = threading.Condition()
        self._state = "connecting"  # or: open, down, closed
        self._failure = "the broker was not reached yet"
        self._loop: IOLoop | None = None
        self._connection: Any = None
        self._channels: set[LinkChannel] = set()
        self._when_blocked: Callable[[], None] = lambda: None
        self._opened_at = 0.0
        self._thread = threading.Thread(target=self._run, name="rabbitmq", daemon=True)
        self._thread.start()

    @property
    def is_open(self) -> bool:
        """Whether the connection stands, as far as is known."""
        return self._state == "open"

    def when_blocked(self, function: Callable[[], None]) -> None:
        """Have a function called by the link's thread whenever the broker stops taking messages."""
        self._when_blocked = function

    def open_channel(self, on_lost: Callable[[], None] = lambda: None) -> "LinkChannel":
        """Open a channel, after waiting for a connection that is being made.

        Args:
            on_lost: Called once, by any thread, when the channel is of no use any more.

        Raises:
            BrokerUnreachableError: There is no connection, or no answer.
            BrokerClosedError: The link was closed.
        """
        channel = LinkChannel(self, on_lost)
        self._wait_until_open(ANSWER_SECONDS)
        with self._changed:
            self._check_open()
            self._channels.add(channel)
        try:
            channel.call(lambda _, answer: self._connection.channel(on_open_callback=partial(channel.attach, answer)))
        except LiveContractError as error:
            channel.lose(error)
            raise
        return channel

    def wait_until_open(self, seconds: float) -> bool:
        """Wait for a connection, also for one that could not be made lately; return whether it stands."""
        with self._changed:
            self._changed.wait_for(lambda: self._state in ("open", "closed"), seconds)
            return self._state == "open"

    def post(self, function: Callable[[], None]) -> None:
        """Let the link's thread call a function.

        Raises:
            BrokerUnreachableError: There is no connection.
            BrokerClosedError: The link was closed.
        """
        with self._changed:
            self._check_open()
            if self._loop is not None:
                self._loop.add_callback_threadsafe(function)

    def forget(self, channel: "LinkChannel") -> None:
        """Drop a channel that ended."""
        with self._changed:
            self._channels.discard(channel)

    def close(self) -> None:
        """End the connection and its thread; what is being asked fails."""
        with self._changed:
            if self._state == "closed":
                return
            self._state = "closed"
            if self._loop is not None:
                self._loop.add_callback_threadsafe(self._end)
            self._changed.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join(ANSWER_SECONDS)

    def _wait_until_open(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._state != "connecting", seconds)
            self._check_open()

    def _check_open(self) -> None:
        if self._state == "closed":
            raise BrokerClosedError("the broker is closed")
        if self._state != "open":
            raise BrokerUnreachableError(f"the broker is away: {self._failure}")

    # --- the link's thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        failures = 0
        while self._state != "closed":
            self._connect_once()
            steady = self._opened_at and time.monotonic() - self._opened_at > _STEADY_SECONDS
            failures = 0 if steady else failures + 1
            with self._changed:
                if self._state == "closed":
                    return
                if not self._opened_at:
                    self._state = "down"
                    self._changed.notify_all()
                delay = _RECONNECT.delay_ms(failures, self._random) / 1000 if failures else 0
                self._changed.wait_for(lambda: self._state == "closed", delay)

    def _connect_once(self) -> None:
        """Make a connection and work for it until it ends."""
        self._opened_at = 0.0
        loop = IOLoop()
        with self._changed:
            if self._state == "closed":
                loop.close()
                return
            self._loop = loop
        try:
            self._connection = TolerantConnection(
                self._parameters,
                on_open_callback=self._on_open,
                on_open_error_callback=lambda _, error: self._on_ended(error),
                on_close_callback=lambda _, error: self._on_ended(error),
                custom_ioloop=loop,
            )
            loop.start()
        except Exception as error:  # noqa: BLE001 - whatever pika meets, the next connection may work
            self._log.error("the connection broke", exc_info=error)
            self._failure = f"unexpected {type(error).__name__}"
        finally:
            self._lose(loop)

    def _on_open(self, connection: Any) -> None:
        connection.add_on_connection_blocked_callback(self._on_blocked)
        connection.add_on_connection_unblocked_callback(self._on_unblocked)
        self._opened_at = time.monotonic()
        self.connections += 1
        with self._changed:
            if self._state != "closed":
                self._state = "open"
                self._changed.notify_all()
        if self._state == "closed":
            self._end()
        self._log.info("connected to the broker")

    def _on_blocked(self, _: Any, frame: Any) -> None:
        self.blocked = printable(str(frame.method.reason))
        self._log.warning("the broker takes no messages", reason=self.blocked)
        self._when_blocked()

    def _on_unblocked(self, *_: Any) -> None:
        self.blocked = None

    def _on_ended(self, error: BaseException) -> None:
        self._failure = reason_of(error)
        if self._state != "closed":
            self._log.warning("no connection to the broker", reason=self._failure)
        if self._loop is not None:
            self._loop.stop()

    def _end(self) -> None:
        """Close the connection, politely where it is open."""
        loop, connection = self._loop, self._connection
        if loop is None:
            return
        loop.call_later(ANSWER_SECONDS / 5, loop.stop)
        if connection is None or connection.is_closed:
            loop.stop()
        elif not connection.is_closing:
            connection.close()

    def _lose(self, loop: IOLoop) -> None:
        """Fail everything that was asked on the connection that ended."""
        with self._changed:
            if self._state == "open":
                self._state = "connecting"
            self._loop = self._connection = None
            self.blocked = None
            lost, self._channels = self._channels, set()
            self._changed.notify_all()
        for channel in lost:
            channel.lose(BrokerUnreachableError(f"the connection to the broker was lost: {self._failure}"))
        loop.close()
