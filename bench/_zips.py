"""The benchmark's ZIPs: photos as cameras number them, stored, since a JPEG packs no further."""

from __future__ import annotations

import random
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from functions.zip.archive.layout import Item, Layout, Literal

FOLDER = Path("out/bench/zips")
# What a JPEG begins and ends with; the bytes between are random, as its compressed ones seem.
_BEGIN = bytes.fromhex("ffd8ffe000104a46494600010100000100010000")
_END = bytes.fromhex("ffd9")
# Photos are cut out of this many random bytes; nothing on the way looks for what they share.
_POOL = 64 * 1024 * 1024
_FIRST = datetime(2024, 5, 1, 9, tzinfo=UTC)


def ten_thousand() -> Path:
    """10,000 photos, 1 GB."""
    return make(10_000, 1_000_000_000)


def hundred_thousand() -> Path:
    """100,000 photos, 1 GB: the most entries an upload may have."""
    return make(100_000, 1_000_000_000)


def make(photos: int, total: int) -> Path:
    """A ZIP of `photos` photos, about `total` bytes in all; made on first use, the same on every
    machine. A photo's size is within half of the average."""
    path = FOLDER / f"{photos}-{total}.zip"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        _write(unfinished, photos, total // photos)
        unfinished.rename(path)
    return path


def _write(path: Path, photos: int, average: int) -> None:
    rng = random.Random(photos)  # noqa: S311 - no secret
    pool = rng.randbytes(max(_POOL, 2 * average))
    layout = Layout([_item(i, rng, pool, average) for i in range(photos)])
    with path.open("wb") as file:
        for segment in layout.segments(0, layout.size):
            if isinstance(segment, Literal):
                file.write(segment.data)
            else:
                file.writelines(_photo(pool, *segment.ref))


def _item(index: int, rng: random.Random, pool: bytes, average: int) -> Item[tuple[int, int]]:
    size = max(len(_BEGIN) + len(_END), int(average * rng.uniform(0.5, 1.5)))
    start = rng.randrange(len(pool) - size)
    crc = 0
    for piece in _photo(pool, start, size):
        crc = zlib.crc32(piece, crc)
    path = f"holiday 2024/day {index // 1000 + 1:03d}/IMG_{index:06d}.jpg"
    return Item(path, size, crc, _FIRST + timedelta(minutes=index), (start, size))


def _photo(pool: bytes, start: int, size: int) -> tuple[bytes, memoryview, bytes]:
    middle = size - len(_BEGIN) - len(_END)
    return _BEGIN, memoryview(pool)[start : start + middle], _END
