"""Tables and indexes of declared collections, and how an older file grows into them.

```
collection                    table of the same name, a column per field, PRIMARY KEY of the key fields
unique  (chain, position)     <collection>__unique__chain__position, only over rows where none of them is NULL
index   (chain, hash)         <collection>__index__chain__hash
PRAGMA user_version           version of this layout; 0 in a file no store has opened
```

A collection may gain fields outside its key, and indexes. Whatever else differs (a field or key that the file has and
the node does not know, another type, a unique index that was dropped, a higher version) was written by another
version of the node, and is refused before anything changes. Tables of other names are left alone.
"""

import sqlite3
from collections.abc import Iterable

from eventchain.store.document_store import Collection
from eventchain.store.errors import IncompatibleStoreError

LAYOUT_VERSION = 1

_TYPES: dict[type, str] = {str: "TEXT", int: "INTEGER", bytes: "BLOB"}


def migrate(connection: sqlite3.Connection, collections: Iterable[Collection]) -> None:
    """Bring the file to the declared collections, inside the caller's transaction.

    Raises:
        IncompatibleStoreError: The file was written by a version that this one does not understand.
    """
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > LAYOUT_VERSION:
        raise IncompatibleStoreError(
            f"the store has layout {version}, and this node knows {LAYOUT_VERSION} at most",
            hint="Run the newer version of the node.",
        )
    for collection in collections:
        _migrate_table(connection, collection)
        _migrate_indexes(connection, collection)
    connection.execute(f"PRAGMA user_version = {LAYOUT_VERSION}")


def quoted(names: Iterable[str]) -> str:
    """Return names as a list of SQL identifiers."""
    return ", ".join(f'"{name}"' for name in names)


def _migrate_table(connection: sqlite3.Connection, collection: Collection) -> None:
    columns = list(connection.execute(f'PRAGMA table_info("{collection.name}")'))
    if not columns:
        declarations = [_column(collection, name) for name in collection.fields]
        declarations.append(f"PRIMARY KEY ({quoted(collection.key)})")
        connection.execute(f'CREATE TABLE "{collection.name}" ({", ".join(declarations)})')
        return
    stored = {name: kind for _, name, kind, _, _, _ in columns}
    declared = {name: _TYPES[kind] for name, kind in collection.fields.items()}
    if unknown := [name for name, kind in stored.items() if declared.get(name) != kind]:
        raise _refusal(f"the field {', '.join(unknown)} of {collection.name} is not as this node knows it")
    stored_key = [name for _, name, _, _, _, place in sorted(columns, key=lambda column: column[5]) if place]
    if stored_key != list(collection.key):
        raise _refusal(f"the key of {collection.name} is {', '.join(stored_key)}")
    for name in declared.keys() - stored.keys():
        connection.execute(f'ALTER TABLE "{collection.name}" ADD COLUMN {_column(collection, name)}')


def _column(collection: Collection, name: str) -> str:
    constraint = " NOT NULL" if name in collection.key else ""
    return f'"{name}" {_TYPES[collection.fields[name]]}{constraint}'


def _migrate_indexes(connection: sqlite3.Connection, collection: Collection) -> None:
    declared = {_index_name(collection, "unique", fields): _unique(collection, fields) for fields in collection.unique}
    stored = {name for _, name, *_ in connection.execute(f'PRAGMA index_list("{collection.name}")')}
    prefix = f"{collection.name}__unique__"
    if unknown := [name for name in stored if name.startswith(prefix) and name not in declared]:
        raise _refusal(f"{collection.name} has the index {', '.join(unknown)}")
    for fields in collection.indexes:
        name = _index_name(collection, "index", fields)
        declared[name] = f'CREATE INDEX "{name}" ON "{collection.name}" ({quoted(fields)})'
    for name, statement in declared.items():
        if name not in stored:
            try:
                connection.execute(statement)
            except sqlite3.IntegrityError:
                raise _refusal(f"{collection.name} holds documents that {name} allows once") from None


def _unique(collection: Collection, fields: tuple[str, ...]) -> str:
    name = _index_name(collection, "unique", fields)
    present = " AND ".join(f'"{field}" IS NOT NULL' for field in fields if field not in collection.key)
    condition = f" WHERE {present}" if present else ""
    return f'CREATE UNIQUE INDEX "{name}" ON "{collection.name}" ({quoted(fields)}){condition}'


def _index_name(collection: Collection, kind: str, fields: tuple[str, ...]) -> str:
    return "__".join((collection.name, kind, *fields))


def _refusal(reason: str) -> IncompatibleStoreError:
    return IncompatibleStoreError(
        f"the store was written by another version: {reason}", hint="Run the version of the node that wrote it."
    )
