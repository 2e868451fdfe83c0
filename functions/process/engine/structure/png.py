"""PNG and APNG: parses chunks (ISO/IEC 15948)."""

from __future__ import annotations

import struct

from functions.process.engine.structure.exif import orientation
from functions.process.engine.structure.image_file import ImageFile, damaged, too_complex

_MAX_CHUNKS = 100_000  # 50 MB in libpng's default chunks of 8 KB are 6,400
_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"iCCP", b"IDAT", b"IEND"}


def parse(data: bytes) -> ImageFile:
    """Keep only the image data, transparency and colour profile."""
    kept = [data[:8]]
    orient, size, frames, at = 1, None, False, 8
    for _ in range(_MAX_CHUNKS):
        if at + 12 > len(data):
            break  # cut off: the decoder reports how much of the image is present
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if kind == b"IHDR" and length >= 8:
            size = struct.unpack_from(">II", data, at + 8)
        elif kind == b"eXIf":
            orient = orientation(data[at + 8 : end - 4])
        elif kind == b"acTL" and length >= 8:
            frames = int.from_bytes(data[at + 8 : at + 12]) > 1
        if kind in _KEPT:
            kept.append(data[at:end])
        at = end
        if kind == b"IEND":
            break
    else:
        raise too_complex("it has over 100,000 chunks")
    if size is None:
        raise damaged("it has no header")
    return ImageFile("PNG", b"".join(kept), orient, size, frames)
