"""TIFF and BigTIFF: the first directory (TIFF 6.0, section 2)."""

from __future__ import annotations

import struct

from functions.process.engine.structure.found import Found, damaged, too_complex

_MAX_TAGS = 1_000
_MAX_STRIPS = 100_000
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


def look(data: bytes) -> Found:
    """Checks that tags do not overlap wildly, and that strips and tiles are of a sane number.

    Pillow copies every tag's value; a few hundred that all point at the same 50 MB would fill
    any memory. It applies the orientation itself.
    """
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\x00", b"\x00+")
    try:
        (start,) = struct.unpack_from(f"{order}{'Q' if big else 'I'}", data, 8 if big else 4)
        (count,) = struct.unpack_from(f"{order}{'Q' if big else 'H'}", data, start)
        if count > _MAX_TAGS:
            raise too_complex("it has thousands of tags")
        first, step, layout = (start + 8, 20, "HHQ") if big else (start + 2, 12, "HHI")
        tags: dict[int, tuple[int, int]] = {}
        total = 0
        for at in range(first, first + step * count, step):
            tag, kind, number = struct.unpack_from(f"{order}{layout}", data, at)
            total += number * _TYPE_BYTES.get(kind, 1)
            value = struct.unpack_from(
                f"{order}{'H' if kind == 3 else 'I'}", data, at + step - (8 if big else 4)
            )
            tags[tag] = number, value[0]
            after = at + step
        (following,) = struct.unpack_from(f"{order}{'Q' if big else 'I'}", data, after)
    except (struct.error, UnboundLocalError) as error:
        raise damaged("its directory is cut off") from error
    if total > 2 * len(data):
        raise too_complex("its tags overlap")
    _check_layout(tags)
    size = (tags[_WIDTH][1], tags[_HEIGHT][1]) if {_WIDTH, _HEIGHT} <= tags.keys() else None
    return Found("TIFF", data, size=size, frames=following != 0)


def _check_layout(tags: dict[int, tuple[int, int]]) -> None:
    for tag in (_STRIP_OFFSETS, _TILE_OFFSETS):
        if tags.get(tag, (0, 0))[0] > _MAX_STRIPS:
            raise too_complex("it is cut into countless strips")
    tile = tags.get(_TILE_WIDTH, (1, 0))[1] * tags.get(_TILE_HEIGHT, (1, 0))[1]
    if tile > 100_000_000:
        raise too_complex("its tiles are larger than any picture")
