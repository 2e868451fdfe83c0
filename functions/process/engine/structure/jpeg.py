"""JPEG: parses markers and segments (ITU-T T.81, annex B)."""

from __future__ import annotations

import re

from functions.process.engine.structure.image_file import ImageFile, damaged, too_complex
from functions.process.engine.structure.orientation import from_exif, from_xmp

# Every scan of a progressive JPEG processes all coefficients again. Encoders write 1 to 12 scans.
_MAX_SCANS = 64
_MAX_SCANNED = 800_000_000  # scans x pixels: about 4 s of decoding
_MAX_SEGMENTS = 4_000  # ICC profiles and maker notes take a few hundred at most
# Start of frame: C0 to CF, except DHT (C4), JPG (C8, reserved) and DAC (CC).
_SOF = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_SOS, _EOI, _APP1, _APP2, _APP14 = 0xDA, 0xD9, 0xE1, 0xE2, 0xEE
# In entropy-coded data 0xFF is followed by a zero or a restart marker; anything else ends the data.
# The pattern begins with a literal byte, which makes the search ten times as fast.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]")
_EXIF, _XMP = b"Exif\x00\x00", b"http://ns.adobe.com/xap/1.0/\x00"
_FILL = re.compile(rb"\xff+")


def parse(data: bytes, *, salvage: bool = False) -> ImageFile:
    """Keep only the image data and the colour profile. Raises like `structure.parse`.

    salvage: end at damage after the beginning of the image, instead of raising.
    """
    kept = [b"\xff\xd8"]
    exif = xmp = None
    size, scans, at = None, 0, 2
    for _ in range(_MAX_SEGMENTS):
        # The decoder detects a missing end, and knows how much of the image is present.
        match = _MARKER.search(data, at)
        fill = match and _FILL.match(data, match.start())
        if match is None or fill is None or fill.end() == len(data):
            break
        marker, start = data[fill.end()], fill.end() + 1
        if marker == 0 or 0xD0 <= marker <= 0xD7:
            at = start
            continue
        if marker == _EOI:
            kept.append(b"\xff\xd9")
            break
        length = int.from_bytes(data[start : start + 2])
        end = start + length
        if length < 2 or end > len(data):
            if salvage and scans:
                break
            raise damaged("one of its segments is cut off")
        segment = data[start:end]
        if marker in _SOF and length >= 8:
            size = int.from_bytes(segment[5:7]), int.from_bytes(segment[3:5])
        if marker == _APP1:
            exif, xmp = exif or _from(_EXIF, segment), xmp or _from(_XMP, segment)
        if marker == _SOS:
            scans += 1
            _check_scans(scans, size)
            following = _MARKER.search(data, end)
            end = following.start() if following else len(data)
            segment = data[start:end]
        if _needed(marker, segment):
            kept += [bytes((0xFF, marker)), segment]
        at = end
    else:
        raise too_complex("it has thousands of segments")
    if not scans or not size:
        raise damaged("it contains no image")
    return ImageFile("JPEG", b"".join(kept), exif or xmp or 1, size)


def _from(name: bytes, segment: bytes) -> int | None:
    """The orientation in an application segment of this name; None if it has another."""
    if not segment[2:].startswith(name):
        return None
    return from_exif(segment[2:]) if name == _EXIF else from_xmp(segment)


def _check_scans(scans: int, size: tuple[int, int] | None) -> None:
    pixels = size[0] * size[1] if size else 0
    if scans > _MAX_SCANS or (scans > 16 and scans * pixels > _MAX_SCANNED):
        raise too_complex(f"it has over {scans - 1} scans")


def _needed(marker: int, segment: bytes) -> bool:
    """Whether to keep a segment: tables, frames, scans, and application data on colours."""
    if marker == _APP2:
        return segment[2:14] == b"ICC_PROFILE\x00"
    if 0xE0 <= marker <= 0xEF:
        return marker in (0xE0, _APP14)
    return marker != 0xFE
