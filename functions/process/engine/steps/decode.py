"""Decodes the first image of the file, with the one decoder that matches its bytes."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pi_heif
from PIL import Image, UnidentifiedImageError

from darkroom.errors import FileError
from functions.process.engine.pipeline_state import PipelineState, Tools
from functions.process.engine.steps.probe import check_size
from functions.process.engine.structure.image_file import damaged

pi_heif.register_heif_opener(thumbnails=False)
# `check_size` is stricter than Pillow's own guard, and raises an error instead of warning.
Image.MAX_IMAGE_PIXELS = None

T = TypeVar("T")


def decode(state: PipelineState, tools: Tools) -> None:
    file = state.file
    if file is None:
        raise RuntimeError("`probe` comes first")
    image = guarded(file.decoder, lambda: Image.open(io.BytesIO(file.data), formats=[file.decoder]))
    check_size(image.size, tools.limits)
    guarded(file.decoder, image.load)
    state.image = image
    # Free the bytes, which are no longer needed.
    state.file = replace(file, data=b"")


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
