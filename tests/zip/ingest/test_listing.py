"""Listing uploaded ZIPs: their entries, their faults, and the cost of reading them."""

from __future__ import annotations

import io
import itertools
import random
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.errors import FileError, SkippedFile
from darkroom.limits import Limits
from functions.zip.ingest.listing import Listed, list_entries
from functions.zip.ingest.ranged import TAIL, RangedFile
from tests.zip.crafted import (
    DESCRIPTOR,
    ENCRYPTED,
    UTF8,
    Entry,
    build,
    locator,
    quoted_overlap,
    unicode_path,
)

PHOTO = b"some bytes of a photo"


def ranged(data: bytes) -> RangedFile:
    return RangedFile(lambda start, end: data[start:end], len(data))


def listed(data: bytes, **limits: int) -> list[Listed]:
    return list(list_entries(ranged(data), Limits(**limits)))


def rejection(data: bytes, **limits: int) -> str:
    with pytest.raises(FileError) as caught:
        listed(data, **limits)
    assert caught.value.message.endswith(".")
    return caught.value.code


def problem(entry: Entry, **limits: int) -> str | None:
    (only,) = listed(build([entry]), **limits)
    return only.problem.code if only.problem else None


def agrees_with_zipfile(data: bytes) -> None:
    """Check that both readers report the same entries at the same offsets."""
    theirs = zipfile.ZipFile(io.BytesIO(data)).infolist()
    ours = {one.index: one for one in listed(data)}
    for index, one in ours.items():
        info = theirs[index]
        assert one.entry.offset == info.header_offset
        assert (one.entry.size, one.entry.compressed_size) == (info.file_size, info.compress_size)
        assert (one.entry.crc32, one.entry.method) == (info.CRC, info.compress_type)


def test_an_ordinary_zip() -> None:
    data = build([Entry(b"a/b.jpg"), Entry(b"c.png", b"x" * 500, method=8)])
    first, second = listed(data)
    assert (first.index, first.path, first.problem) == (0, "a/b.jpg", None)
    assert first.modified == datetime(2024, 5, 17, 12, 34, 56, tzinfo=UTC)
    assert first.entry.header_size == 30 + len("a/b.jpg")
    assert second.entry.offset == first.entry.header_size + len(PHOTO)
    assert (second.entry.method, second.entry.size) == (8, 500)
    agrees_with_zipfile(data)


@pytest.mark.parametrize(
    "options",
    [
        {"prefix": b"#!/bin/sh\nexit\n", "shifted": True},
        {"prefix": b"#!/bin/sh\nexit\n"},
        {"comment": b"c" * 65_535},
        {"zip64": True},
        {"zip64": True, "prefix": bytes(99), "shifted": True},
        {"zip64": True, "comment": b"with a comment"},
        {"zip64": True, "capped": False},
        {"zip64": True, "capped": False, "prefix": bytes(99)},
        {"zip64": True, "capped": False, "prefix": b"#!/bin/sh\nexit\n", "shifted": True},
        {"zip64": True, "capped": False, "prefix": bytes(300_000), "shifted": True},
    ],
)
def test_zips_that_zipfile_can_read(options: dict[str, bytes | bool]) -> None:
    entries = [Entry(b"a.jpg"), Entry(b"b.jpg", zip64=True), Entry(b"c.jpg", flags=DESCRIPTOR)]
    data = build(entries, **options)  # type: ignore[arg-type]
    assert [one.problem for one in listed(data)] == [None] * 3
    agrees_with_zipfile(data)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"comment": b"PK\5\6" + bytes(18) + b"more"}, "the comment contains an end record"),
        ({"appended": b"\r\n"}, "a sender appended a line"),
        ({"before_end": bytes(40)}, "something lies between directory and end"),
        ({"appended": bytes(100_000)}, "padded to whole blocks"),
    ],
)
def test_slightly_irregular_zips(options: dict[str, bytes], why: str) -> None:
    data = build([Entry(b"a.jpg"), Entry(b"b.jpg")], **options)  # type: ignore[arg-type]
    assert [(one.path, one.problem) for one in listed(data)] == [("a.jpg", None), ("b.jpg", None)]


@pytest.mark.parametrize(
    "imitation",
    [
        locator(0),
        locator(30 + len(b"nested.zip") + 51),  # in the first photo
        locator(1 << 63),
        # A record that belongs to no directory, is of two disks, or does not end at its locator.
        struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, 50, 9) + locator(1 << 40),
        struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 1, 1, 0, 0, 0, 0) + locator(0),
        struct.pack("<4sQ2H2I4Q", b"PK\6\6", 45, 45, 45, 0, 0, 0, 0, 0, 0) + locator(0),
        struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 9, 9, 60, 0) + locator(0),
    ],
)
def test_bytes_that_look_like_a_zip64_locator(imitation: bytes) -> None:
    """The end record's own fields suffice, so the ZIP is read by them."""
    data = build([Entry(b"a.jpg"), Entry(b"b.jpg")], before_end=imitation)
    assert [(one.path, one.problem) for one in listed(data)] == [("a.jpg", None), ("b.jpg", None)]


def test_a_locator_that_points_into_a_nested_zip() -> None:
    nested = build([Entry(b"nested.jpg")], zip64=True)
    record = 30 + len(b"nested.zip") + nested.index(b"PK\6\6")
    data = build([Entry(b"nested.zip", nested), Entry(b"a.jpg")], before_end=locator(record))
    assert [one.path for one in listed(data)] == ["nested.zip", "a.jpg"]


def test_an_empty_zip() -> None:
    assert listed(build([])) == []
    assert listed(build([], zip64=True)) == []
    assert listed(build([], zip64=True, capped=False)) == []


def test_count_that_wrapped_at_sixteen_bits() -> None:
    assert len(listed(build([Entry(b"a", b"")] * 65_540))) == 65_540
    assert len(listed(build([Entry(b"a", b"")] * 65_535))) == 65_535


def test_offsets_that_wrapped_at_four_gigabytes() -> None:
    """Finder writes large ZIPs without ZIP64, with the lowest 32 bits of each offset."""
    gap = 3 << 30
    local = b"PK\3\4" + bytes(22) + struct.pack("<2H", 5, 0)
    offsets = [0, gap, 2 * gap]
    central = b"".join(
        struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 9, 9, 5, 0, 0, 0, 0, 0, o)
        + f"{i}.jpg".encode()
        for i, o in enumerate(o & 0xFFFFFFFF for o in offsets)
    )
    start = 3 * gap
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 3, 3, len(central), start & 0xFFFFFFFF, 0)
    tail = central + end

    def fetch(first: int, last: int) -> bytes:
        padded = bytes(max(0, start - first)) if last > start else bytes(last - first)
        return (padded + tail[max(0, first - start) :])[: last - first]

    entries = list(list_entries(RangedFile(fetch, start + len(tail)), Limits()))
    assert [one.entry.offset for one in entries] == offsets
    assert [one.problem for one in entries] == [None] * 3
    assert len(local) == 30


@pytest.mark.parametrize(
    ("entries", "paths"),
    [
        ([Entry("写真/桜.jpg".encode(), flags=UTF8)], ["写真/桜.jpg"]),
        ([Entry("写真/é.jpg".encode())], ["写真/é.jpg"]),
        ([Entry("café.jpg".encode("cp437"))], ["café.jpg"]),
        ([Entry("größe schön Straße.jpg".encode("cp437"))], ["größe schön Straße.jpg"]),
        ([Entry("naïve élan.jpg".encode("cp437"))], ["naïve élan.jpg"]),
        ([Entry("写真/表.jpg".encode("cp932"))], ["写真/表.jpg"]),
        ([Entry("表示\\ソース.jpg".encode("cp932"))], ["表示/ソース.jpg"]),
        ([Entry("ﾃｽﾄ.jpg".encode("cp932"))], ["ﾃｽﾄ.jpg"]),
        # All names of one ZIP share an encoding.
        (
            [Entry("é.jpg".encode("cp437")), Entry("schöön.jpg".encode("cp437"))],
            ["é.jpg", "schöön.jpg"],
        ),
        ([Entry(b"?.jpg\x81", extra=unicode_path(b"?.jpg\x81", "ü.jpg"))], ["ü.jpg"]),
        ([Entry(b"\x81.jpg", extra=unicode_path(b"other", "ö.jpg"))], ["ü.jpg"]),
        # Info-ZIP writes an underscore or "?" for each character that its code page lacks.
        ([Entry(b"____.jpg", extra=unicode_path(b"____.jpg", "照片/桜.jpg"))], ["照片/桜.jpg"]),
        ([Entry(b"__/", b"", extra=unicode_path(b"__/", "写真/"))], []),
        # The entry was renamed by a tool that does not know the field.
        ([Entry(b"new.jpg", extra=unicode_path(b"____.jpg", "桜.jpg"))], ["new.jpg"]),
        # The field is damaged, empty, of an unknown version, or not needed.
        ([Entry(b"a.jpg", extra=b"up\xff\0" + unicode_path(b"a.jpg", "b.jpg")[4:])], ["a.jpg"]),
        ([Entry(b"a.jpg", extra=b"up\0\0")], ["a.jpg"]),
        ([Entry(b"a.jpg", extra=unicode_path(b"a.jpg", ""))], ["a.jpg"]),
        (
            [Entry(b"a.jpg", extra=unicode_path(b"a.jpg", "b.jpg").replace(b"\1", b"\2", 1))],
            ["a.jpg"],
        ),
        (
            [Entry(b"a.jpg", extra=unicode_path(b"a.jpg", "é").replace("é".encode(), b"\xe9\xe9"))],
            ["a.jpg"],
        ),
        ([Entry(b"a.jpg", flags=UTF8, extra=unicode_path(b"a.jpg", "b.jpg"))], ["a.jpg"]),
        ([Entry(b"\x81.jpg", flags=UTF8)], ["ü.jpg"]),
        ([Entry(b"trip\\day 1\\a.jpg")], ["trip/day 1/a.jpg"]),
        ([Entry(b"../../etc/a.jpg"), Entry(b"/a\0b.jpg")], ["../../etc/a.jpg", "/a\0b.jpg"]),
        ([Entry(b"a.jpg"), Entry(b"a.jpg")], ["a.jpg", "a.jpg"]),
    ],
)
def test_names(entries: list[Entry], paths: list[str]) -> None:
    assert [one.path for one in listed(build(entries))] == paths


def test_folders_and_system_files_are_left_out() -> None:
    data = build(
        [
            Entry(b"a/", b""),
            Entry(b"b\\", b""),
            Entry(b"c", b"", attributes=0o40755 << 16 | 0x10),
            Entry(b"__MACOSX/a/._b.jpg"),
            Entry(b"a/.DS_Store"),
            Entry(b"a/._b.jpg"),
            Entry(b"THUMBS.DB"),
            Entry(b"a/b.jpg"),
        ]
    )
    assert [(one.index, one.path) for one in listed(data)] == [(7, "a/b.jpg")]


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (Entry(b"a.jpg"), None),
        (Entry(b"a.HEIC"), None),
        (Entry(b"a.unheard-of"), None),
        (Entry(b"IMG_0001"), None),
        (Entry(b"a.txt"), "not_a_photo"),
        (Entry(b"a.PDF"), "not_a_photo"),
        (Entry(b"a.mov"), "not_a_photo"),
        (Entry(b"b.zip"), "nested_archive"),
        (Entry(b"b.tar.gz"), "nested_archive"),
        (Entry(b"b.7Z"), "nested_archive"),
        (Entry(b"l.jpg", b"a.jpg", attributes=0o120777 << 16), "symbolic_link"),
        (Entry(b"e.jpg", flags=ENCRYPTED), "encrypted_entry"),
        (Entry(b"e.jpg", method=99), "encrypted_entry"),
        (Entry(b"e.jpg", method=1), "unsupported_compression"),
        (Entry(b"e.jpg", method=8, flags=0x20), "unsupported_compression"),
        (Entry(b"e.jpg", size=22), "size_mismatch"),
        (Entry(b"e.jpg", offset=5000), "entry_outside_archive"),
        (Entry(b"e.jpg", zip64=True, offset=(1 << 64) - 1), "entry_outside_archive"),
        (Entry(b"e.jpg", zip64=True, size=1 << 40, compressed_size=1 << 40), "archive_too_large"),
        (Entry(b"e.jpg", compressed_size=22, size=22), "entry_outside_archive"),
        (Entry(b"e.jpg", bytes(100_000), method=8), "ratio_too_high"),
        (Entry(b"e.jpg", PHOTO, 8, packed=b"", size=9), "ratio_too_high"),
    ],
)
def test_problem_of_an_entry(entry: Entry, code: str | None) -> None:
    if code == "archive_too_large":
        assert rejection(build([entry])) == code
    else:
        assert problem(entry) == code


def test_skipped_entries_are_not_failures() -> None:
    names = [b"a.txt", b"b.zip"]
    assert all(
        isinstance(one.problem, SkippedFile) for one in listed(build(list(map(Entry, names))))
    )
    (only,) = listed(build([Entry(b"a.jpg", flags=ENCRYPTED)]))
    assert not isinstance(only.problem, SkippedFile)


def test_a_photo_over_the_limit() -> None:
    assert problem(Entry(b"a.jpg", bytes(1001)), photo_bytes=1000) == "file_too_large"
    assert problem(Entry(b"a.jpg", bytes(1000)), photo_bytes=1000) is None


def test_one_bad_entry_does_not_affect_the_others() -> None:
    data = build(
        [Entry(b"a.jpg"), Entry(b"b.jpg", method=98), Entry(b"c.jpg", extra=b"\1\0\xff\xff")]
    )
    assert [bool(one.problem) for one in listed(data)] == [False, True, False]


def test_an_invalid_time() -> None:
    (only,) = listed(build([Entry(b"a.jpg", date=0)]))
    assert only.modified is None


def test_quoted_overlap_bomb() -> None:
    data = quoted_overlap(20)
    inner = zipfile.ZipFile(io.BytesIO(data))
    assert len(inner.namelist()) == 20
    entries = listed(data, zip_ratio=10_000_000)
    assert [one.problem.code if one.problem else None for one in entries] == (
        ["overlapping_entries"] * 19 + [None]
    )


def test_entries_that_share_their_bytes() -> None:
    """Two names for the same bytes overlap; an identical entry listed twice does not."""
    data = build([Entry(b"a.jpg"), Entry(b"b.jpg", offset=0), Entry(b"c.jpg")])
    assert [bool(one.problem) for one in listed(data)] == [False, True, False]
    data = build([Entry(b"a.jpg"), Entry(b"c.jpg"), Entry(b"a.jpg", offset=0)])
    assert [bool(one.problem) for one in listed(data)] == [False, False, False]


def test_entries_out_of_order() -> None:
    data = build([Entry(b"a.jpg"), Entry(b"b.jpg")])
    offset = 30 + 5 + len(PHOTO)
    swapped = build([Entry(b"a.jpg", offset=offset), Entry(b"b.jpg", offset=0)])
    assert len(data) == len(swapped)
    assert [one.problem for one in listed(swapped)] == [None, None]


GOOD = build([Entry(b"a.jpg"), Entry(b"b.jpg", bytes(300))])


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_a_zip"),
        (b"\xff\xd8\xff\xe0 a photo", "not_a_zip"),
        (b"PK\5\6", "not_a_zip"),
        (GOOD[:-30], "broken_zip"),
        (GOOD[:200], "broken_zip"),
        (b"PK\7\x08" + GOOD[:200], "multi_disk_zip"),
        (build([Entry(b"a.jpg")], disk=2), "multi_disk_zip"),
        (build([Entry(b"a.jpg")], disk=2, zip64=True), "multi_disk_zip"),
        (build([Entry(b"a.jpg")], count=2), "broken_zip"),
        (build([Entry(b"a.jpg")] * 2, count=1), "broken_zip"),
        (build([Entry(b"a.jpg")], count=0), "broken_zip"),
        (build([Entry(b"a.jpg")], directory_size=50), "broken_zip"),
        (build([Entry(b"a.jpg")], directory_size=500), "broken_zip"),
        (build([Entry(b"a.jpg")], directory_size=0), "broken_zip"),
        (build([Entry(b"a.jpg")], directory_offset=1 << 31), "broken_zip"),
        (build([Entry(b"a.jpg")], zip64=True, directory_size=1 << 63), "directory_too_large"),
        (build([Entry(b"a.jpg")], zip64=True, count=1 << 60), "too_many_entries"),
    ],
)
def test_zips_rejected_as_a_whole(data: bytes, code: str) -> None:
    assert rejection(data) == code


def test_limits_of_the_whole_zip() -> None:
    data = build([Entry(b"a.jpg")] * 3)
    assert rejection(data, zip_entries=2) == "too_many_entries"
    assert len(listed(data, zip_entries=3)) == 3
    assert rejection(build([Entry(b"a.jpg", b"")] * 65_540, count=4), zip_entries=1000) == (
        "too_many_entries"
    )
    assert rejection(data, zip_bytes=len(data) - 1) == "archive_too_large"
    bomb = build([Entry(b"a.jpg", bytes(90_000), 8)] * 9)
    assert rejection(bomb, zip_bytes=100_000) == "archive_too_large"


def test_iteration_can_start_at_any_index() -> None:
    listing = list_entries(ranged(build([Entry(f"{i}.jpg".encode()) for i in range(9)])), Limits())
    assert len(listing) == 9
    assert list(listing.entries(4)) == list(listing)[4:]


def test_an_object_shorter_than_its_recorded_size() -> None:
    with pytest.raises(FileError) as caught:
        list_entries(RangedFile(lambda start, end: GOOD[start : end - 9], len(GOOD)), Limits())
    assert caught.value.code == "broken_zip"


def listed_or_rejected(data: bytes) -> None:
    try:
        for one in listed(data):
            assert one.entry.offset + one.entry.compressed_size <= len(data) or one.problem
    except FileError as error:
        assert error.code


SEEDS: list[Callable[[], bytes]] = [
    lambda: GOOD,
    lambda: build([Entry(b"a.jpg", zip64=True)], zip64=True, prefix=b"abc", shifted=True),
    lambda: build([Entry(b"a.jpg")], zip64=True, capped=False, prefix=b"abc", shifted=True),
    lambda: build(
        [Entry("写真 表.jpg".encode("cp932"), extra=unicode_path(b"x", "y"))] * 3, comment=b"c"
    ),
    lambda: quoted_overlap(4, 100),
]


@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0, 1, 0x7F, 0xFF, None])), max_size=6),
    st.floats(0, 1),
    st.floats(0, 1),
)
@settings(max_examples=400, deadline=None)
def test_any_bytes_are_listed_or_rejected(
    seed: Callable[[], bytes], changes: list[tuple[float, int | None]], cut: float, until: float
) -> None:
    data = bytearray(seed())
    for place, value in changes:
        at = int(place * (len(data) - 1))
        data[at] = data[at] ^ 0x55 if value is None else value
    listed_or_rejected(bytes(data))
    listed_or_rejected(
        bytes(data[int(min(cut, until) * len(data)) : int(max(cut, until) * len(data))])
    )


@given(st.binary(max_size=300))
def test_any_directory_is_listed_or_rejected(noise: bytes) -> None:
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(noise), 0, 0)
    listed_or_rejected(noise + end)
    listed_or_rejected(b"PK\1\2" + noise + end)


def test_any_single_byte_may_be_wrong() -> None:
    """If zipfile can read a damaged ZIP at all, both readers give the same entries."""
    read = 0
    for at, value in itertools.product(range(len(GOOD)), (0, 0xFF)):
        data = GOOD[:at] + bytes([value]) + GOOD[at + 1 :]
        listed_or_rejected(data)
        try:
            agrees_with_zipfile(data)
            read += 1
        except (FileError, zipfile.BadZipFile, NotImplementedError):
            continue
    assert read > len(GOOD)


def large(count: int) -> tuple[RangedFile, int]:
    """A ZIP of `count` photos of 100 KB. Only its central directory exists."""
    names = [b"holiday 2024/day %03d/IMG_%06d.jpg" % (i // 1000, i) for i in range(count)]
    extra = b"UT\5\0\3" + bytes(4) + b"ux\x0b\0\1\4" + bytes(9)
    step = 30 + len(names[0]) + len(extra) + 100_000
    pack = struct.Struct("<4s6H3I5H2I").pack
    directory = b"".join(
        pack(
            b"PK\1\2", 798, 45, 0, 0, 0, 33, 0, 100_000, 100_000, len(name), len(extra) + 12,
            0, 0, 0, 0, 0xFFFFFFFF,
        )
        + name + struct.pack("<2HQ", 1, 8, i * step) + extra
        for i, name in enumerate(names)
    )  # fmt: skip
    start = count * step
    tail = directory + struct.pack(
        "<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(directory), start
    )
    tail += struct.pack("<4sIQI", b"PK\6\7", 0, start + len(directory), 1)
    tail += struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0)

    def fetch(first: int, last: int) -> bytes:
        photos = bytes(max(0, start - first))  # read as part of the last bytes
        return (photos + tail[max(0, first - start) :])[: last - first]

    return RangedFile(fetch, start + len(tail)), len(directory)


@pytest.mark.parametrize(("count", "requests"), [(1500, 1), (10_000, 2), (100_000, 3)])
def test_requests_and_bytes(count: int, requests: int) -> None:
    file, directory = large(count)
    listing = list_entries(file, Limits(zip_bytes=10**12))
    assert len(listing) == count
    assert all(one.problem is None for one in listing)
    assert file.requests == requests
    assert file.bytes_read <= max(directory + 1000, TAIL)


def test_memory_of_a_hundred_thousand_entries() -> None:
    """Well below the target of 250 MB, and independent of the photos' size."""
    file, directory = large(100_000)
    tracemalloc.start()
    try:
        listing = list_entries(file, Limits(zip_bytes=10**12))
        for one in itertools.islice(listing, 2000):
            assert one.problem is None
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5 * directory


def test_small_zips_take_one_request() -> None:
    rng = random.Random(1)
    file = ranged(build([Entry(b"a.jpg", rng.randbytes(300_000)), Entry(b"b.jpg")]))
    assert len(list(list_entries(file, Limits()))) == 2
    assert file.requests == 1
    assert file.bytes_read == TAIL
