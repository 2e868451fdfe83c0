"""A fast PNG encoder: one filter per strip, deflate by isal, strips in parallel.

No available library does this. For a 12-megapixel cutout, Pillow's encoder (zlib at level 6, every
filter tried on each row) takes 2 to 3 s. This one takes 0.05 s on two cores, and its files are 1.0
to 1.1 times the size. Format: ISO/IEC 15948; deflate: RFC 1951; zlib: RFC 1950.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

import numpy as np
from isal import isal_zlib

from functions.process.engine.compose import Rows
from functions.process.engine.pipeline_state import Plane
from functions.process.engine.strips import Strips

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPE = {1: 0, 3: 2, 4: 6}
_SUB, _UP = 1, 2
_LEVEL = 2  # of isal's 0 to 3: as fast as 1 and 2 % smaller; 3 is slower and larger
_ADLER = 65_521  # RFC 1950
# Deflate with a 32 KB window, and check bits that make the two bytes a multiple of 31.
_ZLIB_HEADER = b"\x78\x5e"


def encode(  # noqa: PLR0913, PLR0917 - what an image has
    rows: Rows, width: int, height: int, channels: int, strips: Strips, dpi: int | None = None
) -> bytes:
    """Encode a PNG with 8 bits per channel. channels: 1 (grey), 3 (RGB) or 4 (RGBA)."""

    def strip(top: int, bottom: int) -> tuple[bytes, int, int]:
        filtered = _filtered(rows(top, bottom))
        packer = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, -isal_zlib.MAX_WBITS)
        # A flushed strip ends on a byte boundary, so that the next one can be appended.
        ending = isal_zlib.Z_FINISH if bottom == height else isal_zlib.Z_SYNC_FLUSH
        packed = packer.compress(filtered) + packer.flush(ending)
        return packed, isal_zlib.adler32(filtered), filtered.size

    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPE[channels], 0, 0, 0)
    # BytesIO returns its content without a copy; joining the parts would need twice the memory.
    out = io.BytesIO()
    out.writelines((_SIGNATURE, *_chunk(b"IHDR", header)))
    if dpi:
        per_metre = round(dpi / 0.0254)
        out.writelines(_chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1)))
    check, start = 1, _ZLIB_HEADER
    for packed, adler, size in strips.map(height, width * channels, strip):
        check = _combined_adler(check, adler, size)
        out.writelines(_chunk(b"IDAT", start + packed))
        start = b""
    out.writelines((*_chunk(b"IDAT", struct.pack(">I", check)), *_chunk(b"IEND", b"")))
    return out.getvalue()


def _filtered(pixels: Plane) -> Plane:
    """Filter a strip as PNG stores it: each row is preceded by its filter's number.

    The whole strip uses the filter, Sub or Up, that gives the smaller differences. The first row
    always uses Sub, because the row above belongs to another strip.
    """
    count, _, channels = pixels.shape
    flat = np.ascontiguousarray(pixels).reshape(count, -1)
    result = np.empty((count, flat.shape[1] + 1), np.uint8)
    sample = slice(1, None, 8)
    up = np.subtract(flat[sample], flat[: count - 1 : 8])
    sub = np.subtract(flat[sample, channels:], flat[sample, :-channels])
    upward = _energy(up) <= _energy(sub)
    result[0, 0] = _SUB
    result[1:, 0] = _UP if upward else _SUB
    below = 1 if upward else count
    result[:below, 1 : channels + 1] = flat[:below, :channels]
    np.subtract(
        flat[:below, channels:], flat[:below, :-channels], out=result[:below, channels + 1 :]
    )
    np.subtract(flat[below:], flat[below - 1 : -1], out=result[below:, 1:])
    return result


def _energy(differences: Plane) -> int:
    """The sum of absolute differences as signed bytes, which the PNG specification minimises."""
    return int(np.minimum(differences, -differences).sum(dtype=np.int64))


def _chunk(kind: bytes, data: bytes) -> Iterator[bytes]:
    yield struct.pack(">I", len(data)) + kind
    yield data
    yield struct.pack(">I", isal_zlib.crc32(data, isal_zlib.crc32(kind)))


def _combined_adler(first: int, second: int, size: int) -> int:
    """Combine the Adler-32 of two consecutive pieces; `size`: bytes of the second.

    Source: RFC 1950, section 8.2: the low half is 1 plus the sum of the bytes, the high half the
    sum of the low halves after each byte, both modulo 65,521.
    """
    low_1, high_1, low_2, high_2 = first & 0xFFFF, first >> 16, second & 0xFFFF, second >> 16
    low = (low_1 + low_2 - 1) % _ADLER
    high = (high_1 + high_2 + size * (low_1 - 1)) % _ADLER
    return high << 16 | low
