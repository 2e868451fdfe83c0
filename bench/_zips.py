"""Makes the ZIP benchmark's uploads: numbered photos, stored, since JPEG does not compress."""

from __future__ import annotations

import random
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from functions.zip.archive.layout import Item, Layout, Literal

FOLDER = Path("out/bench/zips")
# The first and last bytes of a JPEG. Those between are random, like compressed data.
_BEGIN = bytes.fromhex("ffd8ffe000104a46494600010100000100010000")
_END = bytes.fromhex("ffd9")
# Photos are slices of this many random bytes. They overlap, which nothing measured here notices.
_POOL = 64 * 1024 * 1024
_FIRST = datetime(2024, 5, 1, 9, tzinfo=UTC)


def make(photos: int, total: int) -> Path:
    """Return the path of a ZIP of `photos` photos, about `total` bytes in all.

    It is made on first use, and is the same on every machine. A photo's size is between half and
    one and a half times the average.
    """
    path = FOLDER / f"{photos}-{total}.zip"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        _write(unfinished, photos, total // photos)
        unfinished.rename(path)
    return path


def _write(path: Path, photos: int, average: int) -> None:
    rng = random.Random(photos)  # noqa: S311 - not for secrets
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
