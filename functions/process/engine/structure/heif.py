"""HEIC and AVIF: checks metadata. The decoders parse the other boxes (ISO/IEC 14496-12)."""

from __future__ import annotations

import re
import struct

from functions.process.engine.structure.image_file import ImageFile, damaged, too_complex

_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}


def parse_heic(data: bytes) -> ImageFile:
    """Check a HEIC file. libheif applies the orientation."""
    _check_exif(data)
    _check_items(data)
    return ImageFile("HEIF", data)


def parse_avif(data: bytes) -> ImageFile:
    """Check an AVIF file. Pillow reports the container's rotation as EXIF; see `orient`."""
    _check_exif(data)
    return ImageFile("AVIF", data, orientation=0)


def _check_items(data: bytes) -> None:
    """Reject items whose type or name is not UTF-8, because pi_heif crashes on them.

    An `infe` box: size (4 bytes), "infe", version and flags (4), item id (2, or 4 in version 3),
    protection index (2), item type (4), and names that end with a zero.
    """
    for match in re.finditer(rb"infe", data):
        at = match.start()
        size = int.from_bytes(data[at - 4 : at])
        start = at + (14 if data[at + 4 : at + 5] == b"\3" else 12)
        try:
            data[start : at - 4 + min(size, 4096)].decode()
        except UnicodeDecodeError as error:
            raise damaged("its item list is not valid text") from error


def _check_exif(data: bytes) -> None:
    """Reject overlapping EXIF tags: both decoders copy every tag's value when opening a file."""
    at = -1
    for _ in range(16):
        at = data.find(b"Exif\x00\x00", at + 1)
        if at < 0:
            return
        if _declared_bytes(data[at + 6 :]) > 2 * len(data):
            raise too_complex("its metadata overlaps")


def _declared_bytes(block: bytes) -> int:
    """The total size of all values that the tags of an EXIF block declare."""
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    total = 0
    try:
        (start,) = struct.unpack_from(f"{order}I", block, 4)
        (count,) = struct.unpack_from(f"{order}H", block, start)
        for at in range(start + 2, start + 2 + 12 * count, 12):
            _, kind, number = struct.unpack_from(f"{order}HHI", block, at)
            total += number * _TYPE_BYTES.get(kind, 1)
    except struct.error:
        pass
    return total
