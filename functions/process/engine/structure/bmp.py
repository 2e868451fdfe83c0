"""BMP: checks the header for run-length coding, which is slow to decode."""

from __future__ import annotations

from functions.process.engine.structure.image_file import ImageFile, damaged, too_complex

_RUN_LENGTH_CODED = {1, 2}
_MAX_RUNS = 4_000_000  # bytes; Pillow decodes them in Python, two at a time


def parse(data: bytes) -> ImageFile:
    if len(data) < 26:
        raise damaged("it is cut off")
    if int.from_bytes(data[30:34], "little") in _RUN_LENGTH_CODED and len(data) > _MAX_RUNS:
        raise too_complex("a large run-length coded bitmap")
    return ImageFile("BMP", data)
