"""Damaged JPEGs, of which what can be read is processed on request."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from darkroom.errors import FileError
from functions.process.engine import Engine
from tests.process.pictures import noise, opened, run, saved

SIDE = 400


@pytest.fixture(scope="module")
def whole() -> bytes:
    picture = Image.fromarray(noise(50, 50)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return saved(picture, "JPEG", quality=90)


def rows(image: Image.Image, until: float) -> np.ndarray:
    return np.asarray(image.convert("RGB"))[: int(until * SIDE)].astype(int)


@pytest.mark.parametrize("part", [0.6, 0.8, 0.95])
def test_the_readable_part_is_processed_with_a_warning(
    engine: Engine, whole: bytes, part: float
) -> None:
    cut = whole[: int(part * len(whole))]
    result = run(engine, cut, remove_bg=False, salvage=True)
    assert [warning.code for warning in result.warnings] == ["salvaged"]
    until = part - 0.08  # the tables at the beginning of the file, and a row of blocks
    original = Image.open(io.BytesIO(whole))
    assert np.array_equal(rows(opened(result), until), rows(original, until))
    share = int(result.warnings[0].message.partition("upper ")[2].partition("%")[0]) / 100
    assert abs(share - part) < 0.08


def test_a_segment_that_is_cut_off_ends_the_photo(engine: Engine, whole: bytes) -> None:
    """A damaged byte in the image data looks like the marker of a segment."""
    at = int(0.8 * len(whole))
    damaged = whole[:at] + b"\xff\xe1\xff\xff" + whole[at + 4 :]
    result = run(engine, damaged, remove_bg=False, salvage=True)
    assert [warning.code for warning in result.warnings] == ["salvaged"]


def test_less_than_half_is_refused(engine: Engine, whole: bytes) -> None:
    with pytest.raises(FileError, match=r"only \d+% of it can be read") as caught:
        run(engine, whole[: int(0.3 * len(whole))], remove_bg=False, salvage=True)
    assert caught.value.code == "damaged_photo"


def test_without_the_option_it_is_refused_as_before(engine: Engine, whole: bytes) -> None:
    with pytest.raises(FileError) as caught:
        run(engine, whole[: int(0.9 * len(whole))], remove_bg=False)
    assert caught.value.code == "damaged_photo"


def test_an_undamaged_photo_has_no_warning(engine: Engine, whole: bytes) -> None:
    assert run(engine, whole, remove_bg=False, salvage=True).warnings == ()
