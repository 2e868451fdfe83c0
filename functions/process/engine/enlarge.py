"""Enlarges a small mask to a photo's size, as a whole or only some rows.

Like Pillow, it resizes first to the width, then to the height. The result equals
`mask.resize(size, LANCZOS)` to within 1/255.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from functions.process.engine.strips import Strips


def widened(mask: Image.Image, width: int) -> Image.Image:
    """Resize a mask (mode L) to the photo's width; its height stays the same."""
    if mask.width == width:
        return mask
    return mask.resize((width, mask.height), Image.Resampling.LANCZOS)


def rows(wide: Image.Image, height: int, top: int, bottom: int) -> NDArray[np.uint8]:
    """Rows `top` to `bottom` of the widened mask at `height`: an array (bottom - top, width)."""
    scale = wide.height / height
    box = (0, top * scale, wide.width, bottom * scale)
    part = wide.resize((wide.width, bottom - top), Image.Resampling.LANCZOS, box=box)
    return np.asarray(part)


def enlarged(mask: Image.Image, size: tuple[int, int], strips: Strips) -> NDArray[np.uint8]:
    """Resize the whole mask to `size` (width, height), in strips. Returns (height, width)."""
    width, height = size
    wide = widened(mask, width)
    plane = np.empty((height, width), np.uint8)

    def strip(top: int, bottom: int) -> None:
        plane[top:bottom] = rows(wide, height, top, bottom)

    list(strips.map(height, width, strip))
    return plane
