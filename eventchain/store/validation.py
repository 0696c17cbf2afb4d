"""What every store checks before it acts: declarations, documents, keys and questions.

What is found here is a mistake of the calling code, never of a stranger, and so raises `ValueError` or `TypeError`.
"""

import re
from collections.abc import Iterable, Mapping

from eventchain.store.document_store import Collection, Document, Value

MAX_INTEGER = 2**63 - 1
"""The engines keep signed integers of 64 bits."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")


def validate_collections(collections: Iterable[Collection]) -> Mapping[str, Collection]:
    """Return the collections by name, after checking that each declaration is complete and sound."""
    by_name: dict[str, Collection] = {}
    for collection in collections:
        if collection.name in by_name:
            raise ValueError(f"the collection {collection.name} is declared twice")
        for name in (collection.name, *collection.fields):
            if not _NAME.match(name):
                raise ValueError(f"{name!r} should be lower-case letters, digits and underscores")
        if wrong := [name for name, kind in collection.fields.items() if kind not in (str, int, bytes)]:
            raise ValueError(f"{collection.name}: {', '.join(wrong)} should be str, int or bytes")
        for combination in (collection.key, *collection.unique, *collection.indexes):
            if not combination or len(set(combination)) != len(combination):
                raise ValueError(f"{collection.name}: {combination} should name some fields, each once")
            validate_names(collection, combination)
        by_name[collection.name] = collection
    return by_name


def validate_known(collections: Mapping[str, Collection], collection: Collection) -> None:
    """Check that a store was opened with this collection."""
    if collections.get(collection.name) != collection:
        raise ValueError(f"the store was not opened with this collection {collection.name}")


def validate_names(collection: Collection, names: Iterable[str]) -> None:
    """Check that fields are declared."""
    if unknown := [name for name in names if name not in collection.fields]:
        raise ValueError(f"{collection.name} has no field {', '.join(unknown)}")


def complete_document(collection: Collection, document: Document) -> dict[str, Value]:
    """Return the document with every declared field, those left out as None, in the declared order."""
    validate_values(collection, document)
    if missing := [name for name in collection.key if document.get(name) is None]:
        raise ValueError(f"{collection.name}: the key field {', '.join(missing)} is missing")
    return {name: document.get(name) for name in collection.fields}


def key_values(collection: Collection, key: Document) -> tuple[Value, ...]:
    """Return the values of a key, in the declared order; `key` holds the key fields and nothing else."""
    if set(key) != set(collection.key) or None in key.values():
        raise ValueError(f"{collection.name}: a key has exactly the fields {', '.join(collection.key)}")
    validate_values(collection, key)
    return tuple(key[name] for name in collection.key)


def validate_values(collection: Collection, document: Document) -> None:
    """Check that the fields are declared and the values of their types (exactly, so that they come back the same)."""
    validate_names(collection, document)
    for name, value in document.items():
        if value is not None:
            _validate_value(collection, name, value)


def validate_changes(collection: Collection, changes: Document) -> None:
    """Check the changes of an update: declared fields outside the key."""
    if fixed := [name for name in changes if name in collection.key]:
        raise ValueError(f"{collection.name}: the key field {', '.join(fixed)} cannot change")
    validate_values(collection, changes)


def validate_order(collection: Collection, order_by: str | None, after: str | int | None, limit: int | None) -> None:
    """Check what `find` is asked to sort and cut by."""
    if limit is not None and limit < 0:
        raise ValueError("the limit should not be negative")
    if order_by is None:
        if after is not None:
            raise ValueError("after needs order_by")
        return
    validate_names(collection, [order_by])
    if collection.fields[order_by] is bytes:
        raise ValueError(f"{collection.name}: documents are not sorted by {order_by}, which holds bytes")
    if after is not None:
        _validate_value(collection, order_by, after)


def _validate_value(collection: Collection, name: str, value: Value) -> None:
    kind = collection.fields[name]
    if type(value) is not kind:
        raise TypeError(f"{collection.name}.{name} should be {kind.__name__}, not {type(value).__name__}")
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise ValueError(f"{collection.name}.{name} holds a lone surrogate") from None
    elif isinstance(value, int) and not -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
        raise ValueError(f"{collection.name}.{name} does not fit in 64 bits")
