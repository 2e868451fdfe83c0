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
from darkroom.limits import Limits
from darkroom.options import Options
from functions.process.engine.enlarge import enlarged
from functions.process.engine.results import PhotoWarning
from functions.process.engine.strips import Strips
from functions.process.engine.structure import ImageFile

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
class Budget:
    """What one photo may cost the engine itself.

    seconds: from the first look at the file to the result. It is checked before every step, so a
        photo can exceed it by one step at most. A single step is bounded by the pixels and, for
        decoding, by the file's structure (see `structure`).
    matting_pixels: alpha matting and decontamination work on a copy no larger than this.
    """

    seconds: float = 60.0
    matting_pixels: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Tools:
    """What a worker builds once. `turn` lets one photo at a time have the model."""

    models: Models
    limits: Limits
    budget: Budget
    strips: Strips
    detector: Detector
    turn: threading.Lock


@dataclass(slots=True)
class PipelineState:
    """The state the steps hand on; each reads and replaces what it is about.

    image: RGB, or RGBA where the photo has transparency of its own.
    mask: what is subject, as the model sees it, as wide as the image, as high as the model has it.
    alpha: the same at the image's size, as `edges` and crops have changed it; made from the mask
        by `full_alpha` when a step needs it whole, which a plain cut-out never does.
    faces: their boxes, the largest first; None where nobody looked. tilt: of the largest one's
        eyes, in degrees, clockwise; 0 where nobody asked.
    unmixed: `image` holds the subject's own colours, freed of the background's (decontaminated),
        so they must not be darkened towards the edge again.
    """

    photo: bytes
    options: Options
    began: float = field(default_factory=time.monotonic)
    file: ImageFile | None = None
    opened: Image.Image | None = None
    mask: Image.Image | None = None
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

    @property
    def cut(self) -> bool:
        """Whether the background is removed from this photo."""
        return self.mask is not None or self.alpha is not None

    def full_alpha(self, strips: Strips) -> Plane | None:
        """`alpha`, made from the mask if need be; None where no background is removed."""
        if self.mask is not None:
            self.alpha = enlarged(self.mask, self.image.size, strips)
            self.mask = None
        return self.alpha

    def crop(self, left: int, top: int, right: int, bottom: int) -> None:
        """The picture and its alpha, which is whole, cut to a box in pixels within them."""
        self.image = self.image.crop((left, top, right, bottom))
        if self.alpha is not None:
            self.alpha = self.alpha[top:bottom, left:right]

    def warn(self, code: str, message: str) -> None:
        self.warnings.append(PhotoWarning(code, message))

    def check_time(self, budget: Budget) -> None:
        if time.monotonic() - self.began > budget.seconds:
            raise FileError("too_slow", f"This photo took longer than {budget.seconds:g} seconds.")
