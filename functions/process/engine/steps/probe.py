"""What is this file, how large is it, and is it safe to decode?"""

from __future__ import annotations

from darkroom.errors import FileError
from darkroom.limits import Limits, photo_too_large
from functions.process.engine.pipeline_state import PipelineState, Tools
from functions.process.engine.structure import parse


def probe(state: PipelineState, tools: Tools) -> None:
    if len(state.photo) > tools.limits.photo_bytes:
        raise photo_too_large(tools.limits)
    state.file = parse(state.photo)
    if state.file.size:
        check_size(state.file.size, tools.limits)
    if state.file.frames:
        state.warn("first_frame", "This file holds several pictures; only the first is used.")


def check_size(size: tuple[int, int], limits: Limits) -> None:
    """Raises FileError (`too_many_pixels`)."""
    if size[0] * size[1] > limits.photo_pixels:
        raise FileError(
            "too_many_pixels",
            f"This photo is {size[0]} x {size[1]} pixels; at most {limits.photo_pixels / 1e6:g} "
            "million pixels are allowed.",
        )
