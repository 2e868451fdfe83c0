"""The PNG encoder, checked with Pillow's, OpenCV's and zlib's decoders."""

from __future__ import annotations

import io
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from functions.process.engine import png_encoder
from functions.process.engine.strips import Strips
from tests.process.pictures import noise, saved


def encoded(pixels: np.ndarray, threads: int = 2) -> bytes:
    height, width, channels = pixels.shape
    return png_encoder.encode(
        lambda top, end: pixels[top:end], width, height, channels, Strips(threads)
    )


def check(pixels: np.ndarray, data: bytes) -> None:
    expected = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    image = Image.open(io.BytesIO(data))
    image.load()
    assert np.array_equal(np.asarray(image), expected)
    read = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert read is not None
    order = {1: None, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGBA}[pixels.shape[2]]
    assert np.array_equal(read if order is None else cv2.cvtColor(read, order), expected)


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(1, 70),
    height=st.integers(1, 70),
    channels=st.sampled_from([1, 3, 4]),
    flat=st.booleans(),
    seed=st.integers(0, 99),
)
def test_any_small_picture(width: int, height: int, channels: int, flat: bool, seed: int) -> None:
    pixels = noise(width, height, channels, seed)
    if flat:
        pixels[...] = pixels[0, 0]
    check(pixels, encoded(pixels))


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [(3000, 1100), (1, 40_000), (40_000, 1), (900_000, 3)])
def test_strips_form_one_image(size: tuple[int, int], channels: int) -> None:
    """Many strips, strips of one row, and a single strip."""
    pixels = noise(*size, channels)
    check(pixels, encoded(pixels, threads=3))


def test_the_file_follows_the_standard() -> None:
    pixels = noise(2000, 900, 4)
    data = encoded(pixels)
    at, kinds, deflated = 8, [], b""
    while at < len(data):
        length, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + length]
        assert int.from_bytes(data[at + 8 + length : at + 12 + length]) == zlib.crc32(kind + body)
        kinds.append(kind)
        deflated += body if kind == b"IDAT" else b""
        at += 12 + length
    assert kinds[0] == b"IHDR"
    assert kinds[-1] == b"IEND"
    assert set(kinds[1:-1]) == {b"IDAT"}
    assert len(kinds) > 4, "each strip is a separate chunk"
    # zlib verifies the combined Adler-32.
    assert len(zlib.decompress(deflated)) == 900 * (2000 * 4 + 1)


@pytest.mark.parametrize("turned", [False, True])
def test_the_filter_adapts_to_the_image(turned: bool) -> None:
    """Horizontal and vertical stripes both compress well."""
    line = noise(600, 1, 1)[0]
    pixels = np.repeat(line[None], 600, axis=0)
    if turned:
        pixels = np.ascontiguousarray(pixels.transpose(1, 0, 2))
    assert len(encoded(pixels)) < 8_000


def test_a_cutout_is_at_most_a_quarter_larger_than_pillows() -> None:
    y, x = np.mgrid[-1:1:600j, -1:1:600j]
    pixels = (np.dstack([x, y, x * y, np.ones_like(x)]) * 100 + 120).astype(np.uint8)
    pixels[..., :3] += noise(600, 600) % 8
    pixels[np.hypot(x, y) > 0.8] = 0
    assert len(encoded(pixels)) < 1.25 * len(saved(Image.fromarray(pixels)))
