"""The options of a job, validated here for the API and for drops alike."""

from __future__ import annotations

import json
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from darkroom.backdrop_options import (
    Aspect,
    BackdropOptions,
    Background,
    CanvasOptions,
    Shadow,
    Strict,
    incompatible,
    is_opaque,
    shadow_of,
)
from darkroom.errors import InvalidRequest
from darkroom.validation import refusal

EXTENSIONS = {"png": ".png", "webp": ".webp", "jpeg": ".jpg", "avif": ".avif", "tiff": ".tif"}
CONTENT_TYPES = {
    "png": "image/png",
    "webp": "image/webp",
    "jpeg": "image/jpeg",
    "avif": "image/avif",
    "tiff": "image/tiff",
}


PresetName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


class FaceOptions(Strict):
    """How a photo is cropped to a face.

    padding: room on each side of the face's box, as a fraction of the box.
    aspect: width to height of the crop, such as "1:1" or "4:5"; null keeps the box's own.
    align: rotate the photo so that the eyes are level.
    """

    which: Literal["largest", "all"] = "largest"
    padding: Annotated[float, Field(ge=0, le=3)] = 0.4
    aspect: Aspect | None = None
    align: bool = False
    on_missing: Literal["keep", "fail"] = "keep"


class Options(Strict):
    """The options of a job, as in the section "Options" of docs/design.md.

    preset: fills in the options that the job does not give (`darkroom.resolving`). Only resolved
        options are complete, so options with a preset are not checked for what excludes each other.
    model: None means the deployment's default, which `resolve` fills in.
    edges: clean ones carry the subject's own colours; plain ones are those of rembg.
    quality: 1-100 for webp, jpeg and avif; None means the encoder's default (for webp and avif
        with transparency: lossless).
    dpi: written into the file; it changes no pixel.
    max_side: longest side of the result in pixels; a smaller result is never enlarged.
    margin: room kept around a trimmed subject, as a fraction of its longer side.
    salvage: process a damaged JPEG if at least half of it can be read; the rest is of one colour.
    """

    preset: PresetName | None = None
    remove_bg: bool = True
    crop_face: bool = False
    model: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    edges: Literal["clean", "plain", "smooth", "matting", "decontaminate"] = "clean"
    canvas: CanvasOptions | None = None
    shadow: Shadow = "none"
    background: Background | None = None
    output: Literal["cutout", "mask"] = "cutout"
    format: Literal["png", "webp", "jpeg", "avif", "tiff"] = "png"
    quality: Annotated[int, Field(ge=1, le=100)] | None = None
    dpi: Annotated[int, Field(ge=1, le=2400)] | None = None
    max_side: Annotated[int, Field(ge=16, le=30_000)] | None = None
    trim: bool = False
    margin: Annotated[float, Field(ge=0, le=1)] = 0.0
    face: FaceOptions = FaceOptions()
    salvage: bool = False

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.preset is None:
            self.check_together()
        return self

    def check_together(self) -> None:
        """Raises PydanticCustomError for the first option that another one excludes."""
        cutout = self.remove_bg and self.output == "cutout"
        if self.format == "jpeg" and cutout and not is_opaque(self.background):
            raise incompatible(
                "format",
                "JPEG has no transparency: give an opaque background such as #FFFFFF, "
                "or choose png, webp, avif or tiff",
            )
        if self.output == "mask" and not self.remove_bg:
            raise incompatible("output", "a mask needs the background removed: set remove_bg")
        behind = {
            "canvas": self.canvas,
            "shadow": shadow_of(self.shadow),
            "background": isinstance(self.background, BackdropOptions),
        }
        for field, given in behind.items():
            if given and not cutout:
                raise incompatible(field, "it needs a cutout: set remove_bg, and output to cutout")
        if self.canvas is not None:
            self._check_canvas(self.canvas)

    def _check_canvas(self, canvas: CanvasOptions) -> None:
        if self.trim:
            raise incompatible(
                "trim", "a canvas is always filled with the trimmed subject: set its fill instead"
            )
        if self.max_side is not None and canvas.aspect is None:
            raise incompatible(
                "max_side", "the canvas sets the result's size: change its width and height"
            )


def parse_options(raw: object) -> Options:
    """Options from a decoded JSON object.

    Raises InvalidRequest (`invalid_options`) that names every wrong field.
    """
    try:
        return Options.model_validate(raw)
    except ValidationError as error:
        raise refusal(error, "invalid_options", "The options are not valid", "options") from error


def parse_options_json(text: str) -> Options:
    """Options from JSON text, as in a drop's metadata. Raises InvalidRequest."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:  # the latter for 1,000 opening brackets
        raise InvalidRequest(
            "invalid_options", "The options are not valid JSON; write them as one JSON object."
        ) from error
    return parse_options(raw)
