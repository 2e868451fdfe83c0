"""GIF: parses blocks up to the end of the first image (GIF89a specification)."""

from __future__ import annotations

from functions.process.engine.structure.image_file import ImageFile, damaged, too_complex

_MAX_BLOCKS = 20_000  # before the first image; programs write fewer than ten
_MAX_PIECES = 1_000_000  # of the first image, usually 255 bytes each


def parse(data: bytes) -> ImageFile:
    """Find the size of the first image, and whether another one follows."""
    if len(data) < 13:
        raise damaged("it is cut off")
    at = 13 + _table(data[10])
    blocks = 0
    while data[at : at + 1] == b"!":
        at, pieces = _pieces(data, at + 2, _MAX_BLOCKS)
        blocks += 1 + pieces
        if blocks > _MAX_BLOCKS:
            raise too_complex("it has thousands of comments")
    if data[at : at + 1] != b"," or at + 10 >= len(data):
        raise damaged("it contains no image")
    left, top, width, height = (
        int.from_bytes(data[at + n : at + n + 2], "little") for n in (1, 3, 5, 7)
    )
    canvas = (int.from_bytes(data[n : n + 2], "little") for n in (6, 8))
    size = tuple(map(max, canvas, (left + width, top + height)))
    at, _ = _pieces(data, at + 10 + _table(data[at + 9]) + 1, _MAX_PIECES)
    return ImageFile("GIF", data, size=(size[0], size[1]), frames=data[at : at + 1] in (b"!", b","))


def _table(flags: int) -> int:
    """The size in bytes of the colour table declared by `flags`."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _pieces(data: bytes, at: int, limit: int) -> tuple[int, int]:
    """Return the end of a chain of sub-blocks, and their number."""
    pieces = 0
    while at < len(data) and data[at]:
        at += data[at] + 1
        pieces += 1
        if pieces > limit:
            raise too_complex("it has too many data blocks")
    return at + 1, pieces
