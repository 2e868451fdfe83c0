"""Decodes the first image of the file, with the one decoder that matches its bytes."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pi_heif
from PIL import Image, UnidentifiedImageError

from darkroom.errors import FileError
from functions.process.engine.pipeline_state import PipelineState, Tools
from functions.process.engine.steps.probe import check_size
from functions.process.engine.structure.image_file import ImageFile, damaged

pi_heif.register_heif_opener(thumbnails=False)
# `check_size` is stricter than Pillow's own guard, and raises an error instead of warning.
Image.MAX_IMAGE_PIXELS = None

T = TypeVar("T")
_END = b"\xff\xd9"
_SALVAGED = 0.5
"""The least share of a damaged photo's rows that must be readable."""


def decode(state: PipelineState, tools: Tools) -> None:
    file = state.file
    if file is None:
        raise RuntimeError("`probe` comes first")
    image = _opened(file)
    check_size(image.size, tools.limits)
    try:
        guarded(file.decoder, image.load)
    except FileError as error:
        if not state.options.salvage or file.decoder != "JPEG" or error.code != "damaged_photo":
            raise
        image = _salvaged(state, file)
    state.image = image
    # Free the bytes, which are no longer needed.
    state.file = replace(file, data=b"")


def _opened(file: ImageFile) -> Image.Image:
    return guarded(file.decoder, lambda: Image.open(io.BytesIO(file.data), formats=[file.decoder]))


def _salvaged(state: PipelineState, file: ImageFile) -> Image.Image:
    """Decode what can be read of a JPEG. Raises FileError if that is less than half.

    At an end that comes too early, libjpeg fills the rest with the last colour. (Pillow's switch
    for truncated images does the same, but for all threads.)
    """
    image = _opened(replace(file, data=file.data.removesuffix(_END) + _END))
    guarded(file.decoder, image.load)
    share = 1 - _filled(image) / image.height
    if share < _SALVAGED:
        raise damaged(f"only {share:.0%} of it can be read")
    state.warn(
        "salvaged",
        f"The file is damaged: the upper {share:.0%} were read, and the rest has one colour; "
        "upload an undamaged copy if there is one.",
    )
    return image


def _filled(image: Image.Image) -> int:
    """The number of rows at the bottom that have the colour of the last pixel alone."""
    pixels = np.asarray(image).reshape(image.height, image.width, -1)
    other = (pixels != pixels[-1, -1]).any(axis=(1, 2))
    return image.height - int(np.flatnonzero(other)[-1]) - 1 if other.any() else image.height


def guarded(decoder: str, read: Callable[[], T]) -> T:
    """Call `read`, and turn any exception that a decoder raises into a FileError."""
    try:
        return read()
    except MemoryError as error:
        raise FileError(
            "too_many_pixels",
            "Decoding the photo needs more memory than is available; upload a smaller copy.",
        ) from error
    except UnidentifiedImageError as error:
        raise damaged(f"its {decoder} header cannot be read") from error
    except Exception as error:
        reason = str(error).split("\n")[0].rstrip(".")[:120] or type(error).__name__
        raise damaged(reason) from error
