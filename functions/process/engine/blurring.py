"""Blurs a photo's background as if the subject were not there."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from functions.process.engine.geometry import reduced
from functions.process.engine.pipeline_state import Plane

_Floats = NDArray[Any]
"""In single precision."""

_STRONGEST = 0.05
"""Sigma of a blur of 100 %, as a part of the longer side."""
_SIDE = 1600
"""The longer side of the copy that is blurred."""
_SIGMA = 4.0
"""A copy is reduced until its sigma has these pixels; a larger one costs time and shows no more."""
_REACH = 5
"""Pixels of the copy around the subject whose colours are mixed with the subject's."""
_HAZE = 64
"""Alpha up to which a pixel still shows the background."""
_LEAST = 1e-3
_BOX = Image.Resampling.BOX


def blurred_background(photo: Image.Image, alpha: Plane, percent: int) -> Image.Image:
    """The background of a photo, blurred, as an RGB picture of any size with its proportions.

    photo: RGB or RGBA. alpha: of the subject, (height, width). percent: 1 to 100.

    Every pixel is the mean of the background around it, weighted by the distance and by how little
    of it the subject covers (normalised convolution: Knutsson and Westin, 1993). So the subject's
    colours do not bleed into it.
    """
    reduction = max(1.0, max(photo.size) / _SIDE)
    size = reduced(photo.size, reduction)
    small = np.asarray(photo.resize(size, _BOX))
    covered = np.asarray(Image.fromarray(np.ascontiguousarray(alpha)).resize(size, _BOX))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_REACH, _REACH))
    near = cv2.dilate(covered, kernel).astype(np.float32)
    weight = np.clip((_HAZE - near) / _HAZE, 0, 1).astype(np.float32)
    if small.shape[2] == 4:
        weight *= small[..., 3].astype(np.float32) / 255
    colours = small[..., :3].astype(np.float32)
    if not weight.any():
        weight = np.ones_like(weight)  # the subject covers the whole photo
    sigma = _STRONGEST * percent / 100 * max(size)
    weighted = np.dstack([colours * weight[..., None], weight])
    if sigma > _SIGMA:
        smaller = reduced(size, sigma / _SIGMA)
        sigma *= smaller[0] / size[0]
        weighted = _resized(weighted, smaller, cv2.INTER_AREA)
    # Mirrored, not constant: a border would darken the weights, and shift what they average.
    blurred = cv2.GaussianBlur(weighted, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    return Image.fromarray(np.rint(np.clip(_filled(blurred), 0, 255)).astype(np.uint8))


def _filled(weighted: _Floats) -> _Floats:
    """The colours without their weights. Where there is no weight, those of a coarser copy.

    weighted: (height, width, 4), colours times weight, and weight.
    """
    height, width = weighted.shape[:2]
    colours, weight = weighted[..., :3], weighted[..., 3:]
    if max(height, width) == 1:
        single: _Floats = colours / np.maximum(weight, _LEAST)
        return single
    half = _resized(weighted, (-(-width // 2), -(-height // 2)), cv2.INTER_AREA)
    coarse = _resized(_filled(half), (width, height), cv2.INTER_LINEAR)
    filled: _Floats = (colours + _LEAST * coarse) / (weight + _LEAST)
    return filled


def _resized(values: _Floats, size: tuple[int, int], how: int) -> _Floats:
    """OpenCV drops an axis of length one; it is kept here."""
    resized: _Floats = cv2.resize(values, size, interpolation=how)
    return resized.reshape(size[1], size[0], values.shape[2])
