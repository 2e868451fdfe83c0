"""Turns the image upright, according to its orientation in EXIF or XMP."""

from __future__ import annotations

from PIL.Image import Transpose

from functions.process.engine.pipeline_state import PipelineState, Tools
from functions.process.engine.structure.orientation import from_exif, from_xmp

# The inverse of each orientation. Source: EXIF 2.32, tag 274.
_UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}


def orient(state: PipelineState, _tools: Tools) -> None:
    stored = state.file.orientation if state.file else 1
    if stored == 0:
        info = state.image.info
        stored = from_exif(info.get("exif", b"")) or from_xmp(info.get("xmp", b"")) or 1
    method = _UPRIGHT.get(stored)
    if method is None:
        return
    info = state.image.info
    state.image = state.image.transpose(method)
    state.image.info.update(info)
