"""Generated scenes whose mask is known: shapes of many kinds before many backgrounds.

Each scene follows from its seed. A scene has one to three shapes: blobs, ellipses, boxes, stars and
rods, from a two-hundredth of the picture to more than half, some of them cut by its border. They
are filled with photographs of scikit-image, soft colours or gradients, with light from one side and
a shadow, and mixed with up to seven tenths of their background, so that some are plain to see and
others can hardly be told from it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
SIDE = 480


class Scene(NamedTuple):
    """photo: (SIDE, SIDE, 3). mask: (SIDE, SIDE), 0 or 255."""

    photo: Pixels
    mask: Pixels


def scene(seed: int) -> Scene:
    random = np.random.default_rng(seed)
    behind = _filling(random)
    photo, mask = behind.astype(np.float32), np.zeros((SIDE, SIDE), np.float32)
    blend = random.choice([0.0, 0.0, 0.2, 0.45, 0.7])
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        shape = _shape(random)
        filling = _filling(random) * (1 - blend) + behind * blend
        light = 0.7 + 0.6 * _ramp(random)
        shadow = cv2.GaussianBlur(np.roll(shape, (12, 8), (0, 1)), (0, 0), 9)[..., None]
        photo *= 1 - 0.4 * shadow * (1 - shape[..., None])
        soft = cv2.GaussianBlur(shape, (0, 0), 0.8)[..., None]
        photo = photo * (1 - soft) + filling * light[..., None] * soft
        mask = np.maximum(mask, shape)
    noise = random.normal(0, random.uniform(0, 6), photo.shape)
    return Scene(
        np.clip(photo + noise, 0, 255).astype(np.uint8), np.asarray(mask > 0.5, np.uint8) * 255
    )


def _shape(random: np.random.Generator) -> NDArray[Any]:
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    size = SIDE * random.choice([0.06, 0.12, 0.2, 0.28, 0.38])
    middle = random.uniform(0.1, 0.9, 2) * SIDE
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    match random.choice(["blob", "blob", "ellipse", "box", "star", "rod"]):
        case "blob":
            waves = sum(
                random.uniform(0, 0.3) / n * np.cos(n * angles + random.uniform(0, 6))
                for n in range(2, 7)
            )
            radii = size * (1 + waves)
        case "star":
            radii = size * np.where(np.arange(60) // 6 % 2, 0.45, 1.0)
        case kind:
            ratio = {"ellipse": 0.6, "box": 0.8, "rod": 0.12}[str(kind)]
            box = (tuple(middle), (2 * size, 2 * size * ratio), random.uniform(0, 180))
            if kind == "ellipse":
                cv2.ellipse(canvas, box, 255, -1)  # type: ignore[call-overload]
            else:
                cv2.fillPoly(canvas, [np.asarray(cv2.boxPoints(box), np.int32)], 255)  # type: ignore[arg-type]
            return canvas / np.float32(255)
    points = middle + radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    cv2.fillPoly(canvas, [points.astype(np.int32)], 255)
    return canvas / np.float32(255)


def _filling(random: np.random.Generator) -> NDArray[Any]:
    kind = random.choice(["photograph", "photograph", "soft", "plain"])
    if kind == "photograph":
        names = ("astronaut", "coffee", "chelsea", "rocket")
        picture = np.asarray(getattr(skimage.data, str(random.choice(names)))())
        part = int(random.integers(120, min(picture.shape[:2])))
        top, left = (int(random.integers(0, length - part + 1)) for length in picture.shape[:2])
        crop = picture[top : top + part, left : left + part]
        return np.asarray(cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.float32)
    cells = 4 if kind == "soft" else 1
    colours = random.uniform(20, 235, (cells, cells, 3)).astype(np.float32)
    return np.asarray(cv2.resize(colours, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.float32)


def _ramp(random: np.random.Generator) -> NDArray[Any]:
    """From 0 to 1 in some direction."""
    angle = random.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-0.5 : 0.5 : SIDE * 1j, -0.5 : 0.5 : SIDE * 1j]
    return np.asarray(np.clip(x * np.cos(angle) + y * np.sin(angle) + 0.5, 0, 1), np.float32)
