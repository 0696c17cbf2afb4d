"""Serving the application over a socket with waitress, until it is told to stop.

Requests that waitress refuses before the application sees them (malformed, too large) are answered as problem
documents too.
"""

import json
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

import waitress
from flask import Flask
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask

from eventchain.core import problem
from livecontract.streams import Streams

CHANNEL_TIMEOUT = 60
"""Seconds a connection may be silent."""

CONNECTION_LIMIT = 500
"""Connections at once, beside those of streams."""

_CROWDED = 450
"""Connections from which on the oldest silent ones are closed; at the limit nobody new would be heard."""

_MAX_BACKLOG = 64 * 1024
"""Bytes that a stream's reader may leave unread; one that leaves more is gone, whatever its connection says."""

MAX_HEADER_BYTES = 64 * 1024
GRACE = 30.0
"""Seconds that running requests get to finish after `stop`."""

_SLACK = 64 * 1024
"""Bytes over the limit that are still read, so that the application, which says more, is the one to refuse them."""

_POLL = 1.0


class WebServer:
    """An application on a socket.

    Attributes:
        port: Where it listens; a free one if 0 was asked for. Bound at once, so that nobody else takes it.
    """

    def __init__(
        self,
        app: Flask,
        *,
        host: str,
        port: int,
        threads: int,
        max_request_bytes: int,
        streams: Streams | None = None,
    ) -> None:
        """Bind the socket; requests wait there until `start` or `run`.

        Args:
            app: What answers.
            host: Where to listen.
            port: Where to listen; 0 takes a free one.
            threads: Requests served at once.
            max_request_bytes: Larger ones are refused while they arrive.
            streams: The application's streams: each gets a thread of its own beside `threads`.

        Raises:
            OSError: The address is in use, or not this machine's.
        """
        listener = _bind(host, port)
        self.port: int = listener.getsockname()[1]
        self._server: Any = waitress.create_server(
            app,
            sockets=[listener],
            threads=threads,
            max_request_body_size=max_request_bytes + _SLACK,
            max_request_header_size=MAX_HEADER_BYTES,
            channel_timeout=CHANNEL_TIMEOUT,
            connection_limit=CONNECTION_LIMIT + (streams.limit if streams else 0),
            ident=None,
            clear_untrusted_proxy_headers=False,  # `livecontract.gates` decides what they are worth
        )
        self._server.channel_class = _Channel
        self._listener = listener
        self._stopping = threading.Event()
        self._stopped = threading.Event()
        self._waking = threading.Lock()
        self._can_wake = True
        self._started = False
        self._threads = threads
        self._streams = streams or Streams(0)
        self._streams.attach(self._make_threads)

    def start(self) -> None:
        """Serve from another thread."""
        self._started = True
        threading.Thread(target=self.run, name="web-server", daemon=True).start()

    def run(self) -> None:
        """Serve from this thread until `stop` is called from another one."""
        self._started = True
        try:
            while not self._stopping.is_set():
                self._poll()
            self._drain()
        finally:
            self._close()

    def stop(self) -> None:
        """Take no more requests, finish those that are running, and close. May be called twice."""
        self._stopping.set()
        self._streams.stop()
        if not self._started:
            self._started = True
            self._close()
        elif not self._stopped.is_set():
            self._wake()
        self._stopped.wait()

    def _wake(self) -> None:
        """End the waiting of the serving thread, unless it is closing: its descriptor may be another file's by then."""
        with self._waking:
            if self._can_wake:
                self._server.pull_trigger()

    def _poll(self) -> None:
        self._make_room()
        wasyncore.loop(timeout=_POLL, use_poll=True, map=self._server._map, count=1)  # noqa: SLF001 (no public name)

    def _make_room(self) -> None:
        """Close the oldest connections without a whole request where there are too many.

        Who opens many and says nothing, or only a drop now and then, keeps nobody out.
        """
        channels = self._server.active_channels
        if len(channels) < _CROWDED + self._streams.count:
            return
        silent = [channel for channel in list(channels.values()) if not _is_busy(channel)]
        silent.sort(key=lambda channel: channel.creation_time)
        for channel in silent[: _CROWDED // 4]:
            channel.will_close = True

    def _make_threads(self, streams: int) -> None:
        """Have a thread for each stream and `threads` for everything else; once closed there are none."""
        if not self._stopping.is_set():
            self._server.task_dispatcher.set_thread_count(self._threads + streams)

    def _drain(self) -> None:
        self._server.accepting = False
        end = time.monotonic() + GRACE
        while time.monotonic() < end and any(map(_is_busy, list(self._server.active_channels.values()))):
            self._poll()

    def _close(self) -> None:
        self._server.task_dispatcher.shutdown()
        with self._waking:
            self._can_wake = False
            self._server.trigger.close()
        wasyncore.close_all(self._server._map, ignore_all=True)  # noqa: SLF001 (no public name)
        self._listener.close()
        self._stopped.set()


def wait_for_signal(
    signals: Iterable[signal.Signals] = (signal.SIGTERM, signal.SIGINT), begin: Callable[[], None] | None = None
) -> signal.Signals:
    """Wait in the main thread until the process is told to stop, and return by which signal.

    Args:
        signals: Which ones tell it.
        begin: Called once they are listened to: what it starts is not ended by a signal that comes at once.
    """
    received: list[signal.Signals] = []
    told = threading.Event()

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(signal.Signals(number))
        told.set()

    before = {item: signal.signal(item, note) for item in signals}
    try:
        if begin is not None:
            begin()
        told.wait()
    finally:
        for item, handler in before.items():
            signal.signal(item, handler)
    return received[0]


class _ProblemTask(ErrorTask):  # type: ignore[misc]  # the library has no types
    """Answers what waitress refuses."""

    def execute(self) -> None:
        """Write the answer."""
        error = self.request.error
        document = {"type": "about:blank", "title": error.reason, "status": error.code, "detail": str(error.body)}
        if error.code == 413:
            document |= {"type": "urn:livecontract:error:TooLarge", "hint": "Send it in parts."}
        if error.code >= 500:
            document["detail"] = "the node made a mistake"
        body = json.dumps(document).encode("utf-8")
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", problem.CONTENT_TYPE))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):  # type: ignore[misc]  # the library has no types
    """A connection. While a stream is written to it, it is read as well, only to notice that the reader has gone."""

    error_task_class = _ProblemTask
    _is_watched = False

    def check_client_disconnected(self) -> bool:
        """Say whether the reader of a stream has gone; the first to ask begins to watch."""
        if not self._is_watched:
            self._is_watched = True
            self.server.pull_trigger()
        return not self.connected or self.total_outbufs_len > _MAX_BACKLOG

    def readable(self) -> bool:
        """Say whether to wait for what arrives."""
        if self._is_watched and self.connected and not (self.will_close or self.close_when_flushed):
            return True
        return bool(super().readable())

    def handle_read(self) -> None:
        """Read what arrived; nothing should while a stream is written, and who sends something is cut off."""
        if not self._is_watched:
            super().handle_read()
            return
        try:
            data = self.recv(self.adj.recv_bytes)
        except OSError:
            data = b""
            self.handle_close()
        if data:
            self.will_close = True
            self.connected = False

    def service(self) -> None:
        """Answer one request."""
        try:
            super().service()
        finally:
            self._is_watched = False


def _bind(host: str, port: int) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return socket.create_server(address[:2], family=family, backlog=1024)


def _is_busy(channel: Any) -> bool:
    return bool(channel.requests or channel.total_outbufs_len)
