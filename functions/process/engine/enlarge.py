"""Enlarges a small mask to a photo's size, as a whole or only some rows.

Like Pillow, it resizes first to the width, then to the height. The result equals
`mask.resize(size, LANCZOS)` to within 1/255.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from functions.process.engine.strips import Strips

_LOBES = 3  # LANCZOS reaches three pixels of the mask to each side


def widened(mask: Image.Image, width: int) -> Image.Image:
    """Resize a mask (mode L) to the photo's width; its height stays the same."""
    if mask.width == width:
        return mask
    return mask.resize((width, mask.height), Image.Resampling.LANCZOS)


def rows(
    wide: Image.Image, height: int, top: int, bottom: int, columns: slice | None = None
) -> NDArray[np.uint8]:
    """Rows `top` to `bottom` of the widened mask at `height`: an array (bottom - top, width).

    columns: the only columns to compute, such as `visible` returns; None for all.
    """
    scale = wide.height / height
    if columns is not None:
        # A box with these columns would make Pillow filter across them too.
        wide = wide.crop((columns.start, 0, columns.stop, wide.height))
    box = (0, top * scale, wide.width, bottom * scale)
    part = wide.resize((wide.width, bottom - top), Image.Resampling.LANCZOS, box=box)
    return np.asarray(part)


def visible(wide: Image.Image, height: int, top: int, bottom: int) -> slice:
    """The columns outside which rows `top` to `bottom` of the enlarged mask are zero."""
    scale = wide.height / height
    reach = math.ceil(_LOBES * max(scale, 1.0)) + 1
    first = max(0, math.floor(top * scale) - reach)
    last = min(wide.height, math.ceil(bottom * scale) + reach)
    used = np.flatnonzero(np.asarray(wide.crop((0, first, wide.width, last))).any(axis=0))
    return slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(0, 0)


def enlarged(mask: Image.Image, size: tuple[int, int], strips: Strips) -> NDArray[np.uint8]:
    """Resize the whole mask to `size` (width, height), in strips. Returns (height, width)."""
    width, height = size
    wide = widened(mask, width)
    plane = np.empty((height, width), np.uint8)

    def strip(top: int, bottom: int) -> None:
        plane[top:bottom] = rows(wide, height, top, bottom)

    list(strips.map(height, width, strip))
    return plane
