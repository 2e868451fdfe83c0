"""Checks of what the service delivers, by the standard library alone."""

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
    pass


def open_png(data: bytes) -> tuple[int, int, bool]:
    """Width, height, and whether there is an alpha channel, of a PNG that is whole.

    Every chunk's CRC is checked and every row is unpacked. Interlaced ones are not known.
    Raises BadPng.
    """
    header = packed = b""
    for kind, content in _chunks(data):
        if kind == b"IHDR":
            header = content
        elif kind == b"IDAT":
            packed += content
    if len(header) != 13:
        raise BadPng("it has no header")
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    if interlaced or colour not in _CHANNELS:
        raise BadPng("it is of a kind nobody asked for")
    row = 1 + (width * depth * _CHANNELS[colour] + 7) // 8
    try:
        pixels = zlib.decompress(packed)
    except zlib.error as error:
        raise BadPng(f"its pixels cannot be unpacked: {error}") from error
    if len(pixels) != row * height or any(
        pixels[start] > 4 for start in range(0, len(pixels), row)
    ):
        raise BadPng("its pixels are not those of its header")
    return width, height, colour in _WITH_ALPHA


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not data.startswith(_SIGNATURE):
        raise BadPng("it is no PNG")
    position = len(_SIGNATURE)
    kind = b""
    while kind != b"IEND":
        if position + 12 > len(data):
            raise BadPng("its end is missing")
        size, kind = struct.unpack_from(">I4s", data, position)
        if position + 12 + size > len(data):
            raise BadPng("its end is missing")
        content = data[position + 8 : position + 8 + size]
        (crc,) = struct.unpack_from(">I", data, position + 8 + size)
        if crc != zlib.crc32(kind + content):
            raise BadPng(f"its {kind.decode('latin-1')} part is damaged")
        yield kind, content
        position += 12 + size


def zip_problems(path: Path, results: Mapping[str, bytes], uploads: Mapping[str, str]) -> list[str]:
    """What is wrong with a ZIP of results.

    results: what was downloaded one by one, by path in the ZIP. uploads: the path in the ZIP by
    the name of the photo it was made from.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return list(_zip_problems(archive, results, uploads))
    except (OSError, zipfile.BadZipFile, zlib.error) as error:
        return [f"the ZIP does not open: {error}"]


def _zip_problems(
    archive: zipfile.ZipFile, results: Mapping[str, bytes], uploads: Mapping[str, str]
) -> Iterator[str]:
    if damaged := archive.testzip():
        yield f"the ZIP's {damaged} is damaged"
        return
    names = archive.namelist()
    if sorted(names) != sorted([*results, MANIFEST]):
        yield f"the ZIP holds {', '.join(sorted(names))}"
        return
    for name, data in results.items():
        if archive.read(name) != data:
            yield f"{name} in the ZIP is not what was downloaded alone"
    try:
        files = json.loads(archive.read(MANIFEST))["files"]
        told = {file["name"]: (file["status"], file.get("path")) for file in files}
    except (ValueError, KeyError, TypeError):
        yield f"{MANIFEST} cannot be read"
        return
    if told != {name: ("succeeded", path) for name, path in uploads.items()}:
        yield f"{MANIFEST} does not tell what became of each photo"
