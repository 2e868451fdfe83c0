"""Places the cutout, and its shadow, on a colour or a picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageColor

from functions.process.engine import compose, enlarge
from functions.process.engine.pipeline_state import PipelineState, Tools
from functions.process.engine.placing import cover
from functions.process.engine.strips import Strips

_Under = Callable[[int, int], Image.Image]
"""`under(top, bottom)` returns these rows of what lies below the subject, mode RGBA."""


def paint_background(state: PipelineState, tools: Tools) -> None:
    """Put the subject on its shadow and on the background.

    With plain edges, the photo itself is blended, because its cutout is darkened at the edge.
    """
    if state.options.output == "mask" or not _transparent(state):
        return
    if state.backdrop is not None:
        _paint(state, _picture(state.backdrop, state.image.size), "RGB", tools.strips)
        return
    colour = state.options.background
    if colour is None and state.options.format == "jpeg":
        colour = "#FFFFFF"
        state.warn(
            "flattened",
            "JPEG has no transparency, so the photo was put on white; choose png to keep it.",
        )
    if isinstance(colour, str):
        rgba = ImageColor.getcolor(colour, "RGBA")
        opaque = isinstance(rgba, tuple) and rgba[3] == 255
        _paint(state, _flat(rgba, state.image.width), "RGB" if opaque else "RGBA", tools.strips)
    elif state.shadow is not None:
        _paint(state, _flat(0, state.image.width), "RGBA", tools.strips)


def _transparent(state: PipelineState) -> bool:
    return state.cut or state.image.mode == "RGBA"


def _flat(colour: int | tuple[int, ...], width: int) -> _Under:
    return lambda top, bottom: Image.new("RGBA", (width, bottom - top), colour)


def _picture(picture: Image.Image, size: tuple[int, int]) -> _Under:
    """The middle of the picture, scaled to cover `size` (width, height). On white, if it must."""
    left, upper, right, lower = cover(picture.size, size)
    down = (lower - upper) / size[1]

    def under(top: int, bottom: int) -> Image.Image:
        box = (left, upper + top * down, right, min(lower, upper + bottom * down))
        part = picture.resize((size[0], bottom - top), Image.Resampling.BICUBIC, box=box)
        if part.mode == "RGBA":
            return Image.alpha_composite(Image.new("RGBA", part.size, "#FFFFFF"), part)
        return part.convert("RGBA")

    return under


def _paint(state: PipelineState, under: _Under, mode: str, strips: Strips) -> None:
    painted = Image.new(mode, state.image.size)
    bare = state.options.background is None and state.cut and mode == "RGBA"

    def strip(top: int, bottom: int) -> None:
        below = under(top, bottom)
        if state.shadow is not None:
            below = Image.alpha_composite(below, _shadow(state.shadow, painted.height, top, bottom))
        over = Image.alpha_composite(below, _subject(state, top, bottom, bare=bare))
        painted.paste(over.convert(mode), (0, top))

    list(strips.map(painted.height, painted.width * 16, strip))
    state.image, state.mask, state.alpha, state.colours = painted, None, None, None


def _subject(state: PipelineState, top: int, bottom: int, *, bare: bool) -> Image.Image:
    """Rows of the subject, RGBA. bare: as the cutout has them, darkened if its edges are plain."""
    if bare:
        return Image.fromarray(compose.rows(state)[0](top, bottom))
    if state.colours is not None:
        return Image.fromarray(compose.straight(state, top, bottom))
    part = state.image.crop((0, top, state.image.width, bottom))
    if state.cut:
        part.putalpha(Image.fromarray(np.ascontiguousarray(compose.alpha(state, top, bottom))))
    return part


def _shadow(shadow: Image.Image, height: int, top: int, bottom: int) -> Image.Image:
    """Rows of the shadow, black with its alpha."""
    dark = Image.fromarray(enlarge.rows(shadow, height, top, bottom))
    black = Image.new("L", dark.size)
    return Image.merge("RGBA", (black, black, black, dark))
