"""The orientation in EXIF, XMP and ImageMagick's texts, measured by Pillow's `exif_transpose`."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps, PngImagePlugin

from functions.process.engine import Engine
from tests.process.pictures import quarters, run, saved

ORIENTATIONS = range(1, 9)
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF")


def packet(value: int, *, element: bool = False) -> bytes:
    inside = (
        f"><tiff:Orientation>{value}</tiff:Orientation></rdf:Description>"
        if element
        else f' tiff:Orientation="{value}"/>'
    )
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description rdf:about=""'
        f"{inside}</rdf:RDF></x:xmpmeta>"
    ).encode()


def exif(value: int) -> bytes:
    block = Image.Exif()
    block[0x0112] = value
    return block.tobytes()


def photo(kind: str, **how: Any) -> bytes:
    """A photo whose corners differ. PNG gets its XMP as a text."""
    if kind == "PNG" and "xmp" in how:
        texts = PngImagePlugin.PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", how.pop("xmp").decode())
        how["pnginfo"] = texts
    settings = {} if kind == "PNG" else {"quality": 100}
    return saved(quarters(), kind, **settings, **how)


def upright(engine: Engine, data: bytes) -> None:
    """The engine's result is what Pillow shows."""
    result = run(engine, data, remove_bg=False)
    found = np.asarray(Image.open(io.BytesIO(result.data)).convert("RGB")).astype(int)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    assert found.shape == expected.shape
    assert np.abs(found - expected).mean() < 3


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("element", [False, True])
def test_xmp_alone(engine: Engine, kind: str, element: bool) -> None:
    for value in ORIENTATIONS:
        upright(engine, photo(kind, xmp=packet(value, element=element)))


@pytest.mark.parametrize("kind", FORMATS)
def test_exif_comes_before_xmp(engine: Engine, kind: str) -> None:
    upright(engine, photo(kind, exif=exif(6), xmp=packet(3)))
    upright(engine, photo(kind, exif=exif(1), xmp=packet(8)))


@pytest.mark.parametrize("kind", FORMATS)
def test_exif_without_an_orientation_leaves_it_to_xmp(engine: Engine, kind: str) -> None:
    block = Image.Exif()
    block[0x010F] = "maker"
    upright(engine, photo(kind, exif=block.tobytes(), xmp=packet(6)))


def raw_text(value: int) -> str:
    """As ImageMagick writes EXIF into a PNG."""
    block = exif(value)
    digits = block.hex()
    lines = [digits[at : at + 72] for at in range(0, len(digits), 72)]
    return "\n".join(["", "exif", f"{len(block):8}", *lines, ""])


@pytest.mark.parametrize("packed", [False, True])
def test_imagemagicks_raw_profile(engine: Engine, packed: bool) -> None:
    for value in ORIENTATIONS:
        texts = PngImagePlugin.PngInfo()
        texts.add_text("Raw profile type exif", raw_text(value), zip=packed)
        texts.add_itxt("XML:com.adobe.xmp", packet(3).decode(), zip=packed)
        upright(engine, saved(quarters(), "PNG", pnginfo=texts))


@pytest.mark.parametrize(
    "chunk",
    [
        b"Raw profile type exif\0\0no zlib",
        b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n 4\nno hexadecimal"),
        b"Raw profile type exif\0\0" + zlib.compress(bytes(50_000_000)),
        b"XML:com.adobe.xmp\0\0" + zlib.compress(b'tiff:Orientation="9"'),
        b"no end of the keyword",
    ],
)
def test_damaged_texts_are_ignored(engine: Engine, chunk: bytes) -> None:
    plain = saved(quarters(), "PNG")
    text = struct.pack(">I4s", len(chunk), b"zTXt") + chunk
    text += struct.pack(">I", zlib.crc32(b"zTXt" + chunk))
    result = run(engine, plain[:33] + text + plain[33:], remove_bg=False)
    assert (result.width, result.height) == quarters().size
