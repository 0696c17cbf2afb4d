"""Collections and indexes of a MongoDB database, and how an older one grows into what is declared.

```
collection                          of the same name
index_chain__position__hash         for questions; the rest of the key at its end gives the order
unique_chain__position              sparse and unique, over the one field that holds the combination
store_layout                        one document for each collection: how it was declared by who wrote it last
  { _id: "events", layout: 1, fields: { chain: "str", … }, key: [ … ], unique: { unique_…: [ … ] } }
```

As in a SQLite file: a collection may gain fields outside its key, and indexes. Whatever else differs was written by
another version of the node and is refused before anything changes. Collections of other names are left alone. Several
copies may do this at once; each step may be done twice.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import pymongo
from pymongo.collection import Collection as MongoCollection
from pymongo.database import Database
from pymongo.errors import OperationFailure

from eventchain.store import mongo_documents as documents
from eventchain.store.document_store import Collection
from eventchain.store.errors import IncompatibleStoreError

LAYOUT_VERSION = 1
LAYOUT = "store_layout"
_DUPLICATE_KEY = 11000
"""The server's code for a document that a unique index refuses."""

_UNIQUE_FAILED = "UNIQUE constraint failed"
"""How FerretDB 1 over SQLite says so in an update, without a code."""

_Documents: TypeAlias = dict[str, Any]


def migrate(database: "Database[_Documents]", collections: Iterable[Collection]) -> None:
    """Bring a database to the declared collections.

    Raises:
        IncompatibleStoreError: It was written by a version that this one does not understand.
        PyMongoError: The server does not do it.
    """
    declared = list(collections)
    written = {str(document["_id"]): document for document in database[LAYOUT].find()}
    for collection in declared:
        if collection.name in written:
            _check(collection, written[collection.name])
    for collection in declared:
        before, now = written.get(collection.name), _description(collection)
        known = before["unique"] if before else now["unique"]
        added = [fields for fields in collection.unique if _unique_name(fields) not in known]
        if added:
            _fill_unique_fields(database[collection.name], collection, added)
        _make_indexes(database[collection.name], collection)
        if before != now:
            database[LAYOUT].replace_one({"_id": collection.name}, now, upsert=True)


def outdated(database: "Database[_Documents]", collections: Iterable[Collection]) -> list[str]:
    """Return the names of the collections there that `migrate` would change.

    Raises:
        IncompatibleStoreError: The database was written by a version that this one does not understand.
    """
    written = {str(document["_id"]): document for document in database[LAYOUT].find()}
    there = [collection for collection in collections if collection.name in written]
    for collection in there:
        _check(collection, written[collection.name])
    return [item.name for item in there if written[item.name] != _description(item)]


def declarations(database: "Database[_Documents]") -> list[Collection]:
    """Return the collections as who wrote them last declared them, without indexes for questions.

    Raises:
        IncompatibleStoreError: The database has a newer layout.
    """
    kinds: dict[str, type[str] | type[int] | type[bytes]] = {"str": str, "int": int, "bytes": bytes}
    found = []
    for written in database[LAYOUT].find():
        collection = Collection(
            name=written["_id"],
            fields={name: kinds[kind] for name, kind in written["fields"].items()},
            key=tuple(written["key"]),
            unique=tuple(tuple(fields) for fields in written["unique"].values()),
        )
        _check(collection, written)
        found.append(collection)
    return found


def is_duplicate(error: OperationFailure) -> bool:
    """Whether a unique index refuses a document, or the documents that are there refuse the index."""
    return error.code == _DUPLICATE_KEY or _UNIQUE_FAILED in str(error)


def _description(collection: Collection) -> _Documents:
    return {
        "_id": collection.name,
        "layout": LAYOUT_VERSION,
        "fields": {name: kind.__name__ for name, kind in collection.fields.items()},
        "key": list(collection.key),
        "unique": {_unique_name(fields): list(fields) for fields in collection.unique},
    }


def _check(collection: Collection, written: Mapping[str, Any]) -> None:
    if written["layout"] > LAYOUT_VERSION:
        raise IncompatibleStoreError(
            f"the store has layout {written['layout']}, and this node knows {LAYOUT_VERSION} at most",
            hint="Run the newer version of the node.",
        )
    now = _description(collection)
    if unknown := [name for name, kind in written["fields"].items() if now["fields"].get(name) != kind]:
        raise _refusal(f"the field {', '.join(unknown)} of {collection.name} is not as this node knows it")
    if written["key"] != now["key"]:
        raise _refusal(f"the key of {collection.name} is {', '.join(written['key'])}")
    if dropped := [name for name in written["unique"] if name not in now["unique"]]:
        raise _refusal(f"{collection.name} has the index {', '.join(dropped)}")


def _fill_unique_fields(
    stored: "MongoCollection[_Documents]", collection: Collection, added: Iterable[tuple[str, ...]]
) -> None:
    names = {documents.unique_field(fields) for fields in added}
    for document in stored.find():
        values = documents.unique_values(collection, documents.from_stored(collection, document))
        if new := {name: value for name, value in values if name in names}:
            stored.update_one({"_id": document["_id"]}, {"$set": new})


def _make_indexes(stored: "MongoCollection[_Documents]", collection: Collection) -> None:
    there = {str(index["name"]) for index in stored.list_indexes()}
    for fields in documents.indexes(collection):
        name = f"index_{'__'.join(fields)}"
        if name not in there:
            stored.create_index([(field, pymongo.ASCENDING) for field in fields], name=name)
    for fields in collection.unique:
        name = _unique_name(fields)
        if name in there:
            continue
        try:
            stored.create_index(documents.unique_field(fields), name=name, unique=True, sparse=True)
        except OperationFailure as error:
            if not is_duplicate(error):
                raise
            raise _refusal(f"{collection.name} holds documents that {name} allows once") from None


def _unique_name(fields: tuple[str, ...]) -> str:
    return f"unique_{'__'.join(fields)}"


def _refusal(reason: str) -> IncompatibleStoreError:
    return IncompatibleStoreError(
        f"the store was written by another version: {reason}", hint="Run the version of the node that wrote it."
    )
