"""The state of one photo in the pipeline, and the tools that all steps share."""

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
from functions.process.engine.unmixing import EdgeColours, shift

if TYPE_CHECKING:
    from functions.process.engine.faces import Detector, Face
    from functions.process.models import Models

Plane = NDArray[np.uint8]
"""Alpha or mask: (height, width), 0 transparent to 255 opaque."""


def plane(pixels: Any) -> Plane:
    """Cast an OpenCV result to 8 bits. OpenCV keeps the input's type; its stubs do not say so."""
    return cast(Plane, pixels)


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits on the engine's work for one photo.

    seconds: from the start of the pipeline to the result. Checked before every step, so a photo
        exceeds it by at most one step. A single step is bounded by the number of pixels and, for
        decoding, by the file's structure (see `structure`).
    matting_pixels: the maximum size of the copy that matting and decontamination work on.
    """

    seconds: float = 60.0
    matting_pixels: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Tools:
    """Built once per worker and passed to every step. `turn`: held while a photo uses the model."""

    models: Models
    limits: Limits
    budget: Budget
    strips: Strips
    detector: Detector
    turn: threading.Lock


@dataclass(slots=True)
class PipelineState:
    """The state of one photo, which each step reads and updates.

    image: RGB, or RGBA if the photo itself has transparency.
    judged: the model's mask as it came from there, from which confidence is judged.
    mask: the model's mask of the subject, with the image's width and the model's height.
    alpha: the subject's alpha at the image's size, including changes by `edges` and crops.
        `full_alpha` makes it from the mask when a step needs all of it; a plain cutout never does.
    background: the bytes of the background that the options name, if any.
    backdrop: the picture behind the subject, RGB of any size, scaled to cover the image.
    shadow: of the subject, mode L, with the image's width and any height; 255 is black.
    faces: those found, the largest first; None if the step did not run.
    tilt: of the largest face's eyes, in degrees clockwise; 0 if not measured.
    unmixed: whether `image` holds the subject's colours without the background's (decontaminated),
        so that they must not be darkened towards the edge.
    colours: of subject and background at the edge, for `edges: clean`, which separates them as the
        result is composed.
    """

    photo: bytes
    options: Options
    started: float = field(default_factory=time.monotonic)
    file: ImageFile | None = None
    opened: Image.Image | None = None
    judged: Image.Image | None = None
    mask: Image.Image | None = None
    alpha: Plane | None = None
    unmixed: bool = False
    colours: EdgeColours | None = None
    background: bytes | None = None
    backdrop: Image.Image | None = None
    shadow: Image.Image | None = None
    faces: tuple[Face, ...] | None = None
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
        """Whether the photo's background is removed."""
        return self.mask is not None or self.alpha is not None

    def full_alpha(self, strips: Strips) -> Plane | None:
        """Return `alpha`, made from the mask if necessary; None if no background is removed."""
        if self.mask is not None:
            self.alpha = enlarged(self.mask, self.image.size, strips)
            self.mask = None
        return self.alpha

    def crop(self, left: int, top: int, right: int, bottom: int) -> None:
        """Crop the image and its full alpha to a box in pixels, which must lie within the image."""
        self.image = self.image.crop((left, top, right, bottom))
        self.moved(shift(left, top))
        if self.alpha is not None:
            self.alpha = self.alpha[top:bottom, left:right]

    def moved(self, before: NDArray[np.float64]) -> None:
        """Take note that the image was cropped, resized or rotated; see `EdgeColours.moved`."""
        if self.colours is not None:
            self.colours = self.colours.moved(before)

    def warn(self, code: str, message: str) -> None:
        self.warnings.append(PhotoWarning(code, message))

    def check_time(self, budget: Budget) -> None:
        if time.monotonic() - self.started > budget.seconds:
            raise FileError(
                "too_slow",
                f"The photo took longer than {budget.seconds:g} seconds; upload a smaller copy.",
            )
