"""Draws the shadow of a subject from its alpha, on a small copy. 0 is no shadow, 255 black."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from darkroom.backdrop_options import ShadowOptions
from functions.process.engine.pipeline_state import Plane, plane

_Floats = NDArray[Any]
"""In single precision."""

_SOLID = 128
"""Alpha from which on a pixel is part of the subject's outline."""
_NEAR = 0.3
"""How far above the ground, as a part of the subject's height, the subject still casts a shadow on
it. Feet that are farther away stand higher in the picture."""


def shadow(alpha: Plane, options: ShadowOptions) -> Plane:
    """The shadow of a subject, of the same size as its alpha (height, width).

    Lengths depend on the subject's size, so a copy of half the size has the same shadow.
    """
    rows, columns = np.flatnonzero(alpha.max(axis=1) >= _SOLID), alpha.max(axis=0) >= _SOLID
    if not len(rows):
        return np.zeros_like(alpha)
    height, width = int(rows[-1] - rows[0]) + 1, int(np.ptp(np.flatnonzero(columns))) + 1
    extent = float(np.sqrt(width * height))
    if options.kind == "drop":
        dark = _drop(alpha, extent, options.softness)
    else:
        dark = _contact(alpha, int(rows[-1]), height, extent, options.softness)
    return plane(np.rint(np.clip(dark * options.strength, 0, 1) * 255).astype(np.uint8))


def _drop(alpha: Plane, extent: float, softness: float) -> _Floats:
    """The subject's own shape, a little lower and to the right, and blurred."""
    sigma = extent * (0.003 + 0.04 * softness)
    across, down = 0.4 * sigma + 0.006 * extent, 0.8 * sigma + 0.012 * extent
    moved = cv2.warpAffine(
        alpha, np.array([[1.0, 0, across], [0, 1, down]]), alpha.shape[::-1], flags=cv2.INTER_LINEAR
    )
    return _blurred(moved.astype(np.float32) / 255, sigma, sigma)


def _contact(alpha: Plane, ground: int, height: int, extent: float, softness: float) -> _Floats:
    """A flat, soft shadow under the subject's lowest pixels: darkest where they touch the ground.

    Each column's lowest pixel counts the more, the nearer it is to the lowest one around it, and
    to the ground. Two layers lie on each other: a narrow dark one, and a wide faint one.
    """
    solid = alpha >= _SOLID
    touched = solid.any(axis=0)
    lowest = np.where(touched, alpha.shape[0] - 1 - solid[::-1].argmax(axis=0), 0)
    lowest = lowest.astype(np.float32)
    around = max(3, round(0.12 * extent)) | 1
    floor = cv2.dilate(lowest[None], np.ones((1, around), np.uint8)).reshape(-1)
    near = max(1.0, _NEAR * height)
    weight = np.clip(1 - (floor - lowest) / (0.5 * near), 0, 1)
    weight *= np.clip(1 - (ground - lowest) / near, 0, 1) * touched
    columns = np.flatnonzero(weight)
    dark = np.zeros(alpha.shape, np.float32)
    for share, size in ((0.9, 0.004 + 0.01 * softness), (0.6, 0.015 + 0.04 * softness)):
        down = max(0.5, extent * size)
        line = np.zeros(alpha.shape, np.float32)
        # A little lower than the subject, which hides the upper half.
        below = np.clip(lowest[columns] + 0.5 * down, 0, alpha.shape[0] - 1)
        row = np.minimum(below.astype(int), alpha.shape[0] - 2)
        line[row, columns] = weight[columns] * (row + 1 - below)
        line[row + 1, columns] = weight[columns] * (below - row)
        # A line that is blurred across itself is darkest with this factor at 1.
        dark += share * np.sqrt(2 * np.pi) * down * _blurred(line, 2 * down, down)
    return dark


def _blurred(values: _Floats, across: float, down: float) -> _Floats:
    """A Gaussian blur, beyond whose border there is nothing. across, down: sigma in pixels."""
    return cv2.GaussianBlur(
        values, (0, 0), sigmaX=across, sigmaY=down, borderType=cv2.BORDER_CONSTANT
    ).astype(np.float32)
