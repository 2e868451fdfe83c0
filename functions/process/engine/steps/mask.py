"""What is subject: rembg's model on the photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from darkroom.errors import FileError
from functions.process.engine.enlarge import widened
from functions.process.engine.pipeline_state import PipelineState, Tools
from functions.process.engine.strips import Strips

if TYPE_CHECKING:
    from rembg.sessions.base import BaseSession


def make_mask(state: PipelineState, tools: Tools) -> None:
    if not state.options.remove_bg:
        return
    if state.options.model is None:
        raise FileError("unknown_model", "No model was chosen to remove the background with.")
    session = tools.models.session(state.options.model)
    # rembg's `predict` scales the photo to the model's input and the mask back to the photo, on
    # one core and with the photo's transparency dropped. It gets a photo that has the right size
    # already, so that both scalings, by the same filter, can be ours, in strips.
    size = _input_size(session)
    photo = state.image if state.image.mode == "RGB" else state.image.convert("RGB")
    small = _scaled(photo, size, tools.strips) if size else photo
    with tools.turn, np.errstate(invalid="ignore", divide="ignore"):
        mask = session.predict(small)[0]
    state.mask = widened(mask, state.image.width)


def _input_size(session: BaseSession) -> tuple[int, int] | None:
    """(width, height) that the model wants, None where its file leaves it open."""
    height, width = session.inner_session.get_inputs()[0].shape[2:]
    if isinstance(height, int) and isinstance(width, int):
        return width, height
    return None


def _scaled(photo: Image.Image, size: tuple[int, int], strips: Strips) -> Image.Image:
    """Exactly `photo.resize(size, LANCZOS)`, one strip a core.

    Cheaper ways (averaging whole pixels first, a JPEG decoded at a quarter) are not: on photos
    whose subject the model is unsure of, they move up to a tenth of the mask by over 4/255.
    """
    width, height = size
    result = Image.new("RGB", size)
    scale = photo.height / height

    def strip(top: int, bottom: int) -> None:
        part = photo.resize(
            (width, bottom - top),
            Image.Resampling.LANCZOS,
            box=(0, top * scale, photo.width, bottom * scale),
        )
        result.paste(part, (0, top))

    strips.one_per_core(height, strip)
    return result
