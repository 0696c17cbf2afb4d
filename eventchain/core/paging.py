"""Lists in pages: `?limit=` and `?cursor=`, and `Link: <?limit=…&cursor=…>; rel="next"` where there is more (RFC 8288).

A cursor names the last item of a page by what the list is sorted by, so that a page begins where the one before it
ended, whatever was added or removed in the meantime. To others it is opaque. It opens nothing: what a caller may see is
decided for every page anew.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from eventchain.core.errors import InvalidError

MAX_ITEMS = 1_000
"""Items of a page, and of a list whose length nobody asked to limit."""

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of a list is asked for.

    Attributes:
        kind: Name of the list; a cursor of another list is refused.
        limit: At most so many items.
        after: What the item before the first one is sorted by, or None for the beginning.
        arguments: The query, as it goes into the link to the next page.
    """

    kind: str
    limit: int
    after: str | None
    arguments: Mapping[str, str]

    def cut(self, items: Iterable[_Item], key: Callable[[_Item], str]) -> tuple[list[_Item], dict[str, str]]:
        """Return the items of the page, and the header that leads to the next one.

        Args:
            items: Sorted by `key`; all of them, or those after `after`, and one more than the page holds.
            key: What names an item's place in the list.
        """
        found: list[_Item] = []
        for item in items:
            if self.after is not None and key(item) <= self.after:
                continue
            if len(found) == self.limit:
                return found, self.link(key(found[-1]))
            found.append(item)
        return found, {}

    def link(self, last: str) -> dict[str, str]:
        """Return the header that leads to the page after this item."""
        cursor = base64.urlsafe_b64encode(f"{self.kind}\n{last}".encode()).decode("ascii").rstrip("=")
        query = urlencode({**self.arguments, "limit": str(self.limit), "cursor": cursor})
        return {"Link": f'<?{query}>; rel="next"'}


def read_page(kind: str, arguments: Mapping[str, str]) -> Page:
    """Read which page a query asks for.

    Args:
        kind: Name of the list.
        arguments: The query; `limit` beyond `MAX_ITEMS` counts as `MAX_ITEMS`.

    Raises:
        InvalidError: The limit is no positive number, or the cursor is none of this list.
    """
    limit, cursor = arguments.get("limit"), arguments.get("cursor")
    if limit is not None and not (limit.isascii() and limit.isdigit() and len(limit) <= 9 and int(limit)):
        raise InvalidError("limit should be a positive number", path="limit")
    after = None if cursor is None else _read_cursor(kind, cursor)
    rest = {name: value for name, value in arguments.items() if name not in ("limit", "cursor")}
    return Page(kind=kind, limit=min(int(limit), MAX_ITEMS) if limit else MAX_ITEMS, after=after, arguments=rest)


def is_paged(arguments: Mapping[str, str]) -> bool:
    """Whether a query asks for a page: without, a chain is answered whole."""
    return "limit" in arguments or "cursor" in arguments


def number(value: int) -> str:
    """Return a number as text that sorts like it; none is negative."""
    return f"{value:020d}"


def _read_cursor(kind: str, cursor: str) -> str:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        text = ""
    name, separator, last = text.partition("\n")
    if name != kind or not separator:
        raise InvalidError("the cursor is none of this list", path="cursor", hint="Follow the Link header as it is.")
    return last
