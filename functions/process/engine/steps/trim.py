"""Crops the image to its subject."""

from __future__ import annotations

import cv2
import numpy as np

from functions.process.engine.pipeline_state import PipelineState, Plane, Tools, plane
from functions.process.engine.strips import Strips

# Models leave very low alpha values all over the image, which are invisible below this one.
_VISIBLE = 16


def trim(state: PipelineState, tools: Tools) -> None:
    """Crop to the subject. `margin` is a fraction of its longer side, clamped to the image."""
    if not state.options.trim:
        return
    visible = visible_alpha(state, tools.strips)
    box = None if visible is None else subject_box(visible)
    if box is None:
        state.warn(
            "no_subject",
            "No subject was found, so the photo was not trimmed; set remove_bg or upload a photo "
            "with a clear subject.",
        )
        return
    left, top, right, bottom = box
    margin = round(state.options.margin * max(right - left, bottom - top))
    width, height = state.image.size
    state.crop(
        max(0, left - margin),
        max(0, top - margin),
        min(width, right + margin),
        min(height, bottom + margin),
    )


def visible_alpha(state: PipelineState, strips: Strips) -> Plane | None:
    """What is visible of the image; None if no part of it is transparent."""
    visible = state.full_alpha(strips)
    if state.image.mode == "RGBA":
        own = np.asarray(state.image.getchannel("A"))
        visible = own if visible is None else plane(cv2.min(visible, own))
    return visible


def subject_box(alpha: Plane) -> tuple[int, int, int, int] | None:
    """The bounding box (left, top, right, bottom) of all visible pixels."""
    visible = alpha >= _VISIBLE
    rows = np.flatnonzero(visible.any(axis=1))
    if not len(rows):
        return None
    columns = np.flatnonzero(visible.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
