"""The options of a job, validated here for the API and for drops alike."""

from __future__ import annotations

import json
import re
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from darkroom.errors import InvalidRequest
from darkroom.validation import refusal

Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9A-Fa-f]{6}([0-9A-Fa-f]{2})?$")]
_OPAQUE = re.compile(r"^#[0-9A-Fa-f]{6}([fF]{2})?$")

EXTENSIONS = {"png": ".png", "webp": ".webp", "jpeg": ".jpg", "avif": ".avif"}
CONTENT_TYPES = {
    "png": "image/png",
    "webp": "image/webp",
    "jpeg": "image/jpeg",
    "avif": "image/avif",
}


def _incompatible(field: str, message: str) -> PydanticCustomError:
    """The error for options that exclude each other; `field` is the one to change."""
    return PydanticCustomError("incompatible", "{message}", {"field": field, "message": message})


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class FaceOptions(_Strict):
    """How a photo is cropped to a face.

    padding: room on each side of the face's box, as a fraction of the box.
    aspect: width to height of the crop, such as "1:1" or "4:5"; null keeps the box's own.
    align: rotate the photo so that the eyes are level.
    """

    which: Literal["largest", "all"] = "largest"
    padding: Annotated[float, Field(ge=0, le=3)] = 0.4
    aspect: Annotated[str, StringConstraints(pattern=r"^[1-9]\d{0,3}:[1-9]\d{0,3}$")] | None = None
    align: bool = False
    on_missing: Literal["keep", "fail"] = "keep"


class Options(_Strict):
    """The options of a job, as in the section "Options" of docs/design.md.

    model: None means the deployment's default, which `resolve` fills in.
    edges: clean ones carry the subject's own colours; plain ones are those of rembg.
    quality: 1-100 for webp, jpeg and avif; None means the encoder's default (for webp and avif
        with transparency: lossless).
    max_side: longest side of the result in pixels; a smaller result is never enlarged.
    margin: room kept around a trimmed subject, as a fraction of its longer side.
    salvage: process a damaged JPEG if at least half of it can be read; the rest is of one colour.
    """

    remove_bg: bool = True
    crop_face: bool = False
    model: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    edges: Literal["clean", "plain", "smooth", "matting", "decontaminate"] = "clean"
    background: Colour | None = None
    output: Literal["cutout", "mask"] = "cutout"
    format: Literal["png", "webp", "jpeg", "avif"] = "png"
    quality: Annotated[int, Field(ge=1, le=100)] | None = None
    max_side: Annotated[int, Field(ge=16, le=30_000)] | None = None
    trim: bool = False
    margin: Annotated[float, Field(ge=0, le=1)] = 0.0
    face: FaceOptions = FaceOptions()
    salvage: bool = False

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        opaque = self.background is not None and _OPAQUE.match(self.background)
        transparent = self.remove_bg and self.output == "cutout" and not opaque
        if self.format == "jpeg" and transparent:
            raise _incompatible(
                "format",
                "JPEG has no transparency: give an opaque background such as #FFFFFF, "
                "or choose png, webp or avif",
            )
        if self.output == "mask" and not self.remove_bg:
            raise _incompatible("output", "a mask needs the background removed: set remove_bg")
        return self


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


def resolve(options: Options, models: tuple[str, ...]) -> Options:
    """The same options with the model filled in; `models[0]` is the deployment's default.

    Raises InvalidRequest (`unknown_model`) if this deployment does not have the model.
    """
    model = options.model or models[0]
    if model not in models:
        sentence = f"This deployment has no model {model!r}; choose one of {', '.join(models)}"
        raise InvalidRequest(
            "unknown_model", f"{sentence}.", [{"field": "options.model", "message": sentence}]
        )
    return options.model_copy(update={"model": model})
