"""Draws the subject's shadow, which the background then lies under."""

from __future__ import annotations

import numpy as np
from PIL import Image

from darkroom.backdrop_options import shadow_of
from functions.process.engine.enlarge import widened
from functions.process.engine.geometry import reduced
from functions.process.engine.pipeline_state import PipelineState, Tools
from functions.process.engine.shadows import shadow
from functions.process.engine.steps.trim import visible_alpha

_SIDE = 800
"""The longer side of the copy on which the shadow is drawn: it has no fine detail."""


def cast_shadow(state: PipelineState, tools: Tools) -> None:
    options = shadow_of(state.options.shadow)
    if options is None:
        return
    alpha = visible_alpha(state, tools.strips)
    if alpha is None:
        return
    size = reduced(state.image.size, max(1.0, max(state.image.size) / _SIDE))
    small = Image.fromarray(np.ascontiguousarray(alpha)).resize(size, Image.Resampling.BOX)
    state.shadow = widened(Image.fromarray(shadow(np.asarray(small), options)), state.image.width)
