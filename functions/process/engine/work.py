"""One photo on its way through the pipeline, and what the steps share."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from darkroom.errors import FileError
from darkroom.options import Options
from functions.process.engine.strips import Strips
from functions.process.engine.structure import Found
from functions.process.engine.types import Limits, PhotoWarning

if TYPE_CHECKING:
    from functions.process.engine.faces import Detector
    from functions.process.engine.geometry import Rect
    from functions.process.models import Models

Plane = NDArray[np.uint8]
"""Alpha or mask: (height, width), 0 transparent to 255 opaque."""


def plane(pixels: Any) -> Plane:
    """OpenCV's stubs promise no more than some array of numbers; 8 bits in are 8 bits out."""
    return cast(Plane, pixels)


@dataclass(frozen=True, slots=True)
class Tools:
    """What a worker builds once. `turn` lets one photo at a time have the model."""

    models: Models
    limits: Limits
    strips: Strips
    detector: Detector
    turn: threading.Lock


@dataclass(slots=True)
class Work:
    """The state the steps hand on; each reads and replaces what it is about.

    image: RGB, or RGBA where the photo has transparency of its own.
    alpha: what is subject, as the model and `edges` see it; None where no background is removed.
    faces: their boxes, the largest first; None where nobody looked. tilt: of the largest one's
        eyes, in degrees, clockwise; 0 where nobody asked.
    unmixed: `image` holds the subject's own colours, freed of the background's (decontaminated),
        so they must not be darkened towards the edge again.
    """

    photo: bytes
    options: Options
    began: float = field(default_factory=time.monotonic)
    found: Found | None = None
    opened: Image.Image | None = None
    alpha: Plane | None = None
    unmixed: bool = False
    faces: tuple[Rect, ...] | None = None
    tilt: float = 0.0
    data: bytes = b""
    warnings: list[PhotoWarning] = field(default_factory=list)

    @property
    def image(self) -> Image.Image:
        if self.opened is None:
            raise RuntimeError("no step has decoded the photo yet")
        return self.opened

    @image.setter
    def image(self, image: Image.Image) -> None:
        self.opened = image

    def crop(self, left: int, top: int, right: int, bottom: int) -> None:
        """The picture and its alpha, cut to a box in pixels that lies within them."""
        self.image = self.image.crop((left, top, right, bottom))
        if self.alpha is not None:
            self.alpha = self.alpha[top:bottom, left:right]

    def warn(self, code: str, message: str) -> None:
        self.warnings.append(PhotoWarning(code, message))

    def check_time(self, limits: Limits) -> None:
        if time.monotonic() - self.began > limits.max_seconds:
            raise FileError(
                "too_slow", f"This photo took longer than {limits.max_seconds:g} seconds."
            )
