"""A TIFF encoder: deflated strips with horizontal differences, in parallel.

Pillow's takes one core and zlib. Format: TIFF 6.0, with Adobe's compression 8 (zlib), of
https://www.awaresystems.be/imaging/tiff/tifftags/compression.html
"""

from __future__ import annotations

import io
import struct

import numpy as np
from isal import isal_zlib

from functions.process.engine.compose import Rows
from functions.process.engine.pipeline_state import Plane
from functions.process.engine.strips import Strips

_SHORT, _LONG, _RATIONAL = 3, 4, 5
_TYPE = {_SHORT: "H", _LONG: "I", _RATIONAL: "I"}
_DEFLATE, _DIFFERENCES, _STRAIGHT_ALPHA, _INCH = 8, 2, 2, 2
_LEVEL = 2


def encode(  # noqa: PLR0913, PLR0917 - what an image has
    rows: Rows, width: int, height: int, channels: int, strips: Strips, dpi: int | None
) -> bytes:
    """Encode a TIFF with 8 bits per channel. channels: 1 (grey), 3 (RGB) or 4 (RGBA, straight)."""

    def strip(top: int, bottom: int) -> tuple[bytes, int]:
        return _packed(rows(top, bottom)), bottom - top

    out = io.BytesIO()
    out.write(b"II*\0\0\0\0\0")
    starts: list[int] = []
    sizes: list[int] = []
    rows_per_strip = height
    for packed, count in strips.map(height, width * channels, strip):
        if not starts:
            rows_per_strip = count  # all strips but the last have the same
        starts.append(out.tell())
        sizes.append(len(packed))
        out.write(packed)
    fields = [
        (256, _LONG, [width]),
        (257, _LONG, [height]),
        (258, _SHORT, [8] * channels),
        (259, _SHORT, [_DEFLATE]),
        (262, _SHORT, [1 if channels == 1 else 2]),  # black is zero, or RGB
        (273, _LONG, starts),
        (277, _SHORT, [channels]),
        (278, _LONG, [rows_per_strip]),
        (279, _LONG, sizes),
        *([(282, _RATIONAL, [dpi, 1]), (283, _RATIONAL, [dpi, 1])] if dpi else []),
        (284, _SHORT, [1]),  # the channels of a pixel lie together
        *([(296, _SHORT, [_INCH])] if dpi else []),
        (317, _SHORT, [_DIFFERENCES]),
        *([(338, _SHORT, [_STRAIGHT_ALPHA])] if channels == 4 else []),
    ]
    _write_directory(out, fields)
    return out.getvalue()


def _packed(pixels: Plane) -> bytes:
    """A strip, deflated. Each pixel but the first of a row is stored as what it differs by."""
    stored = pixels.copy()
    np.subtract(pixels[:, 1:], pixels[:, :-1], out=stored[:, 1:])
    return isal_zlib.compress(np.ascontiguousarray(stored), _LEVEL)


def _write_directory(out: io.BytesIO, fields: list[tuple[int, int, list[int]]]) -> None:
    """Append the directory, with values that do not fit into it before it, and point to it."""
    entries = b""
    for tag, kind, values in fields:
        count = len(values) // 2 if kind == _RATIONAL else len(values)
        data = struct.pack(f"<{len(values)}{_TYPE[kind]}", *values)
        if len(data) > 4:
            out.write(b"\0" * (out.tell() % 2))
            place = out.tell()
            out.write(data)
            data = struct.pack("<I", place)
        entries += struct.pack("<HHI", tag, kind, count) + data.ljust(4, b"\0")
    out.write(b"\0" * (out.tell() % 2))
    place = out.tell()
    out.write(struct.pack("<H", len(fields)) + entries + b"\0\0\0\0")
    out.seek(4)
    out.write(struct.pack("<I", place))
    out.seek(0, io.SEEK_END)
