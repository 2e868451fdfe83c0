"""Enlarging a mask in strips, and only where it is visible."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from functions.process.engine.enlarge import rows, visible, widened


@given(
    box=st.tuples(*[st.integers(0, 40)] * 4),
    height=st.integers(1, 300),
    strip=st.tuples(st.integers(0, 299), st.integers(1, 60)),
)
def test_nothing_is_visible_beside_the_visible_columns(
    box: tuple[int, int, int, int], height: int, strip: tuple[int, int]
) -> None:
    left, top, right, bottom = box
    mask = np.zeros((40, 40), np.uint8)
    mask[top:bottom, left:right] = 200
    wide = widened(Image.fromarray(mask), 97)
    first = min(strip[0], height - 1)
    last = min(height, first + strip[1])

    whole = rows(wide, height, first, last)
    columns = visible(wide, height, first, last)
    part = rows(wide, height, first, last, columns) if columns.start < columns.stop else None

    beside = whole.copy()
    beside[:, columns] = 0
    assert not beside.any()
    if part is not None:
        assert np.array_equal(part, whole[:, columns])
