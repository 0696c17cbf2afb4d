"""The file a backup is: a ZIP archive of documents as JSON lines, which common tools open, written and read as streams.

```
<collection>.jsonl    a document a line: {"<field>": string | integer | bytes in base64}, without fields that are None
key.json              the node's key file as it is: encrypted if it has a passphrase
manifest.json         the last entry
  {"format": "livecontract-backup", "version": 1, "created": ms, "software": "0.2.0", "node": <public key, base58>,
   "parts": [{"name": "events.jsonl", "collection": "events", "count": 12, "size": <bytes>, "sha256": <hex>}, …]}
```

The manifest names every other entry with its size and SHA-256, so that nothing can be missing or changed unnoticed. A
file gets its name when it is complete. It is readable by its owner alone.
"""

import base64
import binascii
import hashlib
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eventchain.store.document_store import Collection, Document, Value
from livecontract.errors import InvalidBackupError

FORMAT = "livecontract-backup"
VERSION = 1
MANIFEST = "manifest.json"
KEY = "key.json"

_MAX_MANIFEST = 1024 * 1024
_CHUNK = 1024 * 1024
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    OSError,
    OverflowError,
)
"""What the library raises over a damaged archive; the last but one where it should seek to nowhere."""

_DATE = (1980, 1, 1, 0, 0, 0)
"""The first that ZIP knows: when it was made stands in the manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One entry of the archive.

    Attributes:
        name: Of the entry.
        collection: Of the documents in it; None for the key file.
        count: How many documents.
        size: Bytes, uncompressed.
        sha256: Of these bytes, hexadecimal.
    """

    name: str
    collection: str | None
    count: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What the archive holds.

    Attributes:
        created: Milliseconds since 1970.
        software: Version of the node that wrote it.
        node: Public key of the node, base58.
        parts: All other entries, in order.
    """

    created: int
    software: str
    node: str
    parts: tuple[Part, ...]

    def part_of(self, collection: str) -> Part | None:
        """Return the part with the documents of a collection, or None."""
        return next((part for part in self.parts if part.collection == collection), None)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"format": FORMAT, "version": VERSION, **asdict(self)}


class BackupWriter:
    """Writes the entries one after the other. Made by `writing`."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._parts: list[Part] = []

    def add_documents(self, collection: Collection, documents: Iterable[Document]) -> None:
        """Write the documents of a collection, as they come."""
        lines = (_encode(document) for document in documents)
        self._add(f"{collection.name}.jsonl", collection.name, lines)

    def add_key(self, data: bytes) -> None:
        """Write the key file."""
        self._add(KEY, None, [data])

    def finish(self, *, created: int, software: str, node: str) -> Manifest:
        """Write the manifest and return it."""
        manifest = Manifest(created=created, software=software, node=node, parts=tuple(self._parts))
        with self._archive.open(_entry(MANIFEST), "w") as stream:
            stream.write(json.dumps(manifest.to_dict(), indent=2).encode("ascii") + b"\n")
        return manifest

    def _add(self, name: str, collection: str | None, pieces: Iterable[bytes]) -> None:
        digest, size, count = hashlib.sha256(), 0, 0
        with self._archive.open(_entry(name), "w", force_zip64=True) as stream:
            for piece in pieces:
                stream.write(piece)
                digest.update(piece)
                size += len(piece)
                count += 1
        part = Part(name=name, collection=collection, count=count, size=size, sha256=digest.hexdigest())
        self._parts.append(part)


@contextmanager
def writing(path: Path) -> Iterator[BackupWriter]:
    """Write a backup file, whole or not at all, and never over another file.

    Raises:
        FileExistsError: There is a file of that name.
        OSError: It cannot be written.
    """
    if path.exists():
        raise FileExistsError(f"{path} is there already")
    temporary = path.with_name(f".{path.name}.unfinished")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as stream:
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
                yield BackupWriter(archive)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(temporary, path)  # unlike a rename, it fails where the name is taken
        _flush_directory(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


class BackupReader:
    """Reads a backup file. Made by `reading`.

    Attributes:
        manifest: What it says it holds; `verify` tells whether that is so.
    """

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self._archive = archive
        self._path = path
        self.manifest = self._read_manifest()

    def verify(self) -> None:
        """Read everything once and compare it with the manifest.

        Raises:
            InvalidBackupError: Something is missing, added or changed; it says what.
        """
        for part in self.manifest.parts:
            if part.collection is None:
                for _ in self._chunks(part):
                    pass
            elif (count := sum(1 for _ in self._lines(part))) != part.count:
                raise self.damaged(f"{part.name} holds {count} documents, not {part.count}")

    def key(self) -> bytes:
        """Return the key file."""
        part = next(part for part in self.manifest.parts if part.name == KEY)
        return b"".join(self._chunks(part))

    def documents(self, part: Part, collection: Collection) -> Iterator[Document]:
        """Yield the documents of a part; after the last one it is certain that none was changed or missing.

        Raises:
            InvalidBackupError: A document is not one of this collection, or the part is not that of the manifest.
        """
        for number, line in enumerate(self._lines(part), start=1):
            try:
                yield _decode(collection, json.loads(line))
            except (ValueError, TypeError, RecursionError) as error:
                raise self.damaged(f"{part.name}, line {number}: {error}") from None

    def damaged(self, what: str) -> InvalidBackupError:
        """Return the error that says what is wrong with the file."""
        return InvalidBackupError(
            f"{self._path} is damaged: {what}",
            hint="Use another copy of it, or an older backup; nothing can be made up.",
        )

    def _read_manifest(self) -> Manifest:
        names = self._archive.namelist()
        if MANIFEST not in names:
            raise self.damaged(f"there is no {MANIFEST}")
        if self._archive.getinfo(MANIFEST).file_size > _MAX_MANIFEST:
            raise self.damaged("the manifest is too large")
        with self._translated(MANIFEST):
            document = json.loads(self._archive.read(MANIFEST))
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise InvalidBackupError(f"{self._path} is not a backup of a node")
        if document.get("version") != VERSION:
            raise InvalidBackupError(
                f"{self._path} has version {document.get('version')!r}, and this node knows {VERSION}",
                hint="Restore it with the version of the node that wrote it, or a newer one.",
            )
        try:
            parts = tuple(_part(item) for item in document["parts"])
            node, software = _text(document["node"]), _text(document["software"])
            manifest = Manifest(created=int(document["created"]), software=software, node=node, parts=parts)
        except (KeyError, TypeError, ValueError):
            raise self.damaged("the manifest cannot be read") from None
        wanted = sorted([MANIFEST, *(part.name for part in parts)])
        if KEY not in wanted or wanted != sorted(names):
            odd = sorted(set(wanted) ^ set(names)) or sorted(names)
            raise self.damaged(f"the manifest does not fit the entries ({', '.join(odd)})")
        return manifest

    def _lines(self, part: Part) -> Iterator[bytes]:
        rest = b""
        for chunk in self._chunks(part):
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines
        if rest:
            raise self.damaged(f"{part.name} ends within a line")

    def _chunks(self, part: Part) -> Iterator[bytes]:
        digest, size = hashlib.sha256(), 0
        with self._translated(part.name), self._archive.open(part.name) as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                if size > part.size:
                    break
                yield chunk
        if size != part.size or digest.hexdigest() != part.sha256:
            raise self.damaged(f"{part.name} is not what the manifest says it is (size or SHA-256 differ)")

    @contextmanager
    def _translated(self, name: str) -> Iterator[None]:
        try:
            yield
        except _UNREADABLE as error:
            raise self.damaged(f"{name}: {error}") from None


@contextmanager
def reading(path: Path) -> Iterator[BackupReader]:
    """Open a backup file.

    Raises:
        InvalidBackupError: It is none, cut off, or of a version that this node does not know.
        OSError: It cannot be read.
    """
    with path.open("rb") as stream:
        try:
            archive = zipfile.ZipFile(stream)
        except _UNREADABLE:
            raise InvalidBackupError(
                f"{path} is no backup, or it is cut off: the end of the archive is missing",
                hint="Compare its size with that of the original.",
            ) from None
        with archive:
            yield BackupReader(archive, path)


def _encode(document: Document) -> bytes:
    return (
        json.dumps(
            {name: _to_json(value) for name, value in document.items() if value is not None}, separators=(",", ":")
        ).encode("ascii")
        + b"\n"
    )


def _to_json(value: Value) -> str | int | None:
    return base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value


def _decode(collection: Collection, line: Any) -> Document:
    if not isinstance(line, dict):
        raise TypeError("it is no JSON object")
    if unknown := sorted(line.keys() - collection.fields.keys()):
        raise ValueError(f"this node does not know the field {', '.join(unknown)}; a newer version wrote it")
    return {name: _from_json(collection.fields[name], name, value) for name, value in line.items()}


def _from_json(kind: type, name: str, value: Any) -> Value:
    wanted: Mapping[type, Callable[[Any], bool]] = {int: lambda item: type(item) is int}
    is_right = wanted.get(kind, lambda item: isinstance(item, str))(value)
    if not is_right:
        raise TypeError(f"the field {name} has a value of another type")
    if kind is not bytes:
        found: str | int = value
        return found
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        raise ValueError(f"the field {name} is not base64") from None


def _part(item: Any) -> Part:
    collection = item["collection"]
    return Part(
        name=_text(item["name"]),
        collection=None if collection is None else _text(collection),
        count=int(item["count"]),
        size=int(item["size"]),
        sha256=_text(item["sha256"]),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry


def _flush_directory(path: Path) -> None:
    descriptor: int = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
