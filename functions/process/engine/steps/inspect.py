"""What is this file, how large, and is it safe to decode?"""

from __future__ import annotations

from darkroom.errors import FileError
from functions.process.engine.structure import look
from functions.process.engine.types import Limits
from functions.process.engine.work import Tools, Work


def inspect(work: Work, tools: Tools) -> None:
    limits = tools.limits
    if len(work.photo) > limits.max_bytes:
        raise FileError("too_large", f"This photo is larger than {limits.max_bytes / 1e6:g} MB.")
    work.found = look(work.photo)
    if work.found.size:
        check_size(work.found.size, limits)
    if work.found.frames:
        work.warn("first_frame", "This file holds several pictures; only the first is used.")


def check_size(size: tuple[int, int], limits: Limits) -> None:
    """Raises FileError (`too_many_pixels`)."""
    if size[0] * size[1] > limits.max_pixels:
        raise FileError(
            "too_many_pixels",
            f"This photo is {size[0]} x {size[1]} pixels; at most {limits.max_pixels / 1e6:g} "
            "million pixels are allowed.",
        )
