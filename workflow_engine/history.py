"""The responses of a process so far: an immutable sequence that grows without being copied.

It is kept in full pages and a last one that fills up. One response more copies the last page and, each time that one is
full, the list of pages; everything else is shared with the history before it, which stays what it was. So a step costs
the same whatever came before, and two processes may go on from one history.

Data instructions read a history as a JSON list. That list is made when something reads it, once for each history;
whoever takes a single response from it, or its length, needs no list.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, overload

PAGE = 128
"""Responses of a page: a step copies half as many on average, and a process of a million has eight thousand pages."""

Response = Mapping[str, Any]
"""A response as it is recorded (`workflow_engine.process`)."""


class History(Sequence[Response]):
    """Responses, oldest first. Equal to every history and tuple of equal responses."""

    __slots__ = ("_last", "_list", "_pages")

    def __init__(self, pages: tuple[tuple[Response, ...], ...] = (), last: tuple[Response, ...] = ()) -> None:
        """Put it together from full pages and the last one, which is empty in an empty history only; see `of`."""
        self._pages = pages
        self._last = last
        self._list: list[Response] | None = None

    @classmethod
    def of(cls, responses: Iterable[Response]) -> "History":
        """Return the history of responses."""
        if isinstance(responses, History):
            return responses
        given = tuple(responses)
        full = max(len(given) - 1, 0) // PAGE * PAGE
        return cls(tuple(given[start : start + PAGE] for start in range(0, full, PAGE)), given[full:])

    def extended(self, response: Response) -> "History":
        """Return the history with one response more."""
        if len(self._last) < PAGE:
            return History(self._pages, (*self._last, response))
        return History((*self._pages, self._last), (response,))

    def as_list(self) -> list[Response]:
        """Return it as the list that instructions see, which nobody changes."""
        if self._list is None:
            self._list = list(self)
        return self._list

    def __len__(self) -> int:
        return len(self._pages) * PAGE + len(self._last)

    @overload
    def __getitem__(self, place: int) -> Response: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Response, ...]: ...

    def __getitem__(self, place: int | slice) -> Response | tuple[Response, ...]:
        if isinstance(place, slice):
            indices = range(*place.indices(len(self)))
            return tuple(map(self.__getitem__, indices) if len(indices) <= PAGE else self.as_list()[place])
        index = place + len(self) if place < 0 else place
        if not 0 <= index < len(self):
            raise IndexError("there is no such response")
        page, rest = divmod(index, PAGE)
        return (self._pages[page] if page < len(self._pages) else self._last)[rest]

    def __iter__(self) -> Iterator[Response]:
        return chain(chain.from_iterable(self._pages), self._last)

    def __reversed__(self) -> Iterator[Response]:
        yield from reversed(self._last)
        for page in reversed(self._pages):
            yield from reversed(page)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, History):
            return self._pages == other._pages and self._last == other._last
        return tuple(self) == other if isinstance(other, tuple) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # responses are objects, which have no hash

    def __repr__(self) -> str:
        return f"History.of({list(self)!r})"


def plain(value: Any) -> Any:
    """Return what instructions see as JSON alone: the same value, or the object with its history as a list.

    A history stands nowhere but in the member `previous` of the object that `process.context_of` makes.
    """
    if isinstance(value, History):
        return value.as_list()
    if isinstance(value, dict) and isinstance(value.get("previous"), History):
        return {**value, "previous": value["previous"].as_list()}
    return value
