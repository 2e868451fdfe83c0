"""Reduces the result's longer side to `max_side`. Smaller results are not enlarged."""

from __future__ import annotations

import numpy as np
from PIL import Image

from functions.process.engine.pipeline_state import PipelineState, Tools
from functions.process.engine.unmixing import stretch

# Pillow first averages whole pixels down to this multiple of the size, then applies the filter.
_GAP = 3.0


def shrink(state: PipelineState, tools: Tools) -> None:
    limit = state.options.max_side
    width, height = state.image.size
    # With a canvas, the limit is that of the canvas.
    if limit is None or max(width, height) <= limit or state.options.canvas is not None:
        return
    scale = limit / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    alpha = state.full_alpha(tools.strips)
    state.moved(stretch(width / size[0], height / size[1]))
    state.image = state.image.resize(size, Image.Resampling.LANCZOS, reducing_gap=_GAP)
    if alpha is not None:
        plane = Image.fromarray(np.ascontiguousarray(alpha))
        state.alpha = np.asarray(plane.resize(size, Image.Resampling.LANCZOS, reducing_gap=_GAP))
