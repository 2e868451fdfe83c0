"""Identifies a file and checks from its structure that it is safe to decode.

An image can exhaust time as well as memory: a progressive JPEG of a thousand scans, a GIF with a
million comment blocks, a TIFF whose tags overlap a hundredfold. Each format has a small parser here
that walks the file's structure without decoding pixels, and rejects files that no camera or program
writes. Metadata is removed from JPEG and PNG files before decoding, because damaged metadata causes
the worst decoder faults and results contain no metadata anyway.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from darkroom.errors import FileError, SkippedFile
from functions.process.engine.structure import bmp, gif, heif, jpeg, png, tiff, webp
from functions.process.engine.structure.image_file import ImageFile, damaged

__all__ = ["ImageFile", "parse"]

_PARSERS = {
    b"\xff\xd8\xff": jpeg.parse,
    b"\x89PNG\r\n\x1a\n": png.parse,
    b"GIF87a": gif.parse,
    b"GIF89a": gif.parse,
    b"II*\x00": tiff.parse,
    b"MM\x00*": tiff.parse,
    b"II+\x00": tiff.parse,
    b"MM\x00+": tiff.parse,
    b"BM": bmp.parse,
}
_SUPPORTED = "JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC"
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")
_UNSUPPORTED = {
    b"8BPS": "Photoshop",
    b"%!PS": "PostScript",
    b"\xc5\xd0\xd3\xc6": "PostScript",
    b"%PDF": "PDF",
    b"<svg": "SVG",
    b"\x00\x00\x01\x00": "icon",
    b"\x00\x00\x00\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"\x00\x00\x00\x0cJXL ": "JPEG XL",
    b"\xff\x0a": "JPEG XL",
    b"DDS ": "DDS",
    b"qoif": "QOI",
    b"v/1\x01": "OpenEXR",
    b"#?RADIANCE": "Radiance",
    b"FUJIFILM": "camera raw",
    b"IIU\x00": "camera raw",
    b"IIRO": "camera raw",
    b"gimp xcf": "GIMP",
}


def parse(data: bytes, *, salvage: bool = False) -> ImageFile:
    """Identify the format, and return the bytes that a decoder should read.

    salvage: take what can be read of a damaged JPEG.

    Raises SkippedFile (`not_a_photo`) if the bytes are not an image, FileError
    (`unsupported_format`) for other image formats, FileError (`damaged_photo`) if the structure is
    invalid, and FileError (`too_complex`) if decoding would take too long.
    """
    parser = _parser(data)
    if parser is None:
        raise _unsupported(data)
    try:
        return jpeg.parse(data, salvage=salvage) if parser is jpeg.parse else parser(data)
    except (struct.error, IndexError, OverflowError) as error:
        raise damaged("it is cut off") from error


def _parser(data: bytes) -> Callable[[bytes], ImageFile] | None:
    for magic, parser in _PARSERS.items():
        if data.startswith(magic):
            return parser
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return webp.parse
    return _isobmff(data) if data[4:8] == b"ftyp" else None


def _isobmff(data: bytes) -> Callable[[bytes], ImageFile] | None:
    size = min(int.from_bytes(data[:4]), 256)
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, size - 3, 4))}
    if brands & {b"avif", b"avis"}:
        return heif.parse_avif
    if brands & set(_HEIF_BRANDS):
        return heif.parse_heic
    return None


def _unsupported(data: bytes) -> FileError:
    start = data[:256].lstrip(b"\xef\xbb\xbf \t\r\n")
    for magic, name in _UNSUPPORTED.items():
        if start.startswith(magic) or (name == "SVG" and b"<svg" in data[:4096].lower()):
            return FileError(
                "unsupported_format",
                f"The format {name} is not supported; upload the photo as {_SUPPORTED}.",
            )
    return SkippedFile("not_a_photo", f"The file is not a photo; upload {_SUPPORTED}.")
