"""Places the subject on a canvas."""

from __future__ import annotations

import numpy as np
from PIL import Image

from functions.process.engine.pipeline_state import PipelineState, Plane, Tools
from functions.process.engine.placing import Placing, placed
from functions.process.engine.steps.trim import subject_box, visible_alpha
from functions.process.engine.strips import Strips
from functions.process.engine.unmixing import shift, stretch

_SOLID = 128
_CUT = 0.1
"""A subject is cut off where more than this part of its side is solid on the photo's edge."""
_FILLED = 1.02
"""A subject is too small for its part of the canvas if it would have to grow by more than this."""


def place_on_canvas(state: PipelineState, tools: Tools) -> None:
    """Move the subject's box to its place. Everything outside the box becomes transparent."""
    options = state.options.canvas
    if options is None:
        return
    visible = visible_alpha(state, tools.strips)
    box = None if visible is None else subject_box(visible)
    if visible is None or box is None:
        state.warn(
            "no_subject",
            "No subject was found, so the canvas is empty; upload a photo with a clear subject.",
        )
        box = (0, 0, *state.image.size)
    elif edges := _cut_off(visible, box):
        state.warn(
            "subject_cut_off",
            f"The photo cuts the subject off ({edges}), which shows on a canvas; upload a photo of "
            "the whole subject, or set canvas.position to put the cut on the canvas's edge.",
        )
    placing = placed(
        options,
        (box[2] - box[0], box[3] - box[1]),
        max_side=state.options.max_side,
        max_pixels=tools.limits.photo_pixels,
    )
    if placing.wanted > _FILLED and not options.upscale:
        state.warn(
            "subject_too_small",
            f"The subject would have to be enlarged {placing.wanted:.1f} times to fill its part of "
            "the canvas; upload a larger photo, or set canvas.upscale.",
        )
    _place(state, box, placing, tools.strips)


def _cut_off(visible: Plane, box: tuple[int, int, int, int]) -> str:
    """The edges of the photo, such as "bottom, left", on which a good part of the subject lies."""
    left, top, right, bottom = box
    lines = {
        "top": (top == 0, visible[0]),
        "right": (right == visible.shape[1], visible[:, -1]),
        "bottom": (bottom == visible.shape[0], visible[-1]),
        "left": (left == 0, visible[:, 0]),
    }
    sides = {"top": right - left, "bottom": right - left}
    return ", ".join(
        name
        for name, (touched, line) in lines.items()
        if touched and np.count_nonzero(line >= _SOLID) > _CUT * sides.get(name, bottom - top)
    )


def _place(
    state: PipelineState, box: tuple[int, int, int, int], placing: Placing, strips: Strips
) -> None:
    photo, alpha = state.image, Image.fromarray(np.ascontiguousarray(state.alpha))
    image = Image.new(photo.mode, placing.canvas)
    visible = Image.new("L", placing.canvas)
    (width, height), corner = placing.size, (placing.left, placing.top)
    down = (box[3] - box[1]) / height

    def strip(top: int, bottom: int) -> None:
        # A strip of the whole: Pillow's filter also sees the pixels around it.
        part = (box[0], box[1] + top * down, box[2], min(box[3], box[1] + bottom * down))
        for source, target in ((photo, image), (alpha, visible)):
            scaled = source.resize((width, bottom - top), Image.Resampling.LANCZOS, box=part)
            target.paste(scaled, (corner[0], corner[1] + top))

    strips.one_per_core(height, strip)
    state.moved(shift(box[0], box[1]))
    state.moved(stretch((box[2] - box[0]) / width, down))
    state.moved(shift(-corner[0], -corner[1]))
    state.image, state.alpha = image, np.asarray(visible)
