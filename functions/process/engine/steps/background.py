"""A colour behind the cut-out."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageColor

from functions.process.engine import compose
from functions.process.engine.strips import Strips
from functions.process.engine.work import Tools, Work


def paint_background(work: Work, tools: Tools) -> None:
    """Blends the photo itself, not its darkened cut-out, so that no fringe is left."""
    if work.options.output == "mask" or not _transparent(work):
        return
    colour = work.options.background
    if colour is None:
        if work.options.format != "jpeg":
            return
        colour = "#FFFFFF"
        work.warn("flattened", "JPEG has no transparency; the photo was put on white.")
    _paint(work, ImageColor.getcolor(colour, "RGBA"), tools.strips)


def _transparent(work: Work) -> bool:
    return work.cut or work.image.mode == "RGBA"


def _paint(work: Work, colour: int | tuple[int, ...], strips: Strips) -> None:
    opaque = isinstance(colour, tuple) and colour[3] == 255
    painted = Image.new("RGB" if opaque else "RGBA", work.image.size)

    def strip(top: int, bottom: int) -> None:
        part = work.image.crop((0, top, work.image.width, bottom))
        if work.cut:
            part.putalpha(Image.fromarray(np.ascontiguousarray(compose.alpha(work, top, bottom))))
        under = Image.new("RGBA", part.size, colour)
        over = Image.alpha_composite(under, part)
        painted.paste(over.convert("RGB") if opaque else over, (0, top))

    list(strips.map(painted.height, painted.width * 16, strip))
    work.image, work.mask, work.alpha = painted, None, None
