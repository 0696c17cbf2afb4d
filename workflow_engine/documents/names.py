"""Names of fields, and what stands for them: dot paths into the data, inside repeated parts into one item of a list."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from workflow_engine.documents.errors import InvalidTemplateError
from workflow_engine.errors import InvalidInstructionError, quote
from workflow_engine.operators import paths, values

MAX_PARTS = 16
"""Names between the dots of a field: how deep data is that people write about."""

_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def split(name: str) -> tuple[str, ...]:
    """Return the parts of a field's name.

    Raises:
        InvalidTemplateError: It is no dot path.
    """
    try:
        parts = paths.parse(name)
    except InvalidInstructionError:
        parts = ()
    if not 0 < len(parts) <= MAX_PARTS:
        raise InvalidTemplateError(
            f"The name of the field {quote(name)} is no path.",
            hint=f"It has at most {MAX_PARTS} names with dots between them: assets.terms.years",
        )
    return parts


@dataclass(frozen=True, slots=True)
class Scope:
    """What the names in one part of a document mean.

    Attributes:
        data: The whole data.
        items: The list that a repeated part goes through, and the item it is at, from the outermost part in.
    """

    data: Mapping[str, Any]
    items: tuple[tuple[tuple[str, ...], int], ...] = ()

    def inside(self, place: tuple[str, ...], index: int) -> "Scope":
        """Return the scope inside a part that is repeated for a list."""
        return replace(self, items=(*self.items, (place, index)))

    @property
    def copy(self) -> str:
        """Which copy of a repeated part this is (`2`, inside another one `2.3`); empty in all that stands first."""
        numbers = [index + 1 for _, index in self.items]
        return ".".join(map(str, numbers)) if any(number > 1 for number in numbers) else ""

    def find(self, name: str) -> Any:
        """Return the value of a name, or None."""
        value: Any = self.data
        for part in self._whole(name):
            value = paths.member(value, part)
        return value

    def list_in(self, name: str) -> tuple[str, ...] | None:
        """Return the place of the first list on the way of a name, unless an item of it is named; None without one."""
        value: Any = self.data
        whole = self._whole(name)
        for index, part in enumerate(whole):
            if isinstance(value, list) and paths.item_index(part) is None:
                return whole[:index]
            value = paths.member(value, part)
        return whole if isinstance(value, list) else None

    def _whole(self, name: str) -> tuple[str, ...]:
        """Return the path of a name from the root of the data."""
        whole = split(name)
        for place, index in self.items:
            rest = whole[len(place) :]
            if whole[: len(place)] == place and (not rest or paths.item_index(rest[0]) is None):
                whole = (*place, str(index), *rest)
        return whole


def text_of(value: Any, name: str) -> str | None:
    """Return a value as it stands in a document: texts as they are, numbers as JSON writes them; None for nothing.

    Raises:
        InvalidTemplateError: It is a list or an object, or holds characters that no document can hold.
    """
    if value is None:
        return None
    try:
        text = values.text_of(value)
    except InvalidInstructionError:
        raise InvalidTemplateError(
            f"The field {quote(name)} is a list or an object, which cannot be written as text.",
            hint="Name one of its members. The fields of a list stand in a table row, a list item or a section that is "
            "repeated for it.",
        ) from None
    if _NOT_IN_XML.search(text):
        raise InvalidTemplateError(f"The value of {quote(name)} holds characters that no document can hold.")
    return text.replace("\r\n", "\n").replace("\r", "\n")
