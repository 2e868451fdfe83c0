"""Images of every kind are decoded upright, in sRGB, with the right pixels."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from functions.process.engine import Engine
from tests.process.pictures import (
    BLUE,
    GREEN,
    HEIC,
    RED,
    WHITE,
    corners,
    near,
    noise,
    opened,
    quarters,
    run,
    saved,
    through,
)

# The corners of `quarters` (top left, top right, bottom left, bottom right) once oriented.
UPRIGHT = {
    1: [RED, GREEN, BLUE, WHITE],
    2: [GREEN, RED, WHITE, BLUE],
    3: [WHITE, BLUE, GREEN, RED],
    4: [BLUE, WHITE, RED, GREEN],
    5: [RED, BLUE, GREEN, WHITE],
    6: [BLUE, RED, WHITE, GREEN],
    7: [WHITE, GREEN, BLUE, RED],
    8: [GREEN, WHITE, RED, BLUE],
}


def exif(orientation: int) -> bytes:
    block = Image.Exif()
    block[0x0112] = orientation
    block[0x010F] = "the camera's maker"
    return block.tobytes()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_orientation(engine: Engine, kind: str, orientation: int) -> None:
    how: dict[str, Any] = {"exif": exif(orientation)}
    if kind in ("JPEG", "AVIF"):
        how |= {"quality": 95, "subsampling": 0 if kind == "JPEG" else "4:4:4"}
    if kind == "WEBP":
        how["lossless"] = True
    image = through(engine, saved(quarters(), kind, **how))
    assert image.size == ((48, 32) if orientation < 5 else (32, 48))
    assert near(corners(image), UPRIGHT[orientation], 12)


@pytest.mark.parametrize("block", [b"", b"Exif\x00\x00", b"Exif\x00\x00II*\x00\xff\xff\xff\xff"])
def test_broken_exif_is_ignored(engine: Engine, block: bytes) -> None:
    plain = saved(quarters(), "JPEG", quality=95)
    segment = b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block
    image = through(engine, plain[:2] + segment + plain[2:])
    assert near(image, through(engine, plain), 0)


@pytest.mark.parametrize(
    ("kind", "how", "tolerance"),
    [
        ("JPEG", {"quality": 95, "subsampling": 0}, 6),
        ("JPEG", {"quality": 95, "progressive": True}, 12),
        ("PNG", {}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("BMP", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("TIFF", {}, 0),
        ("AVIF", {"quality": 95, "subsampling": "4:4:4"}, 12),
        ("GIF", {}, 0),
    ],
)
def test_formats(engine: Engine, kind: str, how: dict[str, Any], tolerance: int) -> None:
    image = through(engine, saved(quarters(), kind, **how))
    assert (image.mode, image.size) == ("RGB", (48, 32))
    assert near(corners(image), UPRIGHT[1], tolerance)


def test_sixteen_bit_grey(engine: Engine) -> None:
    levels = np.array([[0, 257, 32_896, 65_535]], np.uint16)
    image = through(engine, saved(Image.fromarray(levels)))
    assert [image.getpixel((x, 0)) for x in range(4)] == [(v,) * 3 for v in (0, 1, 128, 255)]


def test_float_grey(engine: Engine) -> None:
    image = through(engine, saved(Image.fromarray(np.array([[0, 0.5, 1]], np.float32)), "TIFF"))
    assert [image.getpixel((x, 0)) for x in range(3)] == [(v,) * 3 for v in (0, 128, 255)]


def test_grey_with_alpha(engine: Engine) -> None:
    image = through(engine, saved(Image.new("LA", (4, 4), (90, 40))))
    assert image.getpixel((1, 1)) == (90, 90, 90, 40)


def test_palette_with_transparency(engine: Engine) -> None:
    picture = quarters().quantize(4)
    index = int(np.asarray(picture)[0, 0])
    image = through(engine, saved(picture, transparency=index))
    assert image.mode == "RGBA"
    assert [colour[3] for colour in corners(image)] == [0, 255, 255, 255]


def test_one_bit(engine: Engine) -> None:
    picture = Image.new("1", (8, 8), 0)
    picture.paste(1, (4, 0, 8, 8))
    image = through(engine, saved(picture))
    assert (image.getpixel((0, 0)), image.getpixel((7, 0))) == ((0, 0, 0), (255, 255, 255))


def test_cmyk_without_a_profile(engine: Engine) -> None:
    picture = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    image = through(engine, saved(picture, "JPEG", quality=95))
    assert near(image.getpixel((8, 8)), (255, 0, 0), 4)


def wide_gamut() -> bytes:
    """Build a profile with Adobe RGB's primaries and a gamma of 2.2 (ICC.1:2010)."""

    def number(value: float) -> bytes:
        return struct.pack(">i", round(value * 65_536))

    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(map(number, values))

    curve = b"curv\0\0\0\0\0\0\0\x01" + struct.pack(">H", round(2.2 * 256)) + b"\0\0"
    tags = {
        b"rXYZ": xyz(0.60974, 0.31111, 0.01947),
        b"gXYZ": xyz(0.20528, 0.62567, 0.06087),
        b"bXYZ": xyz(0.14919, 0.06322, 0.74457),
        b"wtpt": xyz(0.9642, 1, 0.82491),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    table, body, start = b"", b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(content))
        body += content
    header = struct.pack(
        ">I4sI4s4s4s", start + len(body), b"", 0x02100000, b"mntr", b"RGB ", b"XYZ "
    )
    header = (header + b"\0" * 12 + b"acsp").ljust(68, b"\0")
    header = (header + number(0.9642) + number(1) + number(0.82491)).ljust(128, b"\0")
    return header + struct.pack(">I", len(tags)) + table + body


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_wide_gamut_is_converted_to_srgb(engine: Engine, kind: str) -> None:
    how: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    if kind == "JPEG":
        how = {"quality": 98, "subsampling": 0}
    picture = Image.new("RGB", (40, 40), (100, 160, 120))
    image = through(engine, saved(picture, kind, icc_profile=wide_gamut(), **how))
    # Adobe RGB's (100, 160, 120) has different values in sRGB: less red, more green.
    # linear = (v / 255) ** 2.2; XYZ by the profile's columns; sRGB (D50) by its inverse matrix.
    columns = np.array(
        [[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]]
    )
    srgb = np.array(
        [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.7141]]
    )
    linear = np.linalg.inv(srgb) @ columns @ (np.array([100, 160, 120]) / 255) ** 2.2
    expected = (1.055 * linear ** (1 / 2.4) - 0.055) * 255
    assert near(image.getpixel((20, 20)), np.rint(expected), 3)
    assert not near(expected, (100, 160, 120), 10)
    assert "icc_profile" not in image.info


def test_an_srgb_profile_changes_nothing(engine: Engine) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = noise(40, 30)
    result = run(engine, saved(Image.fromarray(pixels), icc_profile=profile), remove_bg=False)
    assert np.array_equal(np.asarray(opened(result)), pixels)
    assert result.warnings == ()


def test_a_broken_profile_is_ignored_with_a_warning(engine: Engine) -> None:
    photo = saved(quarters(), icc_profile=b"no profile" * 20)
    result = run(engine, photo, remove_bg=False)
    assert [warning.code for warning in result.warnings] == ["colour_profile"]
    assert near(opened(result), quarters(), 0)


def test_first_frame(engine: Engine) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, GREEN, BLUE)]
    for kind in ("GIF", "PNG", "WEBP", "TIFF"):
        how: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
        photo = saved(frames[0], kind, save_all=True, append_images=frames[1:], **how)
        result = run(engine, photo, remove_bg=False)
        assert near(opened(result).convert("RGB").getpixel((3, 3)), RED, 0), kind
        assert [warning.code for warning in result.warnings] == ["first_frame"], kind


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1), (3, 2)])
def test_extreme_shapes(engine: Engine, size: tuple[int, int]) -> None:
    pixels = noise(*size)
    photo = saved(Image.fromarray(pixels))
    assert np.array_equal(np.asarray(through(engine, photo)), pixels)
    assert opened(run(engine, photo)).size == size
    assert opened(run(engine, photo, edges="smooth", trim=True, crop_face=True)).mode == "RGBA"


def test_metadata_is_dropped(engine: Engine) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "somebody")
    block = Image.Exif()
    block[0x8825] = {1: "N", 2: (48.0, 8.0, 15.0)}
    photo = saved(quarters(), "PNG", pnginfo=text, exif=block.tobytes())
    for kind in ("png", "jpeg", "webp", "avif"):
        result = run(engine, photo, remove_bg=False, format=kind)
        image = Image.open(io.BytesIO(result.data))
        assert not set(image.info) & {"exif", "xmp", "icc_profile", "Author", "comment"}
        assert not image.getexif()
        assert b"somebody" not in result.data


def test_heic(engine: Engine) -> None:
    image = through(engine, HEIC)
    assert (image.mode, image.size) == ("RGB", (48, 64))
    assert near(corners(image), UPRIGHT[6], 6)


def test_other_tiff_tags_are_ignored(engine: Engine) -> None:
    tags = ImageFileDirectory_v2()
    tags[270] = "a description"
    tags[282] = 72
    assert near(through(engine, saved(quarters(), "TIFF", tiffinfo=tags)), quarters(), 0)


def test_a_truncated_png_is_damaged(engine: Engine) -> None:
    photo = saved(Image.fromarray(noise(64, 64)))
    with pytest.raises(Exception, match="damaged_photo"):
        run(engine, photo[: len(photo) // 2], remove_bg=False)
    chunk = zlib.crc32(b"IEND").to_bytes(4)
    assert photo.endswith(b"IEND" + chunk)
