"""The options that say where the subject stands: its canvas, shadow and background."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

MAX_CANVAS = 10_000
"""Pixels of a canvas's side."""

Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9A-Fa-f]{6}([0-9A-Fa-f]{2})?$")]
Aspect = Annotated[str, StringConstraints(pattern=r"^[1-9]\d{0,3}:[1-9]\d{0,3}$")]
_Fraction = Annotated[float, Field(ge=0, le=1)]
_Side = Annotated[int, Field(ge=16, le=MAX_CANVAS)]
_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]


class Strict(BaseModel):
    """Options are checked without conversions, and unknown ones are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def incompatible(field: str, message: str) -> PydanticCustomError:
    """The error for options that exclude each other; `field` is the one to change."""
    return PydanticCustomError("incompatible", "{message}", {"field": field, "message": message})


def _form(value: Any) -> str:
    """Which form of an option is given. `validation.described` leaves it out of a field's name."""
    return "<object>" if isinstance(value, dict | BaseModel) else "<word>"


class Place(Strict):
    """Where the subject stands in the free space: 0 left or top, 1 right or bottom."""

    x: _Fraction = 0.5
    y: _Fraction = 0.5


class CanvasOptions(Strict):
    """A canvas of a fixed size in pixels, or the smallest of an aspect such as "4:5".

    fill: the part of the canvas that the subject takes, on the side where it is tighter.
    upscale: whether a subject may be enlarged to reach it.
    """

    width: _Side | None = None
    height: _Side | None = None
    aspect: Aspect | None = None
    fill: Annotated[float, Field(ge=0.05, le=1)] = 0.85
    position: Annotated[
        Annotated[Literal["centre", "bottom"], Tag("<word>")] | Annotated[Place, Tag("<object>")],
        Discriminator(_form),
    ] = "centre"
    upscale: bool = False

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if self.aspect is not None:
            if self.width is not None or self.height is not None:
                raise incompatible("aspect", "give either an aspect or width and height")
            across, down = (int(part) for part in self.aspect.split(":"))
            if max(across, down) > 20 * min(across, down):
                raise incompatible("aspect", "one side may be at most 20 times the other")
        elif self.width is None or self.height is None:
            missing = "height" if self.height is None else "width"
            raise incompatible(missing, "give both width and height, or an aspect")
        return self


ShadowKind = Literal["none", "contact", "drop"]


class ShadowOptions(Strict):
    """kind: contact, where the subject stands on the ground; drop, behind a subject laid on it.

    strength: 0 invisible to 1 black. softness: 0 sharp to 1 very soft.
    """

    kind: ShadowKind
    strength: _Fraction = 0.5
    softness: _Fraction = 0.5


Shadow = Annotated[
    Annotated[ShadowKind, Tag("<word>")] | Annotated[ShadowOptions, Tag("<object>")],
    Discriminator(_form),
]


def shadow_of(shadow: ShadowKind | ShadowOptions) -> ShadowOptions | None:
    """The shadow to draw; None for none."""
    options = shadow if isinstance(shadow, ShadowOptions) else ShadowOptions(kind=shadow)
    return None if options.kind == "none" else options


class BackdropOptions(Strict):
    """A background that is a picture: the photo itself, blurred, or one of the deployment's own.

    blur: in percent of the strongest blur, whose radius is a twentieth of the longer side.
    image: the name of an object under `backgrounds/` in the bucket, scaled to cover the result.
    """

    blur: Annotated[int, Field(ge=1, le=100)] | None = None
    image: _Name | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.blur is None) == (self.image is None):
            raise incompatible("", "give either blur or image")
        return self


Background = Annotated[
    Annotated[Colour, Tag("<word>")] | Annotated[BackdropOptions, Tag("<object>")],
    Discriminator(_form),
]


def is_opaque(background: str | BackdropOptions | None) -> bool:
    """Whether a result with this background has no transparency."""
    if isinstance(background, str):
        return len(background) == 7 or background[7:].lower() == "ff"
    return background is not None
