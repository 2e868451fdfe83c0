"""Photo and alpha put together, a strip of rows at a time, just before they are written."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from functions.process.engine import enlarge
from functions.process.engine.work import Plane, Work, plane

Rows = Callable[[int, int], Plane]
"""`rows(top, bottom)`: pixels (bottom - top, width, channels), 1 grey, 3 RGB or 4 RGBA."""


def rows(work: Work) -> tuple[Rows, int]:
    """The result's rows and its channels: 1 for a mask, 3 or 4 for a picture."""
    if not work.cut:
        return lambda top, bottom: pixels(work, top, bottom), len(work.image.getbands())
    if work.options.output == "mask":
        return lambda top, bottom: alpha(work, top, bottom)[..., None], 1
    if work.unmixed:
        return lambda top, bottom: _straight(work, top, bottom), 4
    return lambda top, bottom: _faded(work, top, bottom), 4


def pixels(work: Work, top: int, bottom: int) -> Plane:
    """The photo's own rows, RGB or RGBA."""
    return np.asarray(work.image.crop((0, top, work.image.width, bottom)))


def alpha(work: Work, top: int, bottom: int) -> Plane:
    """How opaque the result is: what the model says, times the photo's own transparency."""
    subject = _subject(work, top, bottom)
    if work.image.mode != "RGBA":
        return subject
    own = np.asarray(work.image.getchannel("A").crop((0, top, work.image.width, bottom)))
    return plane(cv2.multiply(subject, own, scale=1 / 255))


def _subject(work: Work, top: int, bottom: int) -> Plane:
    """What the model says: from the mask, where no step has needed the whole alpha."""
    if work.alpha is not None:
        return np.ascontiguousarray(work.alpha[top:bottom])
    if work.mask is None:
        raise RuntimeError("no background is removed from this photo")
    return enlarge.rows(work.mask, work.image.height, top, bottom)


def _faded(work: Work, top: int, bottom: int) -> Plane:
    """rembg's `naive_cutout`: all four channels fade out with the mask, to the bit.

    Colours darken towards transparent edges, as rembg users know it (`decontaminate` is the
    remedy), and what is cut away leaves no trace in the file, which keeps it small.
    """
    photo = pixels(work, top, bottom)
    if photo.shape[2] == 3:
        photo = plane(cv2.cvtColor(photo, cv2.COLOR_RGB2RGBA))
    faded = cv2.merge([_subject(work, top, bottom)] * 4)
    return plane(cv2.multiply(photo, faded, scale=1 / 255))


def _straight(work: Work, top: int, bottom: int) -> Plane:
    """Colours as they are, and nothing at all where nothing is to be seen."""
    visible = alpha(work, top, bottom)
    result = np.dstack([pixels(work, top, bottom)[..., :3], visible])
    result[visible == 0] = 0
    return result
