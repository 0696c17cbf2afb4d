"""Data objects: immutable JSON, typed by its `$schema` and named by its hash (paper sections 5, 5.1 and 5.4).

```
object   any JSON object; its id is the base58 SHA-256 of its canonical JSON (RFC 8785)
link     { "$link": id }, wherever the object itself could stand
```

An object of a type that is not known here is kept as it is, and never interpreted. Nothing changes an object: with
another content it is another object with another id, and links to the first still lead to the first. The id of a
scenario is made the same way, of its normal form.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from eventchain.core import base58, canonical_json
from eventchain.core.errors import InvalidEncodingError, InvalidError
from workflow_engine.errors import Path, json_path, quote

LINK = "$link"
ID_BYTES = 32

MAX_LINKS = 256
MAX_DEPTH = 64
"""Links that are followed in one value, links in linked objects included, and levels of what comes of it."""


class InvalidObjectError(InvalidError):
    """A data object is not the one that its link names, or a link is malformed."""


def object_id(document: Any) -> str:
    """Return the id of a data object.

    Raises:
        InvalidJsonError: It has no canonical form.
    """
    return base58.encode(canonical_json.digest(document))


def link_to(document: Any) -> dict[str, str]:
    """Return the link that stands for a data object."""
    return {LINK: object_id(document)}


def linked_id(value: Any) -> str | None:
    """Return the id that a link names, or None for what is no link.

    Raises:
        InvalidObjectError: It is a malformed link.
    """
    if not isinstance(value, Mapping) or LINK not in value:
        return None
    name = value[LINK]
    if len(value) != 1 or not _is_id(name):
        raise InvalidObjectError(
            'A link should be {"$link": id} and nothing else, with the base58 of a SHA-256 as the id.'
        )
    return str(name)


def _is_id(name: Any) -> bool:
    try:
        base58.decode(name, length=ID_BYTES)
    except InvalidEncodingError:
        return False
    return True


def links_in(value: Any) -> Iterator[tuple[Path, str]]:
    """Yield the links in a JSON value with their places, in an order that does not depend on that of members.

    Raises:
        InvalidObjectError: A link is malformed; the path leads to it.
    """
    todo: list[tuple[Path, Any]] = [((), value)]
    while todo:
        place, part = todo.pop()
        try:
            name = linked_id(part)
        except InvalidObjectError as error:
            error.path = json_path(place)
            raise
        if name is not None:
            yield place, name
        elif isinstance(part, Mapping):
            todo.extend(((*place, key), part[key]) for key in sorted(part, reverse=True))
        elif isinstance(part, list):
            todo.extend(((*place, index), part[index]) for index in reversed(range(len(part))))


def resolve(value: Any, objects: Mapping[str, Any]) -> Any:
    """Return a JSON value with every link replaced by the object that it names, links in these included.

    Args:
        value: Stays as it is.
        objects: Data objects by the id that somebody says they have; each that is used is hashed again.

    Raises:
        InvalidObjectError: A link is malformed, its object is missing or is another one, or there are too many.
    """
    return _Resolution(objects).resolved(value, ())


class _Resolution:
    """One resolution: counts what it follows. A circle of links cannot be made, as each id is a hash of the rest."""

    def __init__(self, objects: Mapping[str, Any]) -> None:
        self._objects, self._followed = objects, 0

    def resolved(self, value: Any, place: Path) -> Any:
        """Return a value with its links replaced."""
        if len(place) > MAX_DEPTH:
            raise InvalidObjectError(f"With its links replaced, the value has more than {MAX_DEPTH} levels.")
        name = linked_id(value)
        if name is not None:
            return self.resolved(self._object(name, place), place)
        if isinstance(value, Mapping):
            return {key: self.resolved(item, (*place, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.resolved(item, (*place, index)) for index, item in enumerate(value)]
        return value

    def _object(self, name: str, place: Path) -> Any:
        self._followed += 1
        path = json_path(place)
        if self._followed > MAX_LINKS:
            raise InvalidObjectError(f"More than {MAX_LINKS} links lead on from here.", path=path)
        if name not in self._objects:
            raise InvalidObjectError(f"The data object {quote(name)} is not at hand.", path=path, hint="Ask its owner.")
        document = self._objects[name]
        if object_id(document) != name:
            raise InvalidObjectError(f"This is not the data object {quote(name)}: its hash is another.", path=path)
        return document
