"""The ZIP container: what Python's library writes is read, what we write it reads, and tricks are refused."""

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workflow_engine.documents.templates import zipped
from workflow_engine.documents import InvalidTemplateError, package
from workflow_engine.documents.package import read_package, write_package

NAMES = st.from_regex(r"[a-z]{1,8}(/[A-Za-z0-9._-]{1,8})?", fullmatch=True).filter(
    lambda name: not {".", ".."} & set(name.split("/"))
)
PARTS = st.dictionaries(NAMES, st.binary(max_size=200), max_size=6).filter(
    lambda parts: len({name.lower() for name in parts}) == len(parts)
)


@given(PARTS)
def test_library_reads_what_is_written(parts):
    with zipfile.ZipFile(io.BytesIO(write_package(parts))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == parts
        assert {(item.date_time, item.compress_type) for item in archive.infolist()} <= {((1980, 1, 1, 0, 0, 0), 0)}


@given(PARTS.filter(bool), st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
def test_what_the_library_writes_is_read(parts, method):
    assert read_package(zipped(parts, method=method)) == parts


@given(PARTS.filter(bool), st.randoms())
def test_order_of_the_parts_changes_nothing(parts, random):
    shuffled = list(parts.items())
    random.shuffle(shuffled)
    assert write_package(dict(shuffled)) == write_package(parts)


def test_bytes_are_those_of_the_format():
    one, other = "b7efdc83 01000000 01000000 0800 0000", "0dbed51a 01000000 01000000 0100 0000"
    wanted = (
        f"504b0304 0a00 0000 0000 0000 2100 {one} 6d696d6574797065 31"
        f"504b0304 0a00 0000 0000 0000 2100 {other} 62 32"
        f"504b0102 0000 0a00 0000 0000 0000 2100 {one} 0000 0000 0000 00000000 00000000 6d696d6574797065"
        f"504b0102 0000 0a00 0000 0000 0000 2100 {other} 0000 0000 0000 00000000 27000000 62"
        "504b0506 0000 0000 0200 0200 65000000 47000000 0000"
    )
    assert write_package({"b": b"2", "mimetype": b"1"}) == bytes.fromhex(wanted)


@pytest.mark.parametrize(
    "name", ["../content.xml", "/etc/passwd", "a/../b", "a//b", "a\\b", "c:/x", ".", "a/.", "\u00e9.xml", "a\x01b"]
)
def test_names_that_lead_elsewhere_are_refused(name):
    with pytest.raises(InvalidTemplateError):
        read_package(zipped({"first": b"", name: b"x"}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("second", ["a.xml", "A.XML"])
def test_two_parts_of_one_name_are_refused(second):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.xml", "one")
        archive.writestr(second, "two")
    with pytest.raises(InvalidTemplateError, match="twice"):
        read_package(buffer.getvalue())


def test_more_than_the_directory_says_is_not_unpacked():
    data = bytearray(zipped({"content.xml": bytes(2_000)}))
    place = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, place + 24, 10)
    with pytest.raises(InvalidTemplateError, match="damaged"):
        read_package(bytes(data))


def test_bomb_is_refused_before_it_is_unpacked():
    bomb = zipped({"content.xml": bytes(1_000_000)})
    assert len(bomb) < 2_000
    with pytest.raises(InvalidTemplateError, match="times as large"):
        read_package(bomb)


def test_many_large_parts_are_refused_together():
    ordinary = (bytes(range(256)) + bytes(4000)) * 200
    packed = zipped({f"{number}.xml": ordinary for number in range(6)})
    assert len(packed) < package.MAX_PACKAGE
    with pytest.raises(InvalidTemplateError, match="when unpacked"):
        read_package(packed)


def test_parts_that_lie_over_each_other_are_refused():
    """The trick of the best bombs: many entries of the directory, one of the data."""
    data = zipped({"a.xml": bytes(1000)})
    start = data.index(b"PK\x01\x02")
    entry = bytearray(data[start:-22])
    other = entry.replace(b"a.xml", b"b.xml")
    end = bytearray(data[-22:])
    struct.pack_into("<HHI", end, 8, 2, 2, len(entry) * 2)
    with pytest.raises(InvalidTemplateError, match="lies over another"):
        read_package(data[:start] + bytes(entry) + bytes(other) + bytes(end))


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"no zip at all",
        lambda data: b"#!/bin/sh\n" + data,
        lambda data: data + b"more",
        lambda data: data[:-30],
        lambda data: data[:40] + b"\xff" + data[41:],
        lambda data: data.replace(b"PK\x01\x02", b"PK\x01\x03"),
        lambda data: data.replace(b"content.xml", b"context.xml", 1),
        lambda data: b"PK\x03\x04",
        lambda data: b"PK\x03\x04" + b"PK\x05\x06" + bytes(18),
    ],
)
def test_damaged_files_are_refused(damage):
    with pytest.raises(InvalidTemplateError):
        read_package(damage(zipped({"content.xml": b"<x/>" * 50})))


@given(st.binary(max_size=300), st.integers(0, 300), st.binary(min_size=1, max_size=8))
def test_junk_is_refused_and_nothing_else_happens(junk, place, change):
    data = zipped({"mimetype": b"x", "content.xml": b"<x/>" * 20})
    for bad in (junk, b"PK\x03\x04" + junk, data[:place] + change + data[place + len(change) :]):
        try:
            read_package(bad)
        except InvalidTemplateError:
            continue


def test_too_large_packages_are_refused():
    with pytest.raises(InvalidTemplateError, match="bytes"):
        read_package(b"PK\x03\x04" + bytes(package.MAX_PACKAGE))
    with pytest.raises(InvalidTemplateError, match="parts"):
        read_package(zipped({f"p{number}": b"" for number in range(package.MAX_PARTS + 1)}))


def test_encrypted_parts_are_refused():
    data = bytearray(zipped({"content.xml": b"x"}))
    struct.pack_into("<H", data, data.rindex(b"PK\x01\x02") + 8, 1)
    with pytest.raises(InvalidTemplateError, match="encrypted"):
        read_package(bytes(data))
