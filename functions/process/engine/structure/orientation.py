"""Reads the orientation from EXIF and XMP, and no other metadata.

An orientation in EXIF comes first, one in XMP counts only without it, as in Pillow.
"""

from __future__ import annotations

import re
import struct
import zlib

_ORIENTATION = 0x0112
_XMP = re.compile(rb'tiff:Orientation(?:="|>)([0-9])')
RAW_EXIF, XMP = b"Raw profile type exif", b"XML:com.adobe.xmp"
"""Keywords of a PNG's texts."""
_LONGEST = 1 << 20
"""Bytes of a text that are unpacked."""


def from_exif(block: bytes) -> int | None:
    """Return the orientation (1-8) in a TIFF-structured EXIF block; None if it has no such tag.

    Damaged metadata counts as absent, so it never fails a photo; a value out of range counts as 1.
    Only the first directory is read, with at most 65,535 entries, so the time is bounded.
    Source: EXIF 2.32, section 4.6.4 (tag 274), and TIFF 6.0, section 2.
    """
    block = block.removeprefix(b"Exif\x00\x00")
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return None
    try:
        (start,) = struct.unpack_from(f"{order}I", block, 4)
        (count,) = struct.unpack_from(f"{order}H", block, start)
        for at in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, _ = struct.unpack_from(f"{order}HHI", block, at)
            if tag == _ORIENTATION:
                (value,) = struct.unpack_from(f"{order}{'I' if kind == 4 else 'H'}", block, at + 8)
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return None


def from_xmp(packet: bytes) -> int | None:
    """Return the orientation (1-8) in an XMP packet, as an attribute or an element; None if absent.

    Source: XMP specification, part 2, section 3.2 (`tiff:Orientation`).
    """
    found = _XMP.search(packet)
    if found is None:
        return None
    value = int(found[1])
    return value if 1 <= value <= 8 else 1


def png_text(kind: bytes, chunk: bytes) -> tuple[bytes, bytes]:
    """Return the keyword and the text of a tEXt, zTXt or iTXt chunk that may hold an orientation.

    Both are empty for any other keyword, and for a damaged chunk.

    Source: PNG (third edition), section 11.3.3.
    """
    keyword, found, text = chunk.partition(b"\0")
    if not found or keyword not in (RAW_EXIF, XMP):
        return b"", b""
    packed = kind == b"zTXt"
    if kind == b"zTXt":
        text = text[1:]
    elif kind == b"iTXt":
        packed = text[:1] == b"\1"
        text = b"".join(text[2:].split(b"\0", 2)[2:])
    if packed:
        try:
            text = zlib.decompressobj().decompress(text, _LONGEST)
        except zlib.error:
            return b"", b""
    return keyword, text


def raw_profile(text: bytes) -> bytes:
    """Return the EXIF block in ImageMagick's text of a name, a length and hexadecimal digits."""
    try:
        return bytes.fromhex(b"".join(text.split(b"\n")[3:]).decode("ascii"))
    except ValueError:
        return b""
