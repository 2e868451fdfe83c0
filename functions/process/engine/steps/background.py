"""Places the cutout on a background colour."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageColor

from functions.process.engine import compose
from functions.process.engine.pipeline_state import PipelineState, Tools
from functions.process.engine.strips import Strips


def paint_background(state: PipelineState, tools: Tools) -> None:
    """Put the subject on the colour.

    With plain edges, the photo itself is blended, because its cutout is darkened at the edge.
    """
    if state.options.output == "mask" or not _transparent(state):
        return
    colour = state.options.background
    if colour is None:
        if state.options.format != "jpeg":
            return
        colour = "#FFFFFF"
        state.warn(
            "flattened",
            "JPEG has no transparency, so the photo was put on white; choose png to keep it.",
        )
    _paint(state, ImageColor.getcolor(colour, "RGBA"), tools.strips)


def _transparent(state: PipelineState) -> bool:
    return state.cut or state.image.mode == "RGBA"


def _paint(state: PipelineState, colour: int | tuple[int, ...], strips: Strips) -> None:
    opaque = isinstance(colour, tuple) and colour[3] == 255
    painted = Image.new("RGB" if opaque else "RGBA", state.image.size)

    def strip(top: int, bottom: int) -> None:
        if state.colours is not None:
            part = Image.fromarray(compose.straight(state, top, bottom))
        else:
            part = state.image.crop((0, top, state.image.width, bottom))
            if state.cut:
                alpha = np.ascontiguousarray(compose.alpha(state, top, bottom))
                part.putalpha(Image.fromarray(alpha))
        under = Image.new("RGBA", part.size, colour)
        over = Image.alpha_composite(under, part)
        painted.paste(over.convert("RGB") if opaque else over, (0, top))

    list(strips.map(painted.height, painted.width * 16, strip))
    state.image, state.mask, state.alpha, state.colours = painted, None, None, None
