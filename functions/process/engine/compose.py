"""Photo and alpha put together, a strip of rows at a time, just before they are written."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from functions.process.engine import enlarge
from functions.process.engine.pipeline_state import PipelineState, Plane, plane

Rows = Callable[[int, int], Plane]
"""`rows(top, bottom)`: pixels (bottom - top, width, channels), 1 grey, 3 RGB or 4 RGBA."""


def rows(state: PipelineState) -> tuple[Rows, int]:
    """The result's rows and its channels: 1 for a mask, 3 or 4 for a picture."""
    if not state.cut:
        return lambda top, bottom: pixels(state, top, bottom), len(state.image.getbands())
    if state.options.output == "mask":
        return lambda top, bottom: alpha(state, top, bottom)[..., None], 1
    if state.unmixed:
        return lambda top, bottom: _straight(state, top, bottom), 4
    return lambda top, bottom: _faded(state, top, bottom), 4


def pixels(state: PipelineState, top: int, bottom: int) -> Plane:
    """The photo's own rows, RGB or RGBA."""
    return np.asarray(state.image.crop((0, top, state.image.width, bottom)))


def alpha(state: PipelineState, top: int, bottom: int) -> Plane:
    """How opaque the result is: what the model says, times the photo's own transparency."""
    subject = _subject(state, top, bottom)
    if state.image.mode != "RGBA":
        return subject
    own = np.asarray(state.image.getchannel("A").crop((0, top, state.image.width, bottom)))
    return plane(cv2.multiply(subject, own, scale=1 / 255))


def _subject(state: PipelineState, top: int, bottom: int) -> Plane:
    """What the model says: from the mask, where no step has needed the whole alpha."""
    if state.alpha is not None:
        return np.ascontiguousarray(state.alpha[top:bottom])
    if state.mask is None:
        raise RuntimeError("no background is removed from this photo")
    return enlarge.rows(state.mask, state.image.height, top, bottom)


def _faded(state: PipelineState, top: int, bottom: int) -> Plane:
    """rembg's `naive_cutout`: all four channels fade out with the mask, to the bit.

    Colours darken towards transparent edges, as rembg users know it (`decontaminate` is the
    remedy), and what is cut away leaves no trace in the file, which keeps it small.
    """
    photo = pixels(state, top, bottom)
    if photo.shape[2] == 3:
        photo = plane(cv2.cvtColor(photo, cv2.COLOR_RGB2RGBA))
    faded = cv2.merge([_subject(state, top, bottom)] * 4)
    return plane(cv2.multiply(photo, faded, scale=1 / 255))


def _straight(state: PipelineState, top: int, bottom: int) -> Plane:
    """Colours as they are, and nothing at all where nothing is to be seen."""
    visible = alpha(state, top, bottom)
    result = np.dstack([pixels(state, top, bottom)[..., :3], visible])
    result[visible == 0] = 0
    return result
