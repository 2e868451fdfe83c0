"""Combines photo and alpha into the result's pixels, one strip of rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np

from functions.process.engine import enlarge
from functions.process.engine.pipeline_state import PipelineState, Plane, plane

_GAP = 32
"""Runs of columns that are closer together than this are treated as one."""
_LONGEST_RUN = 8192
"""Columns that are separated at once, in floats. A photo may be millions of pixels wide."""

Rows = Callable[[int, int], Plane]
"""`rows(top, bottom)` returns an array (bottom - top, width, channels): grey, RGB or RGBA."""


def rows(state: PipelineState) -> tuple[Rows, int]:
    """Return a function for the result's rows, and its channels: 1 for a mask, otherwise 3 or 4."""
    if not state.cut:
        return lambda top, bottom: pixels(state, top, bottom), len(state.image.getbands())
    if state.options.output == "mask":
        return lambda top, bottom: alpha(state, top, bottom)[..., None], 1
    if state.colours or state.unmixed:
        return lambda top, bottom: straight(state, top, bottom), 4
    return lambda top, bottom: _premultiplied(state, top, bottom), 4


def pixels(state: PipelineState, top: int, bottom: int, columns: slice | None = None) -> Plane:
    """The rows of the photo, RGB or RGBA; only `columns` of them, unless None."""
    left, right = (columns.start, columns.stop) if columns else (0, state.image.width)
    return np.asarray(state.image.crop((left, top, right, bottom)))


def alpha(state: PipelineState, top: int, bottom: int) -> Plane:
    """The result's alpha: the subject's alpha multiplied by the photo's own."""
    subject = _subject(state, top, bottom)
    if state.image.mode != "RGBA":
        return subject
    own = np.asarray(state.image.getchannel("A").crop((0, top, state.image.width, bottom)))
    return plane(cv2.multiply(subject, own, scale=1 / 255))


def _subject(state: PipelineState, top: int, bottom: int, columns: slice | None = None) -> Plane:
    """The subject's alpha; enlarged from the mask unless a step has made the full alpha."""
    if state.alpha is not None:
        part = state.alpha[top:bottom]
        return np.ascontiguousarray(part[:, columns] if columns else part)
    if state.mask is None:
        raise RuntimeError("no background is removed from this photo")
    return enlarge.rows(state.mask, state.image.height, top, bottom, columns)


def _visible(state: PipelineState, top: int, bottom: int) -> slice:
    """The columns outside which the subject's alpha is zero in all of these rows."""
    if state.mask is None:
        return slice(0, state.image.width)
    return enlarge.visible(state.mask, state.image.height, top, bottom)


def _premultiplied(state: PipelineState, top: int, bottom: int) -> Plane:
    """rembg's `naive_cutout`, bit for bit: all four channels are multiplied by the mask.

    As with rembg, colours darken towards transparent edges; the other edges avoid this.
    Removed pixels become zero, which keeps the file small.
    """
    result = np.zeros((bottom - top, state.image.width, 4), np.uint8)
    columns = _visible(state, top, bottom)
    if columns.start < columns.stop:
        photo = pixels(state, top, bottom, columns)
        if photo.shape[2] == 3:
            photo = plane(cv2.cvtColor(photo, cv2.COLOR_RGB2RGBA))
        factors = cv2.merge([_subject(state, top, bottom, columns)] * 4)
        cv2.multiply(photo, factors, dst=result[:, columns], scale=1 / 255)
    return result


def straight(state: PipelineState, top: int, bottom: int) -> Plane:
    """The rows of the cutout, RGBA with the subject's own colours; removed pixels are zero.

    `edges: clean` separates the colours here, where they are mixed.
    """
    result = np.zeros((bottom - top, state.image.width, 4), np.uint8)
    columns = _visible(state, top, bottom)
    if columns.start == columns.stop:
        return result
    photo = pixels(state, top, bottom, columns)
    visible = subject = _subject(state, top, bottom, columns)
    if photo.shape[2] == 4:
        visible = plane(cv2.multiply(subject, np.ascontiguousarray(photo[..., 3]), scale=1 / 255))
    cutout = cv2.merge([*cv2.split(photo)[:3], visible])
    if state.colours is not None:
        for run in _mixed(subject):
            cutout[:, run, :3] = state.colours.subject_at(
                photo[:, run, :3], subject[:, run], columns.start + run.start, top
            )
    result[:, columns] = cv2.copyTo(cutout, visible)
    return result


def _mixed(alpha: Plane) -> Iterator[slice]:
    """Runs of columns in which some pixel is neither transparent nor opaque."""
    # One more, modulo 256: transparent and opaque pixels alone become less than 2.
    mixed = np.flatnonzero((alpha + np.uint8(1)).max(axis=0) > 1)
    for run in np.split(mixed, np.flatnonzero(np.diff(mixed) > _GAP) + 1):
        if len(run):
            for left in range(int(run[0]), int(run[-1]) + 1, _LONGEST_RUN):
                yield slice(left, min(left + _LONGEST_RUN, int(run[-1]) + 1))
