"""PNG and APNG: parses chunks (ISO/IEC 15948)."""

from __future__ import annotations

import struct

from functions.process.engine.structure.image_file import ImageFile, damaged, too_complex
from functions.process.engine.structure.orientation import (
    RAW_EXIF,
    XMP,
    from_exif,
    from_xmp,
    png_text,
    raw_profile,
)

_LONGEST_TEXT = 1 << 20  # bytes of a chunk that is searched for an orientation
_MAX_TEXTS = 4  # that are unpacked
_MAX_CHUNKS = 100_000  # 50 MB in libpng's default chunks of 8 KB are 6,400
_TEXTS = {b"tEXt", b"zTXt", b"iTXt"}
_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"iCCP", b"IDAT", b"IEND"}


def parse(data: bytes) -> ImageFile:
    """Keep only the image data, transparency and colour profile."""
    kept = [data[:8]]
    exif = profile = xmp = None
    size, frames, texts, at = None, False, 0, 8
    for _ in range(_MAX_CHUNKS):
        if at + 12 > len(data):
            break  # cut off: the decoder reports how much of the image is present
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if kind == b"IHDR" and length >= 8:
            size = struct.unpack_from(">II", data, at + 8)
        elif kind == b"eXIf":
            exif = from_exif(data[at + 8 : end - 4])
        elif kind in _TEXTS and length <= _LONGEST_TEXT and texts < _MAX_TEXTS:
            keyword, text = png_text(kind, data[at + 8 : end - 4])
            texts += bool(keyword)
            if keyword == RAW_EXIF:
                profile = from_exif(raw_profile(text))
            elif keyword == XMP:
                xmp = from_xmp(text)
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
    return ImageFile("PNG", b"".join(kept), exif or profile or xmp or 1, size, frames)
