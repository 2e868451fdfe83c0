"""Reading parts of an archive ahead, and checking them against the recorded results."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.errors import ArchiveError
from functions.zip.archive import part_reader
from functions.zip.archive.layout import Item, Layout, Literal, Part, Trailing
from functions.zip.archive.part_reader import PartReader

Stored = dict[str, bytes]
stores = st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=12).map(
    lambda datas: {f"{n}.png": data for n, data in enumerate(datas)}
)


def plan(stored: Stored, part_size: int) -> tuple[Layout[str], list[Item[str]], list[Part]]:
    items = [Item(k, len(data), zlib.crc32(data), None, k) for k, data in stored.items()]
    layout = Layout(items, [Trailing("manifest.json", b"{}")])
    starts = range(0, layout.size, part_size)
    parts = [
        Part(n, start, min(start + part_size, layout.size)) for n, start in enumerate(starts, 1)
    ]
    return layout, items, parts


def expected_bytes(layout: Layout[str], stored: Stored, part: Part) -> bytes:
    return b"".join(
        piece.data if isinstance(piece, Literal) else stored[piece.ref][piece.start : piece.end]
        for piece in layout.segments(part.start, part.end)
    )


def build(
    recorded: Stored, stored: Stored, part_size: int, some: Any = lambda parts: parts
) -> list[tuple[Part, bytes]]:
    """Build parts. recorded: the results on record. stored: the objects in the bucket."""
    layout, items, parts = plan(recorded, part_size)
    reader = PartReader(layout, items, lambda key, start, end: stored[key][start:end])
    with ThreadPoolExecutor(2) as readers:
        return list(reader.bodies(some(parts), readers))


@pytest.fixture(autouse=True, scope="module")
def short_read_ahead() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(part_reader, "AHEAD", 100)
        yield


@settings(deadline=None)
@given(stores, st.integers(20, 500), st.data())
def test_any_parts_have_the_bytes_of_the_layout(
    stored: Stored, part_size: int, data: st.DataObject
) -> None:
    layout, _, parts = plan(stored, part_size)
    some = data.draw(st.lists(st.sampled_from(parts), unique=True).map(sorted))
    assert build(stored, stored, part_size, lambda _: some) == [
        (part, expected_bytes(layout, stored, part)) for part in some
    ]


@settings(deadline=None)
@given(stores, st.integers(20, 500), st.data())
def test_a_worker_detects_any_result_that_differs_from_its_record(
    stored: Stored, part_size: int, data: st.DataObject
) -> None:
    """For any split of the parts between workers, and any position of the wrong byte."""
    key = data.draw(st.sampled_from(sorted(stored)))
    place = data.draw(st.integers(0, len(stored[key]) - 1))
    wrong = bytearray(stored[key])
    wrong[place] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(0, len(plan(stored, part_size)[2])))
    rejected = 0
    for share in (slice(None, cut), slice(cut, None)):
        try:
            build(stored, stored | {key: bytes(wrong)}, part_size, lambda p, s=share: p[s])
        except ArchiveError as error:
            rejected += 1
            assert error.code == "result_changed"
            assert key in error.message
    assert rejected >= 1


def test_a_truncated_result_is_rejected() -> None:
    with pytest.raises(ArchiveError, match="result_changed"):
        build({"a.png": b"whole"}, {"a.png": b"who"}, 1000)


def test_reading_ahead_crosses_parts_up_to_its_limit() -> None:
    """While the first of ten results is held back, results of any part that fit are read."""
    stored = {f"{n}.png": bytes([n]) * 20 for n in range(10)}
    layout, items, parts = plan(stored, 80)
    started: list[str] = []
    several, release = threading.Event(), threading.Event()

    def read(key: str, start: int, end: int) -> bytes:
        started.append(key)
        if len(started) == 2:
            several.set()
        assert release.wait(60)
        return stored[key][start:end]

    with ThreadPoolExecutor(10) as readers, ThreadPoolExecutor(1) as builder:
        reader = PartReader(layout, items, read)
        built = builder.submit(lambda: list(reader.bodies(parts, readers)))
        assert several.wait(60)
        held = len(started)
        release.set()
        bodies = built.result()
    assert held * 20 <= part_reader.AHEAD
    assert b"".join(body for _, body in bodies) == expected_bytes(
        layout, stored, Part(1, 0, layout.size)
    )
