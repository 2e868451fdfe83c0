"""Converts pixels of any kind to 8-bit sRGB: mode RGB, or RGBA with transparency."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from functions.process.engine.pipeline_state import PipelineState, Tools
from functions.process.engine.steps.decode import guarded
from functions.process.engine.strips import Strips

# Sample colours to test whether a profile is equivalent to sRGB: 6 levels of each channel.
_PROBE = np.stack(np.meshgrid(*[np.arange(0, 256, 51)] * 3), axis=-1).reshape(1, -1, 3)


def to_srgb(state: PipelineState, tools: Tools) -> None:
    opened = state.image
    profile = opened.info.get("icc_profile")
    # Pillow reads palettes and their transparency here, so this may fail on a damaged file.
    image = guarded(opened.format or "picture", lambda: _eight_bit(opened))
    if profile:
        converted = _by_profile(image, profile, tools.strips)
        if converted is None:
            state.warn(
                "colour_profile",
                "The photo's colour profile is invalid and was ignored; "
                "convert the photo to sRGB if its colours look wrong.",
            )
        image = converted or image
    if image.mode == "LAB":
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        image = ImageCms.profileToProfile(image, lab, _srgb(), outputMode="RGB") or image
    if image.mode not in ("RGB", "RGBA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image.info = {}
    state.image = image


def _eight_bit(image: Image.Image) -> Image.Image:
    """Resolve palettes and scale to 8 bits; grey, CMYK and LAB keep their mode."""
    if image.mode in ("P", "PA"):
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return Image.fromarray(_scaled(np.asarray(image)))
    if image.mode in ("RGB", "L") and "transparency" in image.info:
        return image.convert("RGBA")
    if image.mode in ("1", "YCbCr", "HSV", "RGBX", "RGBa", "La"):
        return image.convert({"1": "L", "RGBa": "RGBA", "La": "LA"}.get(image.mode, "RGB"))
    return image


def _scaled(values: NDArray[Any]) -> NDArray[Any]:
    """Scale grey values of any depth to 8 bits.

    values: (height, width), 16- or 32-bit integers or floats. Integers that fit in 16 bits are
    scaled by that range, and floats within 0 to 1 by theirs. All others are stretched from the
    darkest to the brightest pixel.
    """
    if values.dtype.itemsize == 2 or (values.dtype.kind == "i" and _fits_16_bit(values)):
        return ((values.astype(np.uint32) * 255 + 32_767) // 65_535).astype(np.uint8)
    numbers = np.nan_to_num(values.astype(np.float64), posinf=0, neginf=0)
    low, high = float(numbers.min()), float(numbers.max())
    if values.dtype.kind == "f" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    return np.rint((numbers - low) * (255 / ((high - low) or 1))).astype(np.uint8)


def _fits_16_bit(values: NDArray[Any]) -> bool:
    return bool(values.min() >= 0 and values.max() <= 65_535)


@lru_cache(maxsize=1)
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _by_profile(image: Image.Image, profile: bytes, strips: Strips) -> Image.Image | None:
    """Convert to sRGB; None if the profile is invalid or does not fit the image's mode."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = image.mode if image.mode in ("RGB", "RGBA") else "RGB"
        alpha = image.getchannel("A") if image.mode == "LA" else None
        plain = image.convert("L") if alpha else image
        transform = ImageCms.buildTransform(source, _srgb(), plain.mode, target)
        if plain.mode in ("RGB", "RGBA") and _is_srgb(source):
            return image
        converted = Image.new(target, plain.size)

        def strip(top: int, bottom: int) -> None:
            part = plain.crop((0, top, plain.width, bottom))
            converted.paste(ImageCms.applyTransform(part, transform) or part, (0, top))

        strips.one_per_core(plain.height, strip)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    if alpha:
        converted.putalpha(alpha)
    return converted


def _is_srgb(source: ImageCms.ImageCmsProfile) -> bool:
    """Whether the profile changes no colour by more than 1/255. Most photos are tagged as sRGB."""
    probe = Image.fromarray(_PROBE.astype(np.uint8))
    moved = ImageCms.applyTransform(probe, ImageCms.buildTransform(source, _srgb(), "RGB", "RGB"))
    return moved is not None and int(np.abs(np.asarray(moved).astype(int) - _PROBE).max()) <= 1
