"""WebP: parses RIFF chunks (RFC 9649)."""

from __future__ import annotations

import struct

from functions.process.engine.structure.image_file import ImageFile, too_complex
from functions.process.engine.structure.orientation import from_exif, from_xmp

_MAX_CHUNKS = 20_000


def parse(data: bytes) -> ImageFile:
    """Read size, orientation and number of frames. The data is passed on unchanged."""
    exif = xmp = None
    size, frames, at = None, 0, 12
    for _ in range(_MAX_CHUNKS):
        if at + 8 > len(data):
            break
        kind, length = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + min(length, 10)]
        if size is None:
            size = _size(kind, body)
        if kind == b"EXIF":
            exif = from_exif(data[at + 8 : at + 8 + length])
        elif kind == b"XMP ":
            xmp = from_xmp(data[at + 8 : at + 8 + length])
        frames += kind == b"ANMF"
        at += 8 + length + (length & 1)
    else:
        raise too_complex("it has thousands of chunks")
    return ImageFile("WEBP", data, exif or xmp or 1, size, frames > 1)


def _size(kind: bytes, body: bytes) -> tuple[int, int] | None:
    if kind == b"VP8X" and len(body) == 10:
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L" and body[:1] == b"\x2f" and len(body) >= 5:
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None
