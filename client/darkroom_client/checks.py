"""Checks of results and archives, with nothing but the standard library."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_WITH_ALPHA = {4, 6}
MANIFEST = "manifest.json"


class BadPng(Exception):
    """The PNG is damaged, incomplete, or of an unsupported kind."""


def open_png(data: bytes) -> tuple[int, int, bool]:
    """Decode a PNG; return its width and height in pixels, and whether it has an alpha channel.

    Checks the CRC of every chunk and decompresses every row. Raises BadPng, also for interlaced
    images, which the service never writes.
    """
    header = packed = b""
    for kind, content in _chunks(data):
        if kind == b"IHDR":
            header = content
        elif kind == b"IDAT":
            packed += content
    if len(header) != 13:
        raise BadPng("its header is missing")
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    if interlaced or colour not in _CHANNELS:
        raise BadPng("its colour type or interlacing is not supported")
    row = 1 + (width * depth * _CHANNELS[colour] + 7) // 8
    try:
        pixels = zlib.decompress(packed)
    except zlib.error as error:
        raise BadPng(f"its pixels cannot be decompressed: {error}") from error
    if len(pixels) != row * height or any(
        pixels[start] > 4 for start in range(0, len(pixels), row)
    ):
        raise BadPng("its pixels do not match its header")
    return width, height, colour in _WITH_ALPHA


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not data.startswith(_SIGNATURE):
        raise BadPng("it is not a PNG")
    position = len(_SIGNATURE)
    kind = b""
    while kind != b"IEND":
        if position + 12 > len(data):
            raise BadPng("it ends too early")
        size, kind = struct.unpack_from(">I4s", data, position)
        if position + 12 + size > len(data):
            raise BadPng("it ends too early")
        content = data[position + 8 : position + 8 + size]
        (crc,) = struct.unpack_from(">I", data, position + 8 + size)
        if crc != zlib.crc32(kind + content):
            raise BadPng(f"its {kind.decode('latin-1')} part is damaged")
        yield kind, content
        position += 12 + size


def zip_problems(path: Path, results: Mapping[str, bytes], uploads: Mapping[str, str]) -> list[str]:
    """Check an archive; return its problems.

    results: the results downloaded one by one, by their path in the archive.
    uploads: the path in the archive of each photo's result, by the name of the photo.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return list(_zip_problems(archive, results, uploads))
    except (OSError, zipfile.BadZipFile, zlib.error) as error:
        return [f"the archive cannot be opened: {error}"]


def _zip_problems(
    archive: zipfile.ZipFile, results: Mapping[str, bytes], uploads: Mapping[str, str]
) -> Iterator[str]:
    if damaged := archive.testzip():
        yield f"{damaged} is damaged in the archive"
        return
    names = archive.namelist()
    if sorted(names) != sorted([*results, MANIFEST]):
        yield f"the archive holds other entries: {', '.join(sorted(names))}"
        return
    for name, data in results.items():
        if archive.read(name) != data:
            yield f"{name} in the archive differs from its download"
    try:
        files = json.loads(archive.read(MANIFEST))["files"]
        outcomes = {file["name"]: (file["status"], file.get("path")) for file in files}
    except (ValueError, KeyError, TypeError):
        yield f"{MANIFEST} cannot be read"
        return
    if outcomes != {name: ("succeeded", path) for name, path in uploads.items()}:
        yield f"{MANIFEST} does not list the outcome of each photo"
