"""TIFF and BigTIFF: parses the first directory (TIFF 6.0, section 2)."""

from __future__ import annotations

import math
import struct
from typing import NamedTuple

from functions.process.engine.structure.image_file import ImageFile, damaged, too_complex

_MAX_TAGS = 1_000
_MAX_STRIPS = 100_000
_MAX_TILE = 100_000_000  # pixels
_MAX_OVERLAP = 1_000_000  # bytes
_TYPE_BYTES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
}
_WIDTH, _HEIGHT, _STRIP_OFFSETS, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS = (
    256,
    257,
    273,
    322,
    323,
    324,
)


class Tag(NamedTuple):
    """number: of values. size: of all values, in bytes. value: the first, if stored in the tag."""

    number: int
    size: int
    value: int


def parse(data: bytes) -> ImageFile:
    """Check that tags do not overlap excessively, and the number and size of strips and tiles.

    Pillow copies every tag's value, so a few hundred tags that point to the same 50 MB would
    exhaust memory. Pillow applies the orientation itself.
    """
    tags, following = _directory(data)
    if any(tag.size > len(data) for tag in tags.values()):
        raise damaged("one of its tags is longer than the file")
    if sum(tag.size for tag in tags.values()) > max(2 * len(data), _MAX_OVERLAP):
        raise too_complex("its tags overlap")
    _check_layout(tags)
    size = (tags[_WIDTH].value, tags[_HEIGHT].value) if {_WIDTH, _HEIGHT} <= tags.keys() else None
    return ImageFile("TIFF", data, size=size, frames=following != 0)


def _directory(data: bytes) -> tuple[dict[int, Tag], int]:
    """Return the first directory's tags, and the offset of the next directory (0 if none)."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\x00", b"\x00+")
    word, counter, head, step = ("Q", "Q", 8, 20) if big else ("I", "H", 4, 12)
    (start,) = struct.unpack_from(f"{order}{word}", data, head)
    (count,) = struct.unpack_from(f"{order}{counter}", data, start)
    if count > _MAX_TAGS:
        raise too_complex("it has thousands of tags")
    tags: dict[int, Tag] = {}
    at = start + struct.calcsize(f"={counter}")
    for _ in range(count):
        tag, kind, number = struct.unpack_from(f"{order}HH{word}", data, at)
        (value,) = struct.unpack_from(f"{order}{'H' if kind == 3 else 'I'}", data, at + step - head)
        tags[tag] = Tag(number, number * _TYPE_BYTES.get(kind, 1), value)
        at += step
    (following,) = struct.unpack_from(f"{order}{word}", data, at)
    return tags, following


def _check_layout(tags: dict[int, Tag]) -> None:
    for tag in (_STRIP_OFFSETS, _TILE_OFFSETS):
        if tag in tags and tags[tag].number > _MAX_STRIPS:
            raise too_complex("it has too many strips or tiles")
    tile = [tags[tag].value for tag in (_TILE_WIDTH, _TILE_HEIGHT) if tag in tags]
    if math.prod(tile) > _MAX_TILE:
        raise too_complex("its tiles are too large")
