"""Any kind of pixel to 8-bit sRGB: mode RGB, or RGBA where there is transparency."""

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

# The colours that tell whether a profile is sRGB in all but name: 6 levels of each channel.
_PROBE = np.stack(np.meshgrid(*[np.arange(0, 256, 51)] * 3), axis=-1).reshape(1, -1, 3)


def to_srgb(state: PipelineState, tools: Tools) -> None:
    opened = state.image
    profile = opened.info.get("icc_profile")
    # Palettes and their transparency are looked at here for the first time.
    image = guarded(opened.format or "picture", lambda: _eight_bit(opened))
    if profile:
        converted = _by_profile(image, profile, tools.strips)
        if converted is None:
            state.warn("colour_profile", "The photo's colour profile is broken and was ignored.")
        image = converted or image
    if image.mode == "LAB":
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        image = ImageCms.profileToProfile(image, lab, _srgb(), outputMode="RGB") or image
    if image.mode not in ("RGB", "RGBA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image.info = {}
    state.image = image


def _eight_bit(image: Image.Image) -> Image.Image:
    """Palettes resolved, more than 8 bits scaled down; grey, CMYK and LAB stay as they are."""
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
    """Grey of any depth to 8 bits: by its type's range where it has one, else by its own.

    values: (height, width), 16- or 32-bit integers or floats; a float picture within 0 to 1 is
    taken at its word, anything else is stretched from its darkest to its brightest pixel.
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
    """The picture in sRGB, or None when its profile is broken or made for other pixels."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = image.mode if image.mode in ("RGB", "RGBA") else "RGB"
        alpha = image.getchannel("A") if image.mode == "LA" else None
        plain = image.convert("L") if alpha else image
        change = ImageCms.buildTransform(source, _srgb(), plain.mode, target)
        if plain.mode in ("RGB", "RGBA") and _changes_nothing(source):
            return image
        converted = Image.new(target, plain.size)

        def strip(top: int, bottom: int) -> None:
            part = plain.crop((0, top, plain.width, bottom))
            converted.paste(ImageCms.applyTransform(part, change) or part, (0, top))

        strips.one_per_core(plain.height, strip)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    if alpha:
        converted.putalpha(alpha)
    return converted


def _changes_nothing(source: ImageCms.ImageCmsProfile) -> bool:
    """Whether no colour moves by more than one step of 255: most photos are tagged as sRGB."""
    probe = Image.fromarray(_PROBE.astype(np.uint8))
    moved = ImageCms.applyTransform(probe, ImageCms.buildTransform(source, _srgb(), "RGB", "RGB"))
    return moved is not None and int(np.abs(np.asarray(moved).astype(int) - _PROBE).max()) <= 1
