"""Keeping what was read, in a memory that whoever writes the texts cannot fill. Pure.

What is read of a text (a syntax tree, a validator) takes some hundred times its memory. A node meets a few short texts
again and again, and a stranger can send many long ones: so many short ones are kept, and few long ones.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

Text = TypeVar("Text", str, bytes)
Result = TypeVar("Result")

FEW = 64
"""Long texts that are kept of each kind; a scenario has no place for many more."""


def kept(*, short: int, many: int) -> Callable[[Callable[[Text], Result]], Callable[[Text], Result]]:
    """Return a decorator of a pure function of one text that keeps its results.

    Args:
        short: Characters or bytes of a text that counts as short.
        many: Short ones that are kept.
    """

    def decorate(function: Callable[[Text], Result]) -> Callable[[Text], Result]:
        of_short, of_long = lru_cache(maxsize=many)(function), lru_cache(maxsize=FEW)(function)

        @wraps(function)
        def read(text: Text) -> Result:
            return of_short(text) if len(text) <= short else of_long(text)

        return read

    return decorate
