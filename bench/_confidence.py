"""The confidence score against the error of the mask, on scenes whose truth is known."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from bench._pictures import PHOTOS, photo
from bench._report import Figure
from bench._scenes import scene
from functions.process.engine.judging import judge
from functions.process.models import Models

MODEL = "u2netp"
SEEDS = range(1000, 1080)
"""None of them was used to choose the score's constants (seeds 0 to 119 were)."""


def figures() -> list[Figure]:
    session = Models().session(MODEL)
    scores, errors = [], []
    for seed in SEEDS:
        truth = scene(seed)
        mask = _mask(session, Image.fromarray(truth.photo))
        confidence = judge(mask)
        scores.append(confidence.score if confidence else 0.0)
        errors.append(1 - _overlap(np.asarray(mask), _resized(truth.mask, mask.size)))
    return [
        Figure("confidence: scenes", len(scores), ""),
        Figure("confidence: mean error of the mask", float(np.mean(errors)), "1 - IoU"),
        Figure(
            "confidence: rank correlation of score and error",
            -_rank_correlation(scores, errors),
            "",
            ">= 0.5",
        ),
        _milliseconds(session),
        *_photos(session),
    ]


def _milliseconds(session: Any) -> Figure:
    mask = _mask(session, Image.open(photo(PHOTOS[0], 12)))
    spent = []
    for _ in range(50):
        began = time.perf_counter()
        judge(mask)
        spent.append(1000 * (time.perf_counter() - began))
    return Figure("confidence: time at 12 MP", median(spent), "ms", "<= 5")


def _photos(session: Any) -> list[Figure]:
    """For each photo at hand, the score beside the difference from u2net's mask."""
    larger = Models().session("u2net")
    rows = []
    for name in PHOTOS:
        picture = Image.fromarray(getattr(skimage.data, name)())
        mask, better = (_mask(each, picture) for each in (session, larger))
        confidence = judge(mask)
        difference = 1 - _overlap(np.asarray(mask), np.asarray(better))
        rows += [
            Figure(f"confidence: {name}, score", confidence.score if confidence else 0.0, ""),
            Figure(f"confidence: {name}, difference from u2net", difference, "1 - IoU"),
        ]
    return rows


def _mask(session: Any, picture: Image.Image) -> Image.Image:
    height, width = session.inner_session.get_inputs()[0].shape[2:]
    small = picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    mask: Image.Image = session.predict(small)[0]
    return mask


def _resized(mask: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA))


def _overlap(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Intersection over union of the solid parts; 1 if neither has any."""
    one, other = first >= 128, second >= 128
    union = (one | other).sum()
    return float((one & other).sum() / union) if union else 1.0


def _rank_correlation(first: list[float], second: list[float]) -> float:
    """Spearman's."""
    ranks = [np.argsort(np.argsort(values)).astype(float) for values in (first, second)]
    return float(np.corrcoef(*ranks)[0, 1])
