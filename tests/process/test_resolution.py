"""The resolution in each format, and TIFF."""

from __future__ import annotations

import io
import struct
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageSequence

from functions.process.engine import Engine
from functions.process.engine.strips import Strips
from functions.process.engine.tiff_encoder import encode
from tests.process.pictures import noise, opened, run, saved

KINDS = ["png", "jpeg", "tiff", "webp", "avif"]


def resolution(data: bytes) -> tuple[float, float] | None:
    image = Image.open(io.BytesIO(data))
    if "dpi" in image.info:
        return tuple(round(float(value), 2) for value in image.info["dpi"])  # type: ignore[return-value]
    exif = image.getexif()
    if not exif:
        return None
    assert exif[296] == 2
    return float(exif[282]), float(exif[283])


@pytest.mark.parametrize("dpi", [1, 72, 300, 2400])
@pytest.mark.parametrize("kind", KINDS)
def test_the_resolution_is_written(disc_engine: Engine, kind: str, dpi: int) -> None:
    photo = saved(Image.fromarray(noise(40, 30)))
    result = run(disc_engine, photo, remove_bg=False, format=kind, dpi=dpi)
    found = resolution(result.data)
    assert found is not None
    assert found == pytest.approx((dpi, dpi), abs=0.02)
    assert (result.width, result.height) == (40, 30)


@pytest.mark.parametrize("kind", KINDS)
def test_without_the_option_no_resolution_is_written(disc_engine: Engine, kind: str) -> None:
    photo = saved(Image.fromarray(noise(40, 30)), dpi=(300, 300))
    data = run(disc_engine, photo, remove_bg=False, format=kind).data
    assert resolution(data) in (None, (1, 1))  # JFIF always has a density: an aspect of 1:1
    if kind == "jpeg":
        assert Image.open(io.BytesIO(data)).info["jfif_unit"] == 0


def test_the_resolution_changes_no_pixel(disc_engine: Engine) -> None:
    photo = saved(Image.fromarray(noise(40, 30)))
    plain, tagged = (run(disc_engine, photo, dpi=dpi) for dpi in (None, 300))
    assert np.array_equal(np.asarray(opened(plain)), np.asarray(opened(tagged)))


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (640, 480), (2000, 900)])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("threads", [1, 3])
def test_other_readers_read_the_tiff(size: tuple[int, int], channels: int, threads: int) -> None:
    pixels = noise(*size, channels, seed=4)
    data = encode(lambda top, bottom: pixels[top:bottom], *size, channels, Strips(threads), 300)
    image = Image.open(io.BytesIO(data))
    assert image.mode == {1: "L", 3: "RGB", 4: "RGBA"}[channels]
    shown = pixels[..., 0] if channels == 1 else pixels
    assert np.array_equal(np.asarray(image), shown)
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if channels > 1:
        shown = shown[..., [2, 1, 0, 3][:channels]]
    if channels != 4:  # OpenCV 4 multiplies colours by alpha
        assert np.array_equal(decoded.reshape(shown.shape), shown)


def test_a_tiff_has_straight_alpha_and_is_deflated(disc_engine: Engine) -> None:
    photo = saved(Image.new("RGB", (500, 400), (200, 100, 50)))
    result = run(disc_engine, photo, format="tiff")
    assert (result.content_type, result.extension) == ("image/tiff", ".tif")
    image = opened(result)
    assert image.tag_v2[338] == (2,)  # type: ignore[attr-defined] # unassociated
    assert image.tag_v2[259] == 8  # type: ignore[attr-defined]
    assert len(result.data) < 500 * 400 * 4 / 10
    png = opened(run(disc_engine, photo, format="png"))
    assert np.array_equal(np.asarray(image), np.asarray(png))
    assert len(list(ImageSequence.Iterator(image))) == 1


def test_a_mask_as_tiff(disc_engine: Engine) -> None:
    photo = saved(Image.new("RGB", (50, 40)))
    image = opened(run(disc_engine, photo, format="tiff", output="mask"))
    assert (image.mode, image.getextrema()) == ("L", (0, 255))


def test_the_directory_of_a_tiff_is_sorted_and_aligned() -> None:
    pixels = noise(33, 21, 3)
    data = encode(lambda top, bottom: pixels[top:bottom], 33, 21, 3, Strips(2), 72)
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    entries: list[Any] = [
        struct.unpack_from("<HHII", data, start + 2 + 12 * at) for at in range(count)
    ]
    tags = [entry[0] for entry in entries]
    assert tags == sorted(tags)
    assert start % 2 == 0
    assert len(data) == start + 2 + 12 * count + 4
