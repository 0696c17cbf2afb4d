"""OpenDocument packages: a ZIP container, read strictly and written in one way only.

Sources: OpenDocument 1.3 part 2, section 3 (packages); PKWARE APPNOTE 6.3, sections 4.3 and 4.4 (ZIP). Written by hand
because nodes have to agree on the bytes that are made and on what is refused: the ZIP module of Python differs between
versions and platforms in both, and the output of a compressor differs between its versions. So parts are stored, not
compressed, in a fixed order, dated 1980-01-01.

Read are containers that begin with their first part and end with their directory: no second directory, no comment, no
encryption, no ZIP64, no two parts of one name, nothing that overlaps.
"""

import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from workflow_engine.documents.errors import InvalidTemplateError
from workflow_engine.errors import quote

MAX_PACKAGE = 1_048_576
"""Bytes of a package: hundreds of pages of text with a letterhead."""

MAX_PARTS = 256
MAX_UNPACKED = 4_194_304
"""Parts in a package, and bytes in all of them together when unpacked."""

MAX_RATIO = 50
SPARE = 1_024
"""How often a part may be as large as it is packed, and bytes that do not count. Texts come to 5 to 20; the work that a
scenario's templates can cause is bounded by this together with the size of an event."""

MAX_NAME = 256
MIMETYPE = "mimetype"

_LOCAL = struct.Struct("<4s5H3I2H")
_ENTRY = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_LOCAL_MARK, _ENTRY_MARK, _END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"

_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 0x0001, 0x0800
_VERSION = 10
_DATE = 0x0021
"""1980-01-01, the first day of ZIP."""

_NAME = re.compile(r"[A-Za-z0-9 ._+()-]+(?:/[A-Za-z0-9 ._+()-]+)*/?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    method: int
    crc: int
    packed: int
    size: int
    offset: int


def read_package(data: bytes) -> dict[str, bytes]:
    """Return the parts of a package by name; folders are left out.

    Raises:
        InvalidTemplateError: It is no package of this kind, is damaged, or too large.
    """
    if len(data) > MAX_PACKAGE:
        raise InvalidTemplateError(
            f"The template has {len(data)} bytes; at most {MAX_PACKAGE} are read.", hint="Make its pictures smaller."
        )
    if not data.startswith(_LOCAL_MARK):
        raise InvalidTemplateError("This is no OpenDocument file.", hint="Save it as ODF text document (.odt).")
    entries = _directory(data)
    _check_places(entries)
    parts: dict[str, bytes] = {}
    for entry in entries:
        content = _content(data, entry)
        if not entry.name.endswith("/"):
            parts[entry.name] = content
    return parts


def _directory(data: bytes) -> tuple[_Entry, ...]:
    if len(data) < _END.size or data[-_END.size :][:4] != _END_MARK:
        raise _damaged("it does not end with its directory")
    _, disk, start_disk, here, count, size, start, comment = _END.unpack(data[-_END.size :])
    if disk or start_disk or here != count or comment or start + size + _END.size != len(data):
        raise _damaged("its directory does not fit the file")
    if count > MAX_PARTS:
        raise InvalidTemplateError(f"The template has {count} parts; at most {MAX_PARTS} are read.")
    entries = tuple(_entries(data[start : start + size], count))
    for entry in entries:
        if entry.size > MAX_RATIO * entry.packed + SPARE:
            raise InvalidTemplateError(
                f"The part {quote(entry.name)} becomes more than {MAX_RATIO} times as large when unpacked."
            )
    if sum(entry.size for entry in entries) > MAX_UNPACKED:
        raise InvalidTemplateError(f"The template holds more than {MAX_UNPACKED} bytes when unpacked.")
    return entries


def _entries(directory: bytes, count: int) -> Iterator[_Entry]:
    position, seen = 0, set[str]()
    for _ in range(count):
        if position + _ENTRY.size > len(directory):
            raise _damaged("its directory breaks off")
        fields = _ENTRY.unpack_from(directory, position)
        mark, _, _, flags, method, _, _, crc, packed, size, name_size, extra, comment, disk, _, _, offset = fields
        position += _ENTRY.size
        name = _name(directory[position : position + name_size])
        position += name_size + extra + comment
        if mark != _ENTRY_MARK or disk or flags & _ENCRYPTED or method not in (_STORED, _DEFLATED):
            raise _damaged(f"the part {quote(name)} is encrypted or packed in a way that is not read")
        if name.lower() in seen:
            raise _damaged(f"the part {quote(name)} stands in it twice")
        seen.add(name.lower())
        yield _Entry(name, method, crc, packed, size, offset)
    if position != len(directory):
        raise _damaged("its directory does not fit the file")


def _name(raw: bytes) -> str:
    """Return the name of a part: plain ASCII, below the package."""
    name = raw.decode("latin-1")
    parts = name.removesuffix("/").split("/")
    if len(raw) > MAX_NAME or not _NAME.fullmatch(name) or any(part in (".", "..") for part in parts):
        raise InvalidTemplateError(f"The template has a part with a name that is not allowed: {quote(name)}.")
    return name


def _check_places(entries: tuple[_Entry, ...]) -> None:
    """Refuse parts that lie over each other, so that a small file cannot hold the same bytes many times."""
    position = 0
    for entry in sorted(entries, key=lambda entry: entry.offset):
        if entry.offset < position:
            raise _damaged(f"the part {quote(entry.name)} lies over another one")
        position = entry.offset + _LOCAL.size + len(entry.name) + entry.packed


def _content(data: bytes, entry: _Entry) -> bytes:
    if entry.offset + _LOCAL.size > len(data):
        raise _damaged(f"the part {quote(entry.name)} lies outside")
    mark, _, _, method, _, _, _, _, _, name_size, extra = _LOCAL.unpack_from(data, entry.offset)
    start = entry.offset + _LOCAL.size
    name = data[start : start + name_size]
    packed = data[start + name_size + extra :][: entry.packed]
    if mark != _LOCAL_MARK or method != entry.method or name != entry.name.encode("ascii"):
        raise _damaged(f"the part {quote(entry.name)} differs from the directory")
    content = packed if entry.method == _STORED else _inflated(packed, entry)
    if len(packed) != entry.packed or len(content) != entry.size or zlib.crc32(content) != entry.crc:
        raise _damaged(f"the part {quote(entry.name)} is damaged")
    return content


def _inflated(packed: bytes, entry: _Entry) -> bytes:
    """Unpack at most what the directory says, whatever is inside."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = stream.decompress(packed, entry.size + 1)
    except zlib.error:
        raise _damaged(f"the part {quote(entry.name)} is damaged") from None
    if not stream.eof or stream.unused_data:
        raise _damaged(f"the part {quote(entry.name)} is damaged")
    return content


def _damaged(reason: str) -> InvalidTemplateError:
    return InvalidTemplateError(f"The template cannot be read: {reason}.", hint="Open it in LibreOffice and save it.")


def write_package(parts: Mapping[str, bytes]) -> bytes:
    """Return a package of these parts: `mimetype` first, the others in the order of their names.

    ```
    for each part   PK 03 04, version 10, flags 0, stored, 00:00:00, 1980-01-01, CRC-32, size, size, name; its bytes
    for each part   PK 01 02, made by 0, version 10, …, offset; its name
    the end         PK 05 06, number of parts, size and place of the directory
    ```
    """
    names = sorted(parts, key=lambda name: (name != MIMETYPE, name))
    body, directory = bytearray(), bytearray()
    for name in names:
        content, raw = parts[name], name.encode("ascii")
        crc, size = zlib.crc32(content), len(content)
        common = (_VERSION, 0, _STORED, 0, _DATE, crc, size, size, len(raw), 0)
        directory += _ENTRY.pack(_ENTRY_MARK, 0, *common, 0, 0, 0, 0, len(body)) + raw
        body += _LOCAL.pack(_LOCAL_MARK, *common) + raw + content
    count = len(names)
    end = _END.pack(_END_MARK, 0, 0, count, count, len(directory), len(body), 0)
    return bytes(body + directory + end)
