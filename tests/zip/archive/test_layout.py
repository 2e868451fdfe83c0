"""The archive's layout: any range can be built, and every available reader accepts the ZIP."""

from __future__ import annotations

import io
import itertools
import os
import random
import shutil
import subprocess
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.limits import Limits
from functions.zip.archive.layout import (
    MAX_PARTS,
    USUAL_PART,
    Item,
    Layout,
    Literal,
    Slice,
    Trailing,
    part_size_for,
)
from functions.zip.ingest.listing import list_entries
from functions.zip.ingest.ranged import RangedFile

WHEN = datetime(2024, 5, 17, 12, 34, 56, tzinfo=UTC)
MIN_PART = 5 * 1024 * 1024
"""The smallest part that S3 accepts, except for the last."""
GIB = 1 << 30


def item(path: str, data: bytes, modified: datetime | None = WHEN) -> Item[bytes]:
    """An item that is its own reference."""
    return Item(path, len(data), zlib.crc32(data), modified, data)


def built(layout: Layout[bytes], start: int = 0, end: int | None = None) -> bytes:
    pieces = layout.segments(start, layout.size if end is None else end)
    return b"".join(
        piece.data if isinstance(piece, Literal) else piece.ref[piece.start : piece.end]
        for piece in pieces
    )


ITEMS = [
    item("trip/a.png", b"first photo" * 50),
    item("写真/桜.png", b""),
    item("c.png", b"third", None),
]
MANIFEST = Trailing("manifest.json", b'{"files": []}', WHEN)


def test_python_reads_it() -> None:
    layout = Layout(ITEMS, [MANIFEST])
    data = built(layout)
    assert len(data) == layout.size
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    assert archive.namelist() == ["trip/a.png", "写真/桜.png", "c.png", "manifest.json"]
    assert archive.read("manifest.json") == MANIFEST.data
    assert archive.infolist()[0].date_time == (2024, 5, 17, 12, 34, 56)
    assert archive.infolist()[2].date_time == (1980, 1, 1, 0, 0, 0)
    assert archive.infolist()[0].external_attr >> 16 == 0o100644


def test_our_own_listing_reads_it() -> None:
    data = built(Layout(ITEMS, [MANIFEST]))
    file = RangedFile(lambda start, end: data[start:end], len(data))
    entries = list(list_entries(file, Limits()))
    assert [one.path for one in entries] == [*(i.path for i in ITEMS), "manifest.json"]
    assert [one.modified for one in entries[:2]] == [WHEN, WHEN]


def test_an_empty_archive() -> None:
    layout: Layout[bytes] = Layout([])
    assert layout.size == 22
    assert zipfile.ZipFile(io.BytesIO(built(layout))).namelist() == []
    assert [(part.start, part.end) for part in layout.parts()] == [(0, 22)]


@pytest.mark.parametrize(
    ("modified", "shown"),
    [
        (datetime(1969, 1, 1, tzinfo=UTC), (1980, 1, 1, 0, 0, 0)),
        (datetime(2200, 1, 1, tzinfo=UTC), (2107, 12, 31, 23, 59, 58)),
        (datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), (2024, 1, 2, 3, 4, 4)),
        (datetime(2024, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))), (2024, 1, 2, 1, 0, 0)),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=2))), (1980, 1, 1, 0, 0, 0)),
        (datetime.max.replace(tzinfo=timezone(-timedelta(hours=2))), (2107, 12, 31, 23, 59, 58)),
    ],
)
def test_time_stamps(modified: datetime, shown: tuple[int, ...]) -> None:
    archive = zipfile.ZipFile(io.BytesIO(built(Layout([item("a", b"", modified)]))))
    assert archive.infolist()[0].date_time == shown


contents = st.lists(
    st.tuples(st.text("ab/é", min_size=1, max_size=9), st.binary(max_size=60)), max_size=8
)


@given(contents, contents, st.lists(st.floats(0, 1), max_size=6))
def test_any_partition_gives_the_same_bytes(
    files: list[tuple[str, bytes]], trailing: list[tuple[str, bytes]], cuts: list[float]
) -> None:
    layout = Layout([item(*file) for file in files], [Trailing(*file) for file in trailing])
    whole = built(layout)
    assert len(whole) == layout.size
    places = sorted({0, layout.size, *(int(cut * layout.size) for cut in cuts)})
    assert b"".join(built(layout, *pair) for pair in itertools.pairwise(places)) == whole


def test_every_range_of_a_small_archive() -> None:
    layout = Layout(ITEMS[1:], [MANIFEST])
    whole = built(layout)
    for start in range(layout.size + 1):
        for end in range(start, layout.size + 1, 7):
            assert built(layout, start, end) == whole[start:end]
    for bad in ((-1, 3), (3, 2), (0, layout.size + 1)):
        with pytest.raises(ValueError, match="no bytes"):
            list(layout.segments(*bad))


def test_segments_are_merged_and_never_empty() -> None:
    layout = Layout([item(f"{i}.png", b"x" * 100) for i in range(500)], [MANIFEST])
    pieces = list(layout.segments(0, layout.size))
    assert len(pieces) == 2 * 500 + 1
    assert all(p.data if isinstance(p, Literal) else p.start < p.end for p in pieces)


@given(st.integers(1, 5 * 1024 * GIB))
def test_part_sizes_respect_the_limits_of_s3(total: int) -> None:
    size = part_size_for(total)
    assert MIN_PART <= size <= 5 * GIB
    assert -(-total // size) <= MAX_PARTS


def sparse(*sizes: int) -> Layout[None]:
    """Items of zeros, for tests that depend only on their sizes."""
    return Layout([Item(f"{i}.png", size, 0, WHEN, None) for i, size in enumerate(sizes)])


def test_parts() -> None:
    layout = sparse(3 * USUAL_PART + 5)
    parts = layout.parts()
    assert [part.number for part in parts] == [1, 2, 3, 4]
    assert all(part.end - part.start == USUAL_PART for part in parts[:-1])
    assert (parts[0].start, parts[-1].end) == (0, layout.size)
    assert all(one.end == other.start for one, other in itertools.pairwise(parts))
    huge = sparse(*[100 * GIB] * 40).parts()
    assert len(huge) <= MAX_PARTS
    assert all(part.end - part.start >= MIN_PART for part in huge[:-1])


def zeros_crc32(size: int) -> int:
    crc = 0
    block = bytes(1 << 26)
    while size:
        step = min(size, len(block))
        crc = zlib.crc32(block[:step] if step < len(block) else block, crc)
        size -= step
    return crc


def write(layout: Layout[int], path: Path) -> Path:
    """Write the archive as a sparse file whose items are zeros."""
    with path.open("wb") as file:
        at = 0
        for piece in layout.segments(0, layout.size):
            if isinstance(piece, Literal):
                file.seek(at)
                file.write(piece.data)
                at += len(piece.data)
            else:
                at += piece.end - piece.start
        assert at == layout.size
    return path


@pytest.fixture(scope="module")
def beyond_4gib(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with an entry of over 4 GiB, and others that begin beyond 4 GiB."""
    large = (1 << 32) + 5
    items = [Item("large.png", large, zeros_crc32(large), WHEN, 0)]
    items += [Item(f"behind/{i}.png", i, zeros_crc32(i), WHEN, 0) for i in range(3)]
    folder = tmp_path_factory.mktemp("large")
    return write(Layout(items, [MANIFEST]), folder / "beyond_4gib.zip")


@pytest.fixture(scope="module")
def beyond_65535(tmp_path_factory: pytest.TempPathFactory) -> Path:
    crc = zeros_crc32(10)
    items = [Item(f"day {i // 1000}/{i}.png", 10, crc, WHEN, 0) for i in range(66_000)]
    folder = tmp_path_factory.mktemp("many")
    return write(Layout(items, [MANIFEST]), folder / "beyond_65535.zip")


@pytest.fixture(params=["beyond_4gib", "beyond_65535", "small"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "small":
        path = tmp_path / "small.zip"
        path.write_bytes(built(Layout(ITEMS, [MANIFEST])))
        return path
    large_path: Path = request.getfixturevalue(request.param)
    return large_path


def run(*command: str | Path) -> str:
    program = str(command[0])
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def test_info_zip_reads_it(archive: Path) -> None:
    """Excludes the entry of 4 GiB, because Info-ZIP takes most of a minute for its CRC-32."""
    assert "No errors detected" in run("unzip", "-t", "-q", archive, "-x", "large.png")


def test_7zip_reads_it(archive: Path) -> None:
    output = run("7z", "t", archive)
    assert "Everything is Ok" in output
    assert "Warning" not in output


def test_python_reads_large_archives(archive: Path) -> None:
    """Checks the directory and every header, and reads the small entries."""
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            with opened.open(info) as entry:
                if info.file_size < 1000:
                    assert len(entry.read()) == info.file_size


NODE = """
const yauzl = require('yauzl');
yauzl.open(process.argv[1], {lazyEntries: true, strictFileNames: true}, (error, zip) => {
  if (error) throw error;
  let count = 0;
  zip.on('entry', entry => {
    count += 1;
    zip.openReadStream(entry, (error, stream) => {
      if (error) throw error;
      if (entry.uncompressedSize > 1e9) { stream.destroy(); return zip.readEntry(); }
      stream.on('data', () => {});
      stream.on('end', () => zip.readEntry());
    });
  });
  zip.on('end', () => console.log(count));
  zip.on('error', error => { throw error; });
  zip.readEntry();
});
"""


def test_node_reads_it(archive: Path) -> None:
    """Uses yauzl, which most Node packages use. It checks sizes and ZIP64 records strictly.

    Only the beginning of the entry of 4 GiB is read, to save time.
    """
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    check = subprocess.run(["node", "-e", "require('yauzl')"], capture_output=True, check=False)
    if check.returncode:
        pytest.skip("Node's yauzl is not installed (set NODE_PATH to where it is)")
    with zipfile.ZipFile(archive) as opened:
        assert int(run("node", "-e", NODE, archive)) == len(opened.namelist())


def test_our_own_listing_reads_large_archives(archive: Path) -> None:
    with archive.open("rb") as opened:

        def fetch(start: int, end: int) -> bytes:
            return os.pread(opened.fileno(), end - start, start)

        file = RangedFile(fetch, archive.stat().st_size)
        entries = list(list_entries(file, Limits(photo_bytes=1 << 40)))
    with zipfile.ZipFile(archive) as theirs:
        assert [(one.path, one.entry.offset, one.entry.size) for one in entries] == [
            (info.filename, info.header_offset, info.file_size) for info in theirs.infolist()
        ]


def test_sizes_at_the_limits_of_zip64() -> None:
    """A size or offset of 2**32 - 1 means "see the extra field", so it needs an extra field."""
    for size in ((1 << 32) - 2, (1 << 32) - 1, 1 << 32):
        for before in (size - 36, size):
            layout = Layout([Item(str(i), s, 0, None, i) for i, s in enumerate((before, size, 9))])
            tail_start = layout.size - 1000

            def fetch(start: int, end: int, layout: Layout[int] = layout) -> bytes:
                return b"".join(
                    piece.data if isinstance(piece, Literal) else bytes(piece.end - piece.start)
                    for piece in layout.segments(start, end)
                )

            assert len(fetch(tail_start, layout.size)) == 1000
            file = RangedFile(fetch, layout.size)
            limits = Limits(photo_bytes=1 << 40, zip_bytes=1 << 40)
            assert [one.entry.size for one in list_entries(file, limits)] == [before, size, 9]


def test_a_hundred_thousand_items_take_little_memory_and_time() -> None:
    """The layout keeps a few numbers per item, and locates any part quickly."""
    items: Sequence[Item[str]] = [
        Item(f"day {i // 500}/{i:06d}.png", 200_000, i, WHEN, f"results/{i}")
        for i in range(100_000)
    ]
    tracemalloc.start()
    try:
        layout = Layout(items, [MANIFEST])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000
    parts = layout.parts()
    started = time.perf_counter()
    for part in random.Random(1).sample(parts, 20):
        length = sum(
            len(p.data) if isinstance(p, Literal) else p.end - p.start
            for p in layout.segments(part.start, part.end)
        )
        assert length == part.end - part.start
    assert time.perf_counter() - started < 2
    assert any(isinstance(p, Slice) for p in layout.segments(parts[0].start, parts[0].end))
