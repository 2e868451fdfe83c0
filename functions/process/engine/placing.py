"""Computes where a subject stands on its canvas: arithmetic in pixels."""

from __future__ import annotations

import math
from typing import NamedTuple

from darkroom.backdrop_options import MAX_CANVAS, CanvasOptions, Place


class Placing(NamedTuple):
    """canvas, size: of the canvas and of the subject on it (width, height). left, top: of the
    subject. wanted: how much the subject would have to be scaled to fill its part."""

    canvas: tuple[int, int]
    size: tuple[int, int]
    left: int
    top: int
    wanted: float


def placed(
    options: CanvasOptions, subject: tuple[int, int], *, max_side: int | None, max_pixels: int
) -> Placing:
    """Place a subject of this size (width, height).

    max_side, max_pixels: limits of a canvas that is given by its aspect.
    """
    if options.width is not None and options.height is not None:
        canvas, most = (options.width, options.height), math.inf
    else:
        canvas, most = _smallest(options, subject, max_side, max_pixels), 1.0
    room = tuple(side * options.fill for side in canvas)
    wanted = min(room[0] / subject[0], room[1] / subject[1], most)
    scale = wanted if options.upscale else min(wanted, 1.0)
    size = _scaled(subject[0], scale, canvas[0]), _scaled(subject[1], scale, canvas[1])
    left, top = _corner(options, canvas, size)
    return Placing(canvas, size, left, top, wanted)


def cover(picture: tuple[int, int], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """The middle of the picture (left, top, right, bottom) that has the proportions of `size`.

    Both sizes are (width, height).
    """
    scale = max(size[0] / picture[0], size[1] / picture[1])
    width, height = (min(p, s / scale) for p, s in zip(picture, size, strict=True))
    left, top = (picture[0] - width) / 2, (picture[1] - height) / 2
    return left, top, min(picture[0], left + width), min(picture[1], top + height)


def _smallest(
    options: CanvasOptions, subject: tuple[int, int], max_side: int | None, max_pixels: int
) -> tuple[int, int]:
    """The smallest canvas of the aspect on which the subject keeps its size, within the limits."""
    across, down = (int(part) for part in (options.aspect or "1:1").split(":"))
    ratio = across / down
    width = max(subject[0], subject[1] * ratio) / options.fill
    height = width / ratio
    longest = min(MAX_CANVAS, max_side or MAX_CANVAS)
    limit = min(1.0, longest / max(width, height), math.sqrt(max_pixels / (width * height)))
    if limit < 1:
        return max(1, int(width * limit + 1e-6)), max(1, int(height * limit + 1e-6))
    # Rounded up, so that the subject need not be resampled for the sake of half a pixel.
    return math.ceil(width - 1e-6), math.ceil(height - 1e-6)


def _scaled(side: int, scale: float, most: int) -> int:
    return min(most, max(1, round(side * scale)))


def _corner(
    options: CanvasOptions, canvas: tuple[int, int], size: tuple[int, int]
) -> tuple[int, int]:
    free = canvas[0] - size[0], canvas[1] - size[1]
    if isinstance(options.position, Place):
        return round(free[0] * options.position.x), round(free[1] * options.position.y)
    if options.position == "bottom":
        ground = round((1 - options.fill) / 2 * canvas[1])
        return free[0] // 2, max(0, free[1] - ground)
    return free[0] // 2, free[1] // 2
