"""Tables and indexes of declared collections, and how an older file grows into them.

```
collection                    table of the same name, a column per field, PRIMARY KEY of the key fields
unique  (chain, position)     <collection>__unique__chain__position, only over rows where none of them is NULL
index   (chain, hash)         <collection>__index__chain__hash
PRAGMA user_version           version of this layout; 0 in a file no store has opened
```

A collection may gain fields outside its key, and indexes. Whatever else differs (a field or key that the file has and
the node does not know, another type, a unique index that was dropped, a higher version) was written by another
version of the node, and is refused before anything changes. Tables of other names are left alone. Before a table that
is there changes, the whole file is copied beside it (`copy_beside`).
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eventchain.store.document_store import Collection
from eventchain.store.errors import IncompatibleStoreError

LAYOUT_VERSION = 1

_HINT = "Run the version of the node that wrote it, or put back the copy it made before (see docs/operations.md)."

_TYPES: dict[type, str] = {str: "TEXT", int: "INTEGER", bytes: "BLOB"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What brings a file to the declared collections.

    Attributes:
        statements: In order, each with what it means if documents stand against it.
        changes_tables: Whether tables that are there change, rather than new ones being made.
    """

    statements: tuple[tuple[str, str], ...]
    changes_tables: bool


def plan(connection: sqlite3.Connection, collections: Iterable[Collection]) -> Plan:
    """Compare a file with the declared collections. Nothing is written.

    Raises:
        IncompatibleStoreError: The file was written by a version that this one does not understand.
    """
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > LAYOUT_VERSION:
        raise IncompatibleStoreError(
            f"the store has layout {version}, and this node knows {LAYOUT_VERSION} at most", hint=_HINT
        )
    statements: list[tuple[str, str]] = []
    changes_tables = False
    for collection in collections:
        columns = list(connection.execute(f'PRAGMA table_info("{collection.name}")'))
        needed = [*_table(collection, columns), *_indexes(connection, collection)]
        changes_tables = changes_tables or (bool(columns) and bool(needed))
        statements += needed
    return Plan(tuple(statements), changes_tables)


def carry_out(connection: sqlite3.Connection, planned: Plan) -> None:
    """Bring the file to the declared collections, inside the caller's transaction.

    Raises:
        IncompatibleStoreError: Documents stand against a new unique index.
    """
    for statement, refusal in planned.statements:
        try:
            connection.execute(statement)
        except sqlite3.IntegrityError:
            raise _refusal(refusal) from None
    connection.execute(f"PRAGMA user_version = {LAYOUT_VERSION}")


def copy_beside(path: Path, label: str) -> Path:
    """Copy what is committed in a file to `<file>.before-<label>`, flushed, whole or not at all; return the copy.

    Copies that are there stay: the next one is `<file>.before-<label>-2`.
    """
    unfinished = path.with_name(f".{path.name}.before-{label}.unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(unfinished)) as target:
            source.backup(target)
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        number = 1
        while True:
            copy = path.with_name(f"{path.name}.before-{label}" + (f"-{number}" if number > 1 else ""))
            try:
                os.link(unfinished, copy)  # unlike a rename, it fails where the name is taken
            except FileExistsError:
                number += 1
            else:
                break
    finally:
        unfinished.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return copy


def quoted(names: Iterable[str]) -> str:
    """Return names as a list of SQL identifiers."""
    return ", ".join(f'"{name}"' for name in names)


def _table(collection: Collection, columns: Sequence[tuple[Any, ...]]) -> Iterator[tuple[str, str]]:
    """Yield what makes a table, or adds the fields it lacks."""
    if not columns:
        declarations = [_column(collection, name) for name in collection.fields]
        declarations.append(f"PRIMARY KEY ({quoted(collection.key)})")
        yield f'CREATE TABLE "{collection.name}" ({", ".join(declarations)})', ""
        return
    stored = {name: kind for _, name, kind, _, _, _ in columns}
    declared = {name: _TYPES[kind] for name, kind in collection.fields.items()}
    if unknown := [name for name, kind in stored.items() if declared.get(name) != kind]:
        raise _refusal(f"the field {', '.join(unknown)} of {collection.name} is not as this node knows it")
    stored_key = [name for _, name, _, _, _, place in sorted(columns, key=lambda column: column[5]) if place]
    if stored_key != list(collection.key):
        raise _refusal(f"the key of {collection.name} is {', '.join(stored_key)}")
    for name in declared:
        if name not in stored:
            yield f'ALTER TABLE "{collection.name}" ADD COLUMN {_column(collection, name)}', ""


def _column(collection: Collection, name: str) -> str:
    constraint = " NOT NULL" if name in collection.key else ""
    return f'"{name}" {_TYPES[collection.fields[name]]}{constraint}'


def _indexes(connection: sqlite3.Connection, collection: Collection) -> Iterator[tuple[str, str]]:
    """Yield what makes the indexes that are missing."""
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
            yield statement, f"{collection.name} holds documents that {name} allows once"


def _unique(collection: Collection, fields: tuple[str, ...]) -> str:
    name = _index_name(collection, "unique", fields)
    present = " AND ".join(f'"{field}" IS NOT NULL' for field in fields if field not in collection.key)
    condition = f" WHERE {present}" if present else ""
    return f'CREATE UNIQUE INDEX "{name}" ON "{collection.name}" ({quoted(fields)}){condition}'


def _index_name(collection: Collection, kind: str, fields: tuple[str, ...]) -> str:
    return "__".join((collection.name, kind, *fields))


def _refusal(reason: str) -> IncompatibleStoreError:
    return IncompatibleStoreError(f"the store was written by another version: {reason}", hint=_HINT)
