"""The engine benchmark's photos: scikit-image's, scaled to camera sizes, with sensor noise."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")
SIZES = {1: (1155, 866), 3: (2000, 1500), 12: (4000, 3000), 48: (8000, 6000)}
FOLDER = Path("out/bench/pictures")

# Variance of a pixel's noise (values 0-255): read noise, and shot noise in proportion to the light
# (a Poisson process with a gain). Most of it is common to all channels, as after demosaicing. With
# these numbers, a 12-megapixel JPEG has about 3 MB, like those of phones.
_LUMA, _CHROMA = (6.0, 0.12), (2.0, 0.04)


def photo(name: str, megapixels: int) -> Path:
    """Return the path of a JPEG. It is made on first use, and is the same on every machine."""
    path = FOLDER / f"{name}-{megapixels}.jpg"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _noisy(name, megapixels).save(path, "JPEG", quality=90)
    return path


def variant(name: str, megapixels: int, kind: str) -> Path:
    """Return the path of the same photo in another format ("PNG" or "WEBP")."""
    path = FOLDER / f"{name}-{megapixels}.{kind.lower()}"
    if not path.exists():
        with Image.open(photo(name, megapixels)) as image:
            image.save(path, kind)
    return path


def load(path: Path) -> bytes:
    return path.read_bytes()


def _noisy(name: str, megapixels: int) -> Image.Image:
    original = Image.fromarray(getattr(skimage.data, name)())
    scaled = original.resize(SIZES[megapixels], Image.Resampling.LANCZOS)
    light = np.asarray(scaled).astype(np.float32)
    rng = np.random.default_rng(megapixels)
    for (read, shot), channels in ((_LUMA, 1), (_CHROMA, 3)):
        noise = rng.standard_normal((*light.shape[:2], channels), np.float32)
        light += noise * np.sqrt(read + shot * np.clip(light, 0, 255))
    return Image.fromarray(np.clip(light, 0, 255).astype(np.uint8))


def jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()
