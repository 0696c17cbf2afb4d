"""How often something may be done for somebody, who may be hostile."""

from collections import OrderedDict
from collections.abc import Hashable

_REMEMBERED = 10_000
"""Askers kept in mind; whoever was quiet longest is forgotten first."""


class Pace:
    """Lets the same thing be done at growing intervals. Used by one thread at a time, or under a lock.

    After each time it has to wait, at first `first` milliseconds, then twice as long each time it goes on at once, up
    to `longest`. Who stays quiet for twice as long starts anew.
    """

    def __init__(self, first: int, longest: int) -> None:
        self._first = first
        self._longest = longest
        self._last: OrderedDict[Hashable, tuple[int, int]] = OrderedDict()

    def allows(self, key: Hashable, now: int) -> bool:
        """Whether it may be done now, in milliseconds since 1970; if so, that counts as done."""
        last, wait = self._last.get(key, (None, self._first))
        if last is not None:
            passed = now - last
            if 0 <= passed < wait:
                return False
            is_quiet = passed < 0 or passed >= 2 * wait
            wait = self._first if is_quiet else min(2 * wait, self._longest)
        self._last[key] = now, wait
        self._last.move_to_end(key)
        if len(self._last) > _REMEMBERED:
            self._last.popitem(last=False)
        return True

    def forget(self, key: Hashable) -> None:
        """Let it be done again at once: it did not come to an end."""
        self._last.pop(key, None)
