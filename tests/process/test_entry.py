"""Reading a ZIP entry: the right bytes with one request, or an error within the limits."""

from __future__ import annotations

import importlib
import random
import sys
import tracemalloc
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.errors import FileError
from darkroom.limits import Limits
from darkroom.messages import Source, ZipEntry
from functions.process.entry import SLACK, read_entry, read_photo
from functions.process.inflate import inflate
from functions.zip.ingest.listing import METHODS, list_entries
from functions.zip.ingest.ranged import RangedFile
from tests.zip.crafted import DESCRIPTOR, ENCRYPTED, Entry, build, pack, quoted_overlap

PHOTO = random.Random(7).randbytes(3000) + b"and some that repeats " * 300
UNCHECKED = Limits(photo_bytes=1 << 60, zip_bytes=1 << 62, zip_ratio=1 << 40)


class Object:
    """An object that records the ranges read from it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.reads: list[tuple[int, int]] = []

    def __call__(self, start: int, end: int) -> bytes:
        assert 0 <= start < end <= len(self.data)
        self.reads.append((start, end))
        return self.data[start:end]


def entries(data: bytes) -> list[ZipEntry]:
    file = RangedFile(lambda start, end: data[start:end], len(data))
    return [one.entry for one in list_entries(file, UNCHECKED)]


def read(crafted: Entry, **limits: int) -> bytes:
    data = build([Entry(b"before.jpg"), crafted, Entry(b"after.jpg")])
    return read_entry(Object(data), entries(data)[1], len(data), Limits(**limits))


def rejection(crafted: Entry, **limits: int) -> str:
    with pytest.raises(FileError) as caught:
        read(crafted, **limits)
    assert caught.value.message.endswith(".")
    return caught.value.code


def library(name: str) -> Any:
    return pytest.importorskip(name, reason=f"{name} is not installed")


def packed(method: int, data: bytes) -> bytes:
    if method == 9:
        deflater = library("inflate64").Deflater()
        return bytes(deflater.deflate(data) + deflater.flush())
    if method == 93:
        name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
        return bytes(library(name).compress(data))
    return pack(data, method)


methods = pytest.mark.parametrize("method", sorted(METHODS))


@methods
def test_every_method(method: int) -> None:
    assert read(Entry(b"a.jpg", PHOTO, method, packed=packed(method, PHOTO))) == PHOTO
    assert read(Entry(b"a.jpg", b"", method, packed=packed(method, b""))) == b""


@methods
def test_damaged_bytes_of_every_method(method: int) -> None:
    whole = packed(method, PHOTO)
    rng = random.Random(method)
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        try:
            data = read(Entry(b"a.jpg", PHOTO, method, packed=bytes(damaged)), zip_ratio=1000)
        except FileError as error:
            assert error.code in (
                "entry_corrupt",
                "crc_mismatch",
                "size_mismatch",
                "ratio_too_high",
            )
        else:
            assert data == PHOTO, "a padding bit"


@methods
@given(noise=st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_are_inflated_or_rejected(method: int, noise: bytes) -> None:
    try:
        inflate(method, memoryview(noise), 10_000)
    except FileError as error:
        assert error.code in ("entry_corrupt", "unsupported_compression")


@pytest.mark.parametrize("method", sorted(METHODS - {0}))
def test_a_truncated_entry(method: int) -> None:
    whole = packed(method, PHOTO)
    code = rejection(Entry(b"a.jpg", PHOTO, method, packed=whole[: len(whole) // 2]))
    assert code in ("entry_corrupt", "size_mismatch")


@pytest.mark.parametrize("method", sorted(METHODS - {0}))
def test_a_bomb_with_a_false_size(method: int) -> None:
    """200 MB behind a declared size of 1 kB: counted while unpacking, never kept in memory."""
    bomb = packed(method, bytes(200_000_000))
    crafted = Entry(b"a.jpg", bytes(1000), method, packed=bomb, size=1000)
    tracemalloc.start()
    try:
        assert rejection(crafted) == ("ratio_too_high" if len(bomb) < 500_000 else "file_too_large")
        assert rejection(crafted, zip_ratio=10**9, photo_bytes=1_000_000) == "file_too_large"
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 120_000_000


@pytest.mark.parametrize(
    ("crafted", "code"),
    [
        (Entry(b"a.jpg", PHOTO, crc32=1), "crc_mismatch"),
        (Entry(b"a.jpg", PHOTO, 8, size=len(PHOTO) + 1), "size_mismatch"),
        (Entry(b"a.jpg", PHOTO, 8, size=len(PHOTO) - 1), "size_mismatch"),
        (Entry(b"a.jpg", PHOTO, 8, size=0), "size_mismatch"),
        (Entry(b"a.jpg", bytes(2_000_000), 8), "ratio_too_high"),
        (Entry(b"a.jpg", bytes(2_000_000), 8, size=5), "ratio_too_high"),
        (Entry(b"a.jpg", PHOTO, 8, packed=b""), "ratio_too_high"),
        (Entry(b"a.jpg", PHOTO, local_flags=ENCRYPTED), "encrypted_entry"),
        (Entry(b"a.jpg", PHOTO, local_method=8), "entry_corrupt"),
        (Entry(b"a.jpg", PHOTO, local_name=b"other.jpg"), "entry_corrupt"),
        (Entry(b"a.jpg", PHOTO, offset=7), "entry_corrupt"),
        (Entry(b"a.jpg", PHOTO, offset=1 << 31), "entry_corrupt"),
        (Entry(b"a.jpg", PHOTO, compressed_size=1 << 25, size=1 << 25), "entry_corrupt"),
        (Entry(b"a.jpg", PHOTO, method=6), "unsupported_compression"),
        (Entry(b"a.jpg", PHOTO, method=98), "unsupported_compression"),
    ],
)
def test_rejections(crafted: Entry, code: str) -> None:
    assert rejection(crafted) == code


def test_limits() -> None:
    assert rejection(Entry(b"a.jpg", bytes(1001)), photo_bytes=1000) == "file_too_large"
    assert len(read(Entry(b"a.jpg", bytes(1000)), photo_bytes=1000)) == 1000
    assert rejection(Entry(b"a.jpg", bytes(100_000), 12), zip_ratio=10) == "ratio_too_high"


def test_a_missing_library_is_an_unsupported_compression(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("functions.process.inflate.import_module", missing)
    for method in (9, 93):
        assert rejection(Entry(b"a.jpg", PHOTO, method)) == "unsupported_compression"
    assert importlib.import_module("zlib") is zlib


def test_one_request_with_an_ordinary_header() -> None:
    data = build([Entry(b"a.jpg", PHOTO, local_extra=bytes(SLACK)), Entry(b"b.jpg", bytes(5000))])
    fetch = Object(data)
    assert read_entry(fetch, entries(data)[0], len(data), Limits()) == PHOTO
    assert fetch.reads == [(0, 30 + 5 + len(PHOTO) + SLACK)]


def test_a_second_request_behind_a_long_header() -> None:
    data = build([Entry(b"a.jpg", PHOTO, local_extra=bytes(SLACK + 9)), Entry(b"b.jpg", PHOTO)])
    fetch = Object(data)
    assert read_entry(fetch, entries(data)[0], len(data), Limits()) == PHOTO
    first = 30 + 5 + len(PHOTO) + SLACK
    assert fetch.reads == [(0, first), (first, first + 9)]


def test_an_extra_field_beyond_the_end() -> None:
    data = bytearray(build([Entry(b"a.jpg", PHOTO)]))
    data[28:30] = b"\xff\xff"
    with pytest.raises(FileError, match="entry_corrupt"):
        read_entry(Object(bytes(data)), entries(bytes(data))[0], len(data), Limits())


def test_data_descriptors_and_bytes_before_the_zip() -> None:
    data = build([Entry(b"a.jpg", PHOTO, 8, flags=DESCRIPTOR)], prefix=b"#!/bin/sh", shifted=True)
    assert read_entry(Object(data), entries(data)[0], len(data), Limits()) == PHOTO


def test_the_kernel_of_an_overlap_bomb() -> None:
    data = quoted_overlap(3, 50_000)
    for entry in entries(data):
        assert len(read_entry(Object(data), entry, len(data), Limits(zip_ratio=2000))) >= 50_000


def test_a_photo_in_its_own_object() -> None:
    fetch = Object(PHOTO)
    source = Source(key="uploads/a.jpg", etag="e", size=len(PHOTO))
    assert read_photo(fetch, source, Limits()) == PHOTO
    assert fetch.reads == [(0, len(PHOTO))]
    with pytest.raises(FileError, match="file_too_large"):
        read_photo(fetch, source, Limits(photo_bytes=10))
    with pytest.raises(FileError, match="size_mismatch"):
        read_photo(lambda start, end: b"", source, Limits())
    empty = Source(key="uploads/a.jpg", etag="e", size=0)
    assert read_photo(Object(b""), empty, Limits()) == b""


def test_a_photo_in_a_zip() -> None:
    data = build([Entry(b"a.jpg", PHOTO, 8)])
    source = Source(key="uploads/a.zip", etag="e", size=len(data), entry=entries(data)[0])
    assert read_photo(Object(data), source, Limits()) == PHOTO


@given(st.integers(0, 60), st.integers(0, 255))
def test_a_damaged_local_header(at: int, value: int) -> None:
    good = build([Entry(b"a.jpg", PHOTO, 8), Entry(b"b.jpg", PHOTO)])
    data = good[:at] + bytes([value]) + good[at + 1 :]
    try:
        photo = read_entry(Object(data), entries(good)[0], len(data), Limits())
    except FileError as error:
        assert error.code
    else:
        assert photo == PHOTO
