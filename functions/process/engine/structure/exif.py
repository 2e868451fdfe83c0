"""Reads the orientation from EXIF, and no other tag."""

from __future__ import annotations

import struct

_ORIENTATION = 0x0112


def orientation(block: bytes) -> int:
    """Return the orientation (1-8) in a TIFF-structured EXIF block; 1 if there is none.

    Damaged metadata counts as absent, so it never fails a photo. Only the first directory is read,
    with at most 65,535 entries, so the time is bounded.
    Source: EXIF 2.32, section 4.6.4 (tag 274), and TIFF 6.0, section 2.
    """
    block = block.removeprefix(b"Exif\x00\x00")
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return 1
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
    return 1
