"""Identifies the file, and checks its size and structure before decoding."""

from __future__ import annotations

from darkroom.errors import FileError
from darkroom.limits import Limits, photo_too_large
from functions.process.engine.pipeline_state import PipelineState, Tools
from functions.process.engine.structure import parse


def probe(state: PipelineState, tools: Tools) -> None:
    if len(state.photo) > tools.limits.photo_bytes:
        raise photo_too_large(tools.limits)
    state.file = parse(state.photo, salvage=state.options.salvage)
    if state.file.size:
        check_size(state.file.size, tools.limits)
    if state.file.frames:
        state.warn(
            "first_frame",
            "The file contains several images, of which only the first was processed; "
            "upload the others as files of their own.",
        )


def check_size(size: tuple[int, int], limits: Limits) -> None:
    """Raises FileError (`too_many_pixels`)."""
    if size[0] * size[1] > limits.photo_pixels:
        raise FileError(
            "too_many_pixels",
            f"The photo has {size[0]} x {size[1]} pixels, over the limit of "
            f"{limits.photo_pixels / 1e6:g} million; upload a smaller copy.",
        )
