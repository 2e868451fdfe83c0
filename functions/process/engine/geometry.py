"""Where a crop lies: plain arithmetic on boxes, in pixels, y down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Rect(NamedTuple):
    """Anywhere, in fractions of pixels; may reach beyond the picture."""

    left: float
    top: float
    width: float
    height: float

    @property
    def middle(self) -> tuple[float, float]:
        return self.left + self.width / 2, self.top + self.height / 2


class Box(NamedTuple):
    """Whole pixels of a picture; right and bottom are the first ones outside."""

    left: int
    top: int
    right: int
    bottom: int


def union(rects: Sequence[Rect]) -> Rect:
    """The smallest box around all of them."""
    left, top = min(rect.left for rect in rects), min(rect.top for rect in rects)
    right = max(rect.left + rect.width for rect in rects)
    bottom = max(rect.top + rect.height for rect in rects)
    return Rect(left, top, right - left, bottom - top)


def face_crop(face: Rect, padding: float, aspect: str | None, size: tuple[int, int]) -> Box:
    """The crop of a picture of `size` (width, height) around a face.

    padding: room on each side, as a fraction of the face's box. aspect: "4:5" and the like; the
    crop grows to it, moves where it would leave the picture, and shrinks only where the picture
    is too small for it. Without an aspect it just ends at the picture's border.
    """
    width, height = face.width * (1 + 2 * padding), face.height * (1 + 2 * padding)
    if aspect is None:
        return _within(face.middle, width, height, size)
    across, down = (int(part) for part in aspect.split(":"))
    width, height = max(width, height * across / down), max(height, width * down / across)
    scale = min(1.0, size[0] / width, size[1] / height)
    width, height = width * scale, height * scale
    x, y = (
        min(max(middle, extent / 2), side - extent / 2)
        for middle, extent, side in zip(face.middle, (width, height), size, strict=True)
    )
    return _within((x, y), width, height, size)


def _within(middle: tuple[float, float], width: float, height: float, size: tuple[int, int]) -> Box:
    """The box in whole pixels, of at least one, cut off at the picture's border."""
    spans = []
    for centre, extent, side in zip(middle, (width, height), size, strict=True):
        length = max(1, round(extent))
        start = round(centre - extent / 2)
        first = min(max(0, start), side - 1)
        spans.append((first, min(side, max(first + 1, start + length))))
    (left, right), (top, bottom) = spans
    return Box(left, top, right, bottom)
