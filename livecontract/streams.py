"""Answers that go on for hours: how many there may be at once, and how they end.

A stream keeps a thread of the web server for as long as it lasts. So that streams never take those of ordinary
requests, the server is told of each and has one thread more for it (`serving.WebServer`).
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from livecontract.errors import OverloadedError, TooFastError

_Item = TypeVar("_Item")

MAX_WAITING = 1_000
"""Items a feed holds for a reader that is slow; with more it ends, and the reader comes back for what it missed."""

RETRY_SECONDS = 30


class Feed(Generic[_Item]):
    """What is still to be written to one stream. Filled by one thread, emptied by another."""

    def __init__(self) -> None:
        self._items: deque[_Item] = deque()
        self._changed = threading.Condition()
        self._is_closed = False

    def put(self, items: Iterable[_Item]) -> None:
        """Add items; a feed that grows too long is closed."""
        with self._changed:
            self._items.extend(items)
            self._is_closed = self._is_closed or len(self._items) > MAX_WAITING
            self._changed.notify()

    def take(self, seconds: float) -> list[_Item] | None:
        """Wait at most so long, and return what is there; None when the feed is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._is_closed, seconds)
            if self._is_closed:
                return None
            items = list(self._items)
            self._items.clear()
            return items

    def close(self) -> None:
        """Let the reader end."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()


class Streams:
    """The places for streams of one web server.

    Attributes:
        limit: How many there are.
    """

    def __init__(self, limit: int) -> None:
        """Have so many places. One key gets half of them at most, so that no party keeps out the others."""
        self.limit = limit
        self._most_by_key = (limit + 1) // 2
        self._lock = threading.Lock()
        self._feeds: dict[Feed[str], str] = {}
        self._by_key: Counter[str] = Counter()
        self._resize: Callable[[int], None] = lambda _count: None
        self._is_stopped = False

    @property
    def count(self) -> int:
        """How many streams there are now."""
        return len(self._feeds)

    def attach(self, resize: Callable[[int], None]) -> None:
        """Have a web server told how many streams there are, whenever that changes."""
        self._resize = resize

    def enter(self, feed: Feed[str], key: str) -> None:
        """Take a place for a stream that a key asked for.

        Raises:
            OverloadedError: All are taken, or the server stops.
            TooFastError: This key has as many as it may.
        """
        with self._lock:
            if self._is_stopped or len(self._feeds) >= self.limit:
                raise OverloadedError("all places for live updates are taken", retry_after=RETRY_SECONDS)
            if self._by_key.get(key, 0) >= self._most_by_key:
                raise TooFastError("this key has too many live updates open", retry_after=RETRY_SECONDS)
            self._feeds[feed] = key
            self._by_key[key] += 1
            self._resize(len(self._feeds))

    def leave(self, feed: Feed[str]) -> None:
        """Give a place back. May be called twice."""
        with self._lock:
            key = self._feeds.pop(feed, None)
            if key is None:
                return
            self._by_key[key] -= 1
            if not self._by_key[key]:
                del self._by_key[key]
            self._resize(len(self._feeds))

    def stop(self) -> None:
        """End all streams, and let no more begin."""
        with self._lock:
            self._is_stopped = True
            feeds = list(self._feeds)
        for feed in feeds:
            feed.close()
