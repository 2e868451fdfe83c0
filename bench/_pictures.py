"""The benchmark's photos: scikit-image's, at the sizes cameras have, with a sensor's noise."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")
SIZES = {1: (1155, 866), 3: (2000, 1500), 12: (4000, 3000), 48: (8000, 6000)}
FOLDER = Path("out/bench/pictures")

# Variance of a pixel's noise: read noise plus shot noise that grows with the light (a Poisson
# process seen through a gain), in steps of 255; most of it common to all channels, as demosaicing
# leaves it. The numbers make a 12-megapixel JPEG of about 3 MB, as phones write them.
_LUMA, _CHROMA = (6.0, 0.12), (2.0, 0.04)


def photo(name: str, megapixels: int) -> Path:
    """The JPEG's path; made on first use, the same on every machine."""
    path = FOLDER / f"{name}-{megapixels}.jpg"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _noisy(name, megapixels).save(path, "JPEG", quality=90)
    return path


def variant(name: str, megapixels: int, kind: str) -> Path:
    """The same photo as another kind of file ("PNG" or "WEBP")."""
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
    chance = np.random.default_rng(megapixels)
    for (read, shot), channels in ((_LUMA, 1), (_CHROMA, 3)):
        noise = chance.standard_normal((*light.shape[:2], channels), np.float32)
        light += noise * np.sqrt(read + shot * np.clip(light, 0, 255))
    return Image.fromarray(np.clip(light, 0, 255).astype(np.uint8))


def jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()
