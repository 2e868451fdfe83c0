"""The file's first picture, by the one decoder that its bytes ask for."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pi_heif
from PIL import Image, UnidentifiedImageError

from darkroom.errors import FileError
from functions.process.engine.steps.inspect import check_size
from functions.process.engine.structure.found import damaged
from functions.process.engine.work import Tools, Work

pi_heif.register_heif_opener(thumbnails=False)
# `check_size` is stricter than Pillow's own guard and answers with a name instead of a warning.
Image.MAX_IMAGE_PIXELS = None

T = TypeVar("T")


def decode(work: Work, tools: Tools) -> None:
    found = work.found
    if found is None:
        raise RuntimeError("`inspect` comes first")
    image = guarded(
        found.decoder, lambda: Image.open(io.BytesIO(found.data), formats=[found.decoder])
    )
    check_size(image.size, tools.limits)
    guarded(found.decoder, image.load)
    work.image = image
    # The file's copy without metadata has done its part.
    work.found = replace(found, data=b"")


def guarded(decoder: str, read: Callable[[], T]) -> T:
    """Decoders raise all kinds of exceptions on damaged files; each becomes `damaged_photo`."""
    try:
        return read()
    except MemoryError as error:
        raise FileError(
            "too_many_pixels", "This photo needs more memory than there is to decode."
        ) from error
    except UnidentifiedImageError as error:
        raise damaged(f"its {decoder} header cannot be read") from error
    except Exception as error:
        reason = str(error).split("\n")[0].rstrip(".")[:120] or type(error).__name__
        raise damaged(reason) from error
