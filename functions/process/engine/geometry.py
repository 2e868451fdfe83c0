"""Computes crops: arithmetic on boxes in pixels, with y pointing down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Rect(NamedTuple):
    """A rectangle in fractional pixels. It may extend beyond the image."""

    left: float
    top: float
    width: float
    height: float

    @property
    def middle(self) -> tuple[float, float]:
        return self.left + self.width / 2, self.top + self.height / 2


class Box(NamedTuple):
    """A rectangle of whole pixels within an image. `right` and `bottom` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int


def union(rects: Sequence[Rect]) -> Rect:
    """The smallest rectangle that contains all of `rects`."""
    left, top = min(rect.left for rect in rects), min(rect.top for rect in rects)
    right = max(rect.left + rect.width for rect in rects)
    bottom = max(rect.top + rect.height for rect in rects)
    return Rect(left, top, right - left, bottom - top)


def face_crop(face: Rect, padding: float, aspect: str | None, size: tuple[int, int]) -> Box:
    """Compute the crop around a face in an image of `size` (width, height).

    padding: the margin on each side, as a fraction of the face's box.
    aspect: a ratio such as "4:5". The crop is extended to it, moved if it would leave the image,
        and shrunk only if the image is too small. Without an aspect, the crop is cut off at the
        image's border.
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
    """Round to whole pixels, at least one a side, and cut off at the image's border."""
    spans = []
    for centre, extent, side in zip(middle, (width, height), size, strict=True):
        length = max(1, round(extent))
        start = round(centre - extent / 2)
        first = min(max(0, start), side - 1)
        spans.append((first, min(side, max(first + 1, start + length))))
    (left, right), (top, bottom) = spans
    return Box(left, top, right, bottom)


def reduced(size: tuple[int, int], reduction: float) -> tuple[int, int]:
    """A size (width, height) divided by `reduction`, in whole pixels, at least one a side."""
    return max(1, round(size[0] / reduction)), max(1, round(size[1] / reduction))
