"""A small mask brought to a photo's size, all at once or just the rows that are wanted.

Together both halves are `mask.resize(size, LANCZOS)`, to within 1/255: as Pillow does it, first to
the width, then to the height.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from functions.process.engine.strips import Strips


def widened(mask: Image.Image, width: int) -> Image.Image:
    """A mask (mode L) of its own height and the photo's width."""
    if mask.width == width:
        return mask
    return mask.resize((width, mask.height), Image.Resampling.LANCZOS)


def rows(wide: Image.Image, height: int, top: int, bottom: int) -> NDArray[np.uint8]:
    """Rows `top` to `bottom` of the widened mask's `height`: (bottom - top, width)."""
    scale = wide.height / height
    box = (0, top * scale, wide.width, bottom * scale)
    part = wide.resize((wide.width, bottom - top), Image.Resampling.LANCZOS, box=box)
    return np.asarray(part)


def enlarged(mask: Image.Image, size: tuple[int, int], strips: Strips) -> NDArray[np.uint8]:
    """The whole mask at `size` (width, height), in strips: an array (height, width)."""
    width, height = size
    wide = widened(mask, width)
    plane = np.empty((height, width), np.uint8)

    def strip(top: int, bottom: int) -> None:
        plane[top:bottom] = rows(wide, height, top, bottom)

    list(strips.map(height, width, strip))
    return plane
