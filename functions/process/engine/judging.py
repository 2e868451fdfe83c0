"""Judges a cutout by its mask: how sure the model is, and what may be wrong with it.

The strongest sign is the width of the edge. A model that knows where a subject ends draws an edge
one pixel wide in its own mask; where it is unsure, alpha fades over many pixels.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

SOLID: Final = 128
_EDGE, _POWER = 2.4, 2.5
"""The width of an edge, in pixels of a mask of 320, at which the score is a half, and how fast it
falls. Chosen on scenes with other seeds than `make bench-quality` uses."""
_SIDE = 320
_SMALL, _THIN = 0.005, 0.012
"""The subject's share of the picture, and its greatest thickness in parts of the picture's side."""
_SECOND = 0.15
"""A second subject has at least this part of the largest one's area."""
_CUT = 0.02
"""The share of the picture's border that lies in the subject."""

_FACTORS: Final = {
    "several_subjects": 0.9,
    "cut_by_border": 0.97,
    "very_small": 0.8,
    "very_thin": 0.8,
    "no_face": 0.5,
    "unsure_face": 0.6,
}


class Confidence(NamedTuple):
    """score: 0 to 1. reasons: codes of `darkroom.confidence.REASONS`, the weightiest first."""

    score: float
    reasons: tuple[str, ...]


def judge(
    mask: Image.Image | None, *, face_missing: bool = False, face_unsure: bool = False
) -> Confidence | None:
    """Judge a cutout, a crop to a face, or both. None if there is nothing to judge.

    mask: of the model, as it came from there; None if no background is removed. face_missing,
    face_unsure: whether the photo was to be cropped to a face, and none was found, or perhaps none.
    """
    faces = ["no_face"] * face_missing + ["unsure_face"] * face_unsure
    if mask is None:
        return _with(1.0, faces) if faces else None
    small = mask if max(mask.size) <= _SIDE else mask.resize((_SIDE, _SIDE), Image.Resampling.BOX)
    alpha = np.asarray(small)
    solid = (alpha >= SOLID).astype(np.uint8)
    if not solid.any():
        return Confidence(0.0, ("nothing_found", *faces))
    score = 1 / (1 + (_edge_width(alpha, solid) / _EDGE) ** _POWER)
    reasons = ["uncertain_edges"] if score < 0.5 else []
    return _with(score, [*reasons, *faces, *_shape(solid)])


def _with(score: float, reasons: list[str]) -> Confidence:
    for reason in reasons:
        score *= _FACTORS.get(reason, 1.0)
    return Confidence(score, tuple(reasons))


def _edge_width(alpha: NDArray[np.uint8], solid: NDArray[np.uint8]) -> float:
    """The half-transparent area for each pixel of the subject's outline, at 320 pixels a side."""
    outlines, _ = cv2.findContours(solid, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    length = sum(cv2.arcLength(outline, closed=True) for outline in outlines)
    mixed = 2 * np.minimum(alpha, 255 - alpha).sum(dtype=np.int64) / 255
    return float(mixed / max(length, 1.0) * _SIDE / max(alpha.shape))


def _shape(solid: NDArray[np.uint8]) -> list[str]:
    """What the subject's shape tells."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(solid)
    areas = sorted(stats[1:, cv2.CC_STAT_AREA], reverse=True)
    border = np.concatenate([solid[0], solid[-1], solid[:, 0], solid[:, -1]])
    thickness = cv2.distanceTransform(cv2.copyMakeBorder(solid, 1, 1, 1, 1, 0), cv2.DIST_L2, 3)
    signs = {
        "several_subjects": len(areas) > 1 and areas[1] >= _SECOND * areas[0],
        "cut_by_border": border.mean() >= _CUT,
        "very_small": solid.mean() < _SMALL,
        "very_thin": thickness.max() < _THIN * max(solid.shape),
    }
    return [code for code, is_so in signs.items() if is_so]
