"""Estimates the colours of subject and background where both are mixed in a pixel.

A pixel at the edge is `alpha * subject + (1 - alpha) * background`. Both colours are unknown, so
the smoothest ones are taken that explain the pixel: a least-squares problem, in which neighbours
pull at each other. It is solved from a coarse copy to finer ones, as Germer et al. propose ("Fast
Multi-Level Foreground Estimation", 2020), but for all pixels of a level at once, which NumPy and
OpenCV do fast enough for every photo.

At the photo's own size only the last step remains: the smooth colours are enlarged, and moved as
little as possible until they give the pixel's exact colour. So a copy of the mask's own size is
enough: there are no finer edges than the mask's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
_Floats = NDArray[Any]
"""In single precision, which halves the time."""

_SMOOTH, _EDGE = 1e-5, 0.03
"""How much neighbours with the same alpha pull at each other, and neighbours with another one more.
The values have the least error on `bench/_fringe.py`'s scenes with other seeds."""
_SMALL: Final = 32
"""Levels up to this size have ten rounds, which cost nothing. Larger ones have three."""


@dataclass(frozen=True, slots=True)
class EdgeColours:
    """The colours of subject and background, as two copies of the photo of any size.

    subject, background: (height, width, 3). matrix: the affine transformation (2, 3) from a pixel
    of the photo (x, y) to one of the copies.
    """

    subject: Pixels
    background: Pixels
    matrix: NDArray[np.float64]

    def moved(self, before: NDArray[np.float64]) -> EdgeColours:
        """The colours for a photo that was cropped, resized or rotated.

        before: the affine transformation (2, 3) from a pixel of the new photo to one of the old.
        """
        return replace(self, matrix=self.matrix @ np.vstack([before, (0, 0, 1)]))

    def subject_at(self, pixels: Pixels, alpha: Pixels, left: int, top: int) -> Pixels:
        """The subject's colours in a part of the photo.

        pixels: the part, (height, width, 3), whose upper left corner is at `left`, `top`. alpha:
        the subject's there, (height, width). Opaque pixels keep their colours.
        """
        subject = self._enlarged(self.subject, alpha.shape, left, top)
        background = self._enlarged(self.background, alpha.shape, left, top)
        share = (alpha.astype(np.float32) / 255)[..., None]
        rest = 1 - share
        # The smallest change of both colours together that explains the pixel.
        missing = pixels - share * subject
        missing -= rest * background
        missing *= share / (share * share + rest * rest)
        missing += subject
        return np.clip(missing + 0.5, 0, 255).astype(np.uint8)

    def _enlarged(self, colours: Pixels, shape: tuple[int, ...], left: int, top: int) -> _Floats:
        """A part of the photo's size, interpolated between the pixels of the copy."""
        height, width = shape[:2]
        matrix = self.moved(shift(left, top)).matrix
        enlarged = cv2.warpAffine(
            colours,
            matrix,
            (width, height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return enlarged.astype(np.float32)


def shift(left: float, top: float) -> NDArray[np.float64]:
    """The transformation from a pixel of a crop to one of the photo."""
    return np.array([[1.0, 0, left], [0, 1, top]])


def stretch(across: float, down: float) -> NDArray[np.float64]:
    """The transformation from a pixel to one of a photo that is wider and higher by these factors.

    Pixels are points in the middle of their square.
    """
    return np.array([[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5]])


def edge_colours(photo: Pixels, alpha: Pixels, size: tuple[int, int]) -> EdgeColours:
    """Estimate both colours everywhere.

    photo: (height, width, 3), or a copy of another size. alpha: the subject's, (height, width).
    size: of the photo itself (width, height).
    """
    subject, background = _solved(
        photo.astype(np.float32), alpha.astype(np.float32) / np.float32(255)
    )
    height, width = alpha.shape
    return EdgeColours(
        _bytes(subject), _bytes(background), stretch(width / size[0], height / size[1])
    )


def _solved(photo: _Floats, alpha: _Floats) -> tuple[_Floats, _Floats]:
    height, width = alpha.shape
    both = np.empty((1, 1, 6), np.float32)
    both[0, 0, :3] = _mean(photo, alpha > 0.9)
    both[0, 0, 3:] = _mean(photo, alpha < 0.1)
    steps = max(0, (max(height, width) - 1).bit_length() - 2)
    for step in range(steps, -1, -1):
        size = max(1, round(width / 2**step)), max(1, round(height / 2**step))
        small = photo if step == 0 else cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
        share = alpha if step == 0 else cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
        start = _resized(both, size)
        both = _relaxed(
            small.reshape(size[1], size[0], 3),
            share.reshape(size[1], size[0]),
            start,
            10 if max(size) <= _SMALL else 3,
        )
    return both[..., :3], both[..., 3:]


def _mean(photo: _Floats, chosen: NDArray[np.bool_]) -> _Floats:
    mean: _Floats = photo[chosen].mean(axis=0) if chosen.any() else photo.mean(axis=(0, 1))
    return mean


def _resized(both: _Floats, size: tuple[int, int]) -> _Floats:
    """OpenCV resizes at most four channels at once."""
    parts = [
        cv2.resize(both[..., at : at + 3], size, interpolation=cv2.INTER_LINEAR) for at in (0, 3)
    ]
    shaped = [part.reshape(size[1], size[0], 3) for part in parts]
    return np.concatenate(shaped, axis=-1, dtype=np.float32)


def _relaxed(photo: _Floats, alpha: _Floats, both: _Floats, rounds: int) -> _Floats:
    """Move each pixel's two colours towards their neighbours' and its own equation, some times."""
    across = (_SMOOTH + _EDGE * np.abs(np.diff(alpha, axis=1)))[..., None]
    down = (_SMOOTH + _EDGE * np.abs(np.diff(alpha, axis=0)))[..., None]
    weight = np.zeros((*alpha.shape, 1), np.float32)
    _add_neighbours(weight, np.ones_like(weight), across, down)
    weight = np.maximum(weight, np.float32(_SMOOTH))  # a single pixel has no neighbours
    share = alpha[..., None]
    rest = 1 - share
    pull = 1 / (weight + share * share + rest * rest)
    for _ in range(rounds):
        mean = np.zeros_like(both)
        _add_neighbours(mean, both, across, down)
        mean /= weight
        missing = photo - share * mean[..., :3]
        missing -= rest * mean[..., 3:]
        missing *= pull
        mean[..., :3] += share * missing
        mean[..., 3:] += rest * missing
        both = np.clip(mean, 0, 255, out=mean)
    return both


def _add_neighbours(total: _Floats, values: _Floats, across: _Floats, down: _Floats) -> None:
    """Add to each pixel its four neighbours' values by the weights of the edges between them."""
    total[:, 1:] += across * values[:, :-1]
    total[:, :-1] += across * values[:, 1:]
    total[1:] += down * values[:-1]
    total[:-1] += down * values[1:]


def _bytes(colours: _Floats) -> Pixels:
    return np.ascontiguousarray(np.clip(colours + 0.5, 0, 255)).astype(np.uint8)
