"""Composites whose subject, background and alpha are known, for the fringe at the subject's edge.

Each alpha is drawn by this module, with a seed: at twice the size where its lines are finer than a
pixel, then averaged.

    hair     a head with 250 curved hairs, one or two pixels wide and of any strength
    fur      the same with 1,800 short ones
    glass    a pane that lets a third to nine tenths through, in a frame
    net      a mesh of lines 1.5 pixels wide
    motion   a disc that moved by an eighth of the picture
    model    hairs that were reduced to the 320 pixels of a model's mask, and enlarged again

Subject and background are photographs of scikit-image, or soft colours with some noise. The photo
is their mixture, rounded to 8 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
MASK_SIDE = 320


class Scene(NamedTuple):
    """photo, subject: (side, side, 3). alpha: (side, side)."""

    name: str
    photo: Pixels
    subject: Pixels
    alpha: Pixels


def scenes(side: int, seeds: range) -> Iterator[Scene]:
    """Every matte, with each of the seeds."""
    photographs = [getattr(skimage.data, n)() for n in ("astronaut", "coffee", "chelsea", "rocket")]
    for name, matte in MATTES.items():
        for seed in seeds:
            random = np.random.default_rng(seed)
            alpha = matte(side, random)
            plain = seed % 3
            subject = _soft(side, random) if plain == 0 else _crop(photographs, side, random)
            behind = _soft(side, random) if plain == 1 else _crop(photographs, side, random)
            share = alpha[..., None] / 255
            photo = np.rint(share * subject + (1 - share) * behind).astype(np.uint8)
            yield Scene(name, photo, subject, alpha)


def _crop(photographs: list[Any], side: int, random: np.random.Generator) -> Pixels:
    photograph = photographs[random.integers(len(photographs))]
    height, width = photograph.shape[:2]
    part = min(height, width, side)
    top, left = random.integers(height - part + 1), random.integers(width - part + 1)
    crop = photograph[top : top + part, left : left + part]
    return np.asarray(cv2.resize(crop, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)


def _soft(side: int, random: np.random.Generator) -> Pixels:
    coarse = random.uniform(0, 255, (4, 4, 3)).astype(np.float32)
    colours = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.clip(colours + random.normal(0, 6, colours.shape), 0, 255).astype(np.uint8)


def _head(side: int, random: np.random.Generator, count: int = 250, length: float = 0.35) -> Pixels:
    canvas = np.zeros((2 * side, 2 * side), np.uint8)
    cv2.circle(canvas, (side, side), side // 2, 255, -1, cv2.LINE_AA)
    for _ in range(count):
        angle = random.uniform(0, 2 * np.pi)
        point = np.array([side, side]) + 0.48 * side * np.array([np.cos(angle), np.sin(angle)])
        points, angle = [point], random.normal(angle, 0.5)
        for _ in range(12):
            angle += random.normal(0, 0.18)
            point = point + np.array([np.cos(angle), np.sin(angle)]) * side * length / 8
            points.append(point)
        strength, width = int(random.integers(120, 256)), int(random.integers(1, 3))
        line = np.array(points).astype(np.int32)
        cv2.polylines(canvas, [line], False, strength, width, cv2.LINE_AA)
    return _halved(canvas)


def _fur(side: int, random: np.random.Generator) -> Pixels:
    return _head(side, random, 1800, 0.12)


def _glass(side: int, random: np.random.Generator) -> Pixels:
    corners = (side // 4, side // 6), (3 * side // 4, 5 * side // 6)
    pane = cv2.rectangle(np.zeros((side, side), np.float32), *corners, 0.35, -1)
    pane = cv2.GaussianBlur(pane, (0, 0), 3)
    pane = cv2.rectangle(pane, *corners, 0.9, max(1, side // 50), cv2.LINE_AA)
    coarse = random.uniform(0, 0.5, (6, 6)).astype(np.float32)
    reflections = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    glass = np.where(pane > 0.01, np.clip(pane + reflections * (pane > 0.2), 0, 1), pane)
    return np.asarray(glass * 255, np.uint8)


def _net(side: int, _random: np.random.Generator) -> Pixels:
    canvas = np.zeros((2 * side, 2 * side), np.uint8)
    for start in range(-2 * side, 2 * side, side // 14):
        for left, right in ((start, start + 2 * side), (start + 2 * side, start)):
            cv2.line(canvas, (left, 0), (right, 2 * side), 255, 3, cv2.LINE_AA)
    disc = cv2.circle(np.zeros_like(canvas), (side, side), 4 * side // 5, 255, -1)
    return _halved(cv2.bitwise_and(canvas, disc))


def _motion(side: int, _random: np.random.Generator) -> Pixels:
    middle = side // 2, side // 2
    disc = cv2.circle(np.zeros((side, side), np.float32), middle, side // 4, 1, -1, cv2.LINE_AA)
    way = side // 8 | 1
    path = np.zeros((way, way), np.float32)
    path[way // 2] = 1 / way
    return np.asarray(np.clip(cv2.filter2D(disc, -1, path), 0, 1) * 255, np.uint8)


def _model(side: int, random: np.random.Generator) -> Pixels:
    fine = _head(side, random, 60)
    mask = cv2.resize(fine, (MASK_SIDE, MASK_SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(mask, (side, side), interpolation=cv2.INTER_LANCZOS4), np.uint8)


def _halved(canvas: Any) -> Pixels:
    half = canvas.shape[1] // 2, canvas.shape[0] // 2
    return np.asarray(cv2.resize(canvas, half, interpolation=cv2.INTER_AREA), np.uint8)


MATTES: dict[str, Callable[[int, np.random.Generator], Pixels]] = {
    "hair": _head,
    "fur": _fur,
    "glass": _glass,
    "net": _net,
    "motion": _motion,
    "model": _model,
}
