"""A backup that was cut off, changed or put together wrongly is refused, and nothing is written."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from eventchain.store.document_store import Collection
from eventchain.store.memory import MemoryStore
from livecontract import backup, backup_file
from livecontract.bootstrap import ALL_COLLECTIONS
from livecontract.errors import (
    InvalidBackupError,
)
from livecontract.restore import RESTORES
from tests.livecontract.originals import (
    Original,
    original,
    restored,
)

pytestmark = pytest.mark.slow

__all__ = ["original"]


def contents(path: Path) -> Any:
    """Return everything that is read of a backup, after verifying it."""
    with backup_file.reading(path) as reader:
        reader.verify()
        found = {}
        for collection in backup.KEPT:
            part = reader.manifest.part_of(collection.name)
            assert part is not None
            found[collection.name] = list(reader.documents(part, collection))
        return reader.manifest, reader.key(), found


def test_cut_off_backup_is_refused_wherever_it_ends(original: Original, tmp_path: Path) -> None:
    data, file = original.file.read_bytes(), tmp_path / "backup.zip"
    for length in [0, 1, 21, 22, *range(100, len(data), len(data) // 40), len(data) - 1]:
        file.write_bytes(data[:length])
        store = MemoryStore(ALL_COLLECTIONS)
        with pytest.raises(InvalidBackupError):
            restored(original, store, tmp_path / "system.json", file=file)
        assert store.find(RESTORES) == []
    assert not (tmp_path / "system.json").exists()


def test_changed_byte_is_noticed_or_means_nothing(original: Original, tmp_path: Path) -> None:
    data, file = original.file.read_bytes(), tmp_path / "backup.zip"
    intact, refused = contents(original.file), 0
    for place in range(0, len(data), max(1, len(data) // 300)):
        file.write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        try:
            assert contents(file) == intact
        except InvalidBackupError:
            refused += 1
    assert refused > 250


def rewritten(original: Original, path: Path, **changes: bytes | None) -> Path:
    """Write the archive again with some entries replaced or left out, and the manifest as it was unless given."""
    with zipfile.ZipFile(original.file) as old, zipfile.ZipFile(path, "w") as new:
        entries = {name: old.read(name) for name in old.namelist()}
        for name, data in {**entries, **{key.replace("__", "."): value for key, value in changes.items()}}.items():
            if data is not None:
                new.writestr(name, data)
    return path


def manifest_with(original: Original, **changes: Any) -> bytes:
    with zipfile.ZipFile(original.file) as old:
        return json.dumps({**json.loads(old.read("manifest.json")), **changes}).encode()


def test_archive_put_together_wrongly_is_refused_and_says_what(original: Original, tmp_path: Path) -> None:
    with zipfile.ZipFile(original.file) as old:
        lines = old.read("events.jsonl").splitlines(keepends=True)
    swapped = b"".join(reversed(lines))
    cases: list[tuple[dict[str, bytes | None], str]] = [
        ({"manifest__json": None}, r"no manifest\.json"),
        ({"events__jsonl": None}, r"events\.jsonl"),
        ({"another__txt": b"x"}, r"another\.txt"),
        ({"key__json": None}, r"key\.json"),
        ({"key__json": b"{}"}, r"key\.json is not what"),
        ({"events__jsonl": swapped}, r"events\.jsonl is not what"),
        ({"events__jsonl": b"".join(lines[:-1])}, r"events\.jsonl"),
        ({"manifest__json": b"[]"}, "not a backup"),
        ({"manifest__json": b"{"}, "damaged"),
        ({"manifest__json": manifest_with(original, version=2)}, "version 2"),
        ({"manifest__json": manifest_with(original, format="x")}, "not a backup"),
        ({"manifest__json": manifest_with(original, parts=[])}, "does not fit"),
        ({"manifest__json": manifest_with(original, parts=[1])}, "cannot be read"),
        ({"manifest__json": manifest_with(original, node=1)}, "cannot be read"),
    ]
    for number, (changes, message) in enumerate(cases):
        file = rewritten(original, tmp_path / f"{number}.zip", **changes)
        store = MemoryStore(ALL_COLLECTIONS)
        with pytest.raises(InvalidBackupError, match=message):
            restored(original, store, tmp_path / "system.json", file=file)
        assert store.find(RESTORES) == []


def test_what_a_newer_version_kept_is_named(original: Original, tmp_path: Path) -> None:
    for collection, match in (
        (Collection(name="poems", fields={"id": str}, key=("id",)), "poems"),
        (
            Collection(name="workflow_drafts", fields={"id": str, "new": str}, key=("id",)),
            "does not know the field new",
        ),
    ):
        file = tmp_path / f"{collection.name}.zip"
        with backup_file.writing(file) as writer:
            writer.add_documents(collection, [{"id": "a", **({"new": "b"} if "new" in collection.fields else {})}])
            writer.add_key(original.key_file.read_bytes())
            writer.finish(created=0, software="9", node=str(original.key.public_key))
        with pytest.raises(InvalidBackupError, match=match):
            restored(original, MemoryStore(ALL_COLLECTIONS), tmp_path / "system.json", file=file)
