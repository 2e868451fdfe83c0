"""Makes the mask of the subject with rembg's model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from darkroom.errors import FileError
from functions.process.engine.enlarge import widened
from functions.process.engine.geometry import reduced
from functions.process.engine.pipeline_state import PipelineState, Tools
from functions.process.engine.strips import Strips
from functions.process.engine.unmixing import EdgeColours, edge_colours

_HAZE = 4
_LEVELS = [round(min(max(0, a - _HAZE) / (255 - 2 * _HAZE), 1) * 255) for a in range(256)]
"""For `edges: clean`. Models leave a haze of very low alpha all over a photo, and holes of almost
full alpha in subjects: both end at 4 of 255, and what lies between is stretched."""
_COLOURS_SIDE = 256
"""The longest side of the copy on which edge colours are estimated."""

if TYPE_CHECKING:
    from rembg.sessions.base import BaseSession


def make_mask(state: PipelineState, tools: Tools) -> None:
    if not state.options.remove_bg:
        return
    if state.options.model is None:
        raise FileError(
            "unknown_model", "Removing the background needs a model; set the option model."
        )
    session = tools.models.session(state.options.model)
    # rembg's `predict` scales the photo to the model's input and the mask back to the photo, on
    # one core. It gets an RGB photo of the input's size instead, so that both scalings run here,
    # with the same filter but in strips.
    size = _input_size(session)
    photo = state.image if state.image.mode == "RGB" else state.image.convert("RGB")
    small = _scaled(photo, size, tools.strips) if size else photo
    with tools.turn, np.errstate(invalid="ignore", divide="ignore"):
        mask = session.predict(small)[0]
    state.judged = mask
    if state.options.edges == "clean":
        mask = mask.point(_LEVELS)
        if state.options.output == "cutout":
            state.colours = _edge_colours(small, mask, state.image.size)
    state.mask = widened(mask, state.image.width)


def _edge_colours(photo: Image.Image, mask: Image.Image, size: tuple[int, int]) -> EdgeColours:
    """Estimate the colours at the edge on the model's own copy of the photo. size: the photo's."""
    small = reduced(photo.size, max(1.0, max(photo.size) / _COLOURS_SIDE))
    box = Image.Resampling.BOX
    return edge_colours(
        np.asarray(photo.resize(small, box)), np.asarray(mask.resize(small, box)), size
    )


def _input_size(session: BaseSession) -> tuple[int, int] | None:
    """The model's input size (width, height); None if the model accepts any size."""
    height, width = session.inner_session.get_inputs()[0].shape[2:]
    if isinstance(height, int) and isinstance(width, int):
        return width, height
    return None


def _scaled(photo: Image.Image, size: tuple[int, int], strips: Strips) -> Image.Image:
    """Resize exactly like `photo.resize(size, LANCZOS)`, with one strip per core.

    Cheaper methods (averaging whole pixels first, decoding a JPEG at a quarter) are inaccurate: on
    photos with an uncertain subject they change up to a tenth of the mask by over 4/255.

    Pillow filters across first, then down; the other way round where that removes many more rows
    than columns. The results differ, because what lies between is rounded to 8 bits.
    """
    width, height = size
    down_first = photo.height - height > 2 * max(0, photo.width - width)
    between = Image.new("RGB", (photo.width, height) if down_first else (width, photo.height))

    def rows(top: int, bottom: int) -> None:
        box = (0, top, photo.width, bottom)
        part = photo.resize((width, bottom - top), Image.Resampling.LANCZOS, box=box)
        between.paste(part, (0, top))

    def columns(left: int, right: int) -> None:
        box = (left, 0, right, photo.height)
        part = photo.resize((right - left, height), Image.Resampling.LANCZOS, box=box)
        between.paste(part, (left, 0))

    if down_first:
        strips.one_per_core(photo.width, columns)
    else:
        strips.one_per_core(photo.height, rows)
    return between.resize(size, Image.Resampling.LANCZOS)
