r"""How documents of declared collections lie in MongoDB, and come back unchanged.

```
{ "_id": "[\"2bGC…\",\"9eQx…\"]",               the key's values as JSON: one string names a document
  "chain": "2bGC…", "hash": "9eQx…",            strings as strings
  "position": Int64(7),                         integers always in 64 bits
  "signed": BinData(0, …),                      bytes as they are
  "Unique__chain__position": "[\"2bGC…\",7]" }   one for each unique combination of which no field is None
```

A field that is None is left out. A unique combination counts only where none of its fields is None; MongoDB's own
unique index over several fields counts missing ones as equal, unless it is a partial index, which not every server has.
So the values of a combination stand in one field of their own, with a sparse unique index. Bytes in a key are kept as
hexadecimal text, since BSON sorts bytes by their length first. No name holds `.` or `$`. Pure.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from bson.int64 import Int64

from eventchain.store.document_store import Collection, Document, Value

Stored: TypeAlias = dict[str, Any]

SMALLEST = -(2**63)
"""Every integer is at least this, and every string at least the empty one: how a range leaves out missing fields."""


def to_stored(collection: Collection, document: Document) -> Stored:
    """Return a complete document (`validation.complete_document`) as it lies in the database."""
    values = {name: to_value(collection, name, value) for name, value in document.items() if value is not None}
    return {"_id": identifier(collection, document), **values, **dict(unique_values(collection, document))}


def from_stored(collection: Collection, stored: Mapping[str, Any]) -> dict[str, Value]:
    """Return the document that lies in the database like this."""
    return {name: _from_value(collection, name, stored.get(name)) for name in collection.fields}


def to_value(collection: Collection, name: str, value: Value) -> Any:
    """Return the value of a field as it lies in the database."""
    if isinstance(value, int):
        return Int64(value)
    if isinstance(value, bytes) and name in collection.key:
        return value.hex()
    return value


def to_filter(collection: Collection, where: Document) -> Stored:
    """Return a condition: all of these fields equal these values. None stands for a field that is left out."""
    return {name: to_value(collection, name, value) for name, value in where.items()}


def identifier(collection: Collection, document: Document) -> str:
    """Return what names a document of which at least the key is given."""
    return _joined(document, collection.key)


def unique_field(fields: Sequence[str]) -> str:
    """Return the name of the field that holds a unique combination; declared names are in lower case."""
    return "__".join(("Unique", *fields))


def unique_values(collection: Collection, document: Document) -> Iterator[tuple[str, str]]:
    """Yield field and value of each unique combination of which no field is None."""
    for fields in collection.unique:
        if all(document.get(name) is not None for name in fields):
            yield unique_field(fields), _joined(document, fields)


def to_changes(collection: Collection, changes: Document, changed: Document) -> Stored:
    """Return an update.

    Args:
        collection: Where the document is.
        changes: The new values.
        changed: Them, with as much of the other fields as the unique combinations need.
    """
    combinations = [fields for fields in collection.unique if not set(fields).isdisjoint(changes)]
    unique = dict(unique_values(collection, changed))
    new = {name: to_value(collection, name, value) for name, value in changes.items() if value is not None}
    new |= {name: unique[name] for name in map(unique_field, combinations) if name in unique}
    gone = [name for name, value in changes.items() if value is None]
    gone += [name for name in map(unique_field, combinations) if name not in unique]
    update: Stored = {"$set": new} if new else {}
    return update | ({"$unset": dict.fromkeys(gone, "")} if gone else {})


def indexes(collection: Collection) -> list[tuple[str, ...]]:
    """Return the fields of the indexes that questions need.

    Each ends with the rest of the key, so that it also gives the order; one that another begins with is left out.
    """
    asked = (collection.key, *collection.unique, *collection.indexes)
    whole = dict.fromkeys(tuple(dict.fromkeys((*fields, *collection.key))) for fields in asked)
    return [
        fields for fields in whole if not any(other != fields and other[: len(fields)] == fields for other in whole)
    ]


def order(collection: Collection, fixed: Iterable[str], order_by: str | None) -> list[str]:
    """Return the fields to sort by: the one asked for, then the key, without those that are the same everywhere."""
    asked = dict.fromkeys((*([order_by] if order_by else []), *collection.key))
    same = set(fixed)
    return [name for name in asked if name not in same]


def _joined(document: Document, fields: Sequence[str]) -> str:
    values = [value.hex() if isinstance(value, bytes) else value for value in (document[name] for name in fields)]
    return json.dumps(values, separators=(",", ":"))


def _from_value(collection: Collection, name: str, value: Any) -> Value:
    if value is None:
        return None
    kind = collection.fields[name]
    if kind is bytes and name in collection.key:
        return bytes.fromhex(value)
    converted: Value = kind(value)
    return converted
