"""Test images, and helpers that run the engine on them."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from darkroom.options import parse_options
from functions.process.engine import Engine, Result

RED, GREEN, BLUE, WHITE = (220, 30, 20), (20, 200, 40), (30, 40, 230), (250, 250, 250)


def quarters(width: int = 48, height: int = 32) -> Image.Image:
    """Red, green / blue, white: different in every orientation."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    image.paste(WHITE, (width // 2, height // 2, width, height))
    return image


def saved(image: Image.Image, kind: str = "PNG", **how: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def noise(width: int, height: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    shape = (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def run(engine: Engine, photo: bytes, **options: Any) -> Result:
    return engine.process(photo, parse_options({"model": "u2netp", **options}))


def opened(result: Result) -> Image.Image:
    image = Image.open(io.BytesIO(result.data))
    image.load()
    return image


def through(engine: Engine, photo: bytes, **options: Any) -> Image.Image:
    """The photo decoded, oriented and converted to sRGB, with its background."""
    return opened(run(engine, photo, remove_bg=False, **options))


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    """The colours near the corners: top left, top right, bottom left, bottom right."""
    right, bottom = image.width - 5, image.height - 5
    colours = [image.getpixel(at) for at in ((4, 4), (right, 4), (4, bottom), (right, bottom))]
    return [colour if isinstance(colour, tuple) else (int(colour or 0),) for colour in colours]


def near(first: Any, second: Any, tolerance: int = 3) -> bool:
    difference = np.asarray(first, int) - np.asarray(second, int)
    return bool(np.abs(difference).max() <= tolerance)


# `quarters(64, 48)` as HEIC, with a container rotation (irot) equivalent to orientation 6. Written
# with libheif and x265, which are not dependencies of this project.
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWl4AAAAAG1pZjFoZWl4bWlhZgAAAcltZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAA"
    "AAAAAAAAAAADRpbG9jAAAAAERAAAIAAQAAAAAB7QABAAAAAAAAAR8AAgAAAAADDAABAAAAAAAAACQAAAA4aWluZgAA"
    "AAAAAgAAABVpbmZlAgAAAAABAABodmMxAAAAABVpbmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAABCGlwcn"
    "AAAADnaXBjbwAAAHdodmNDAQQIAAAAnjgAAAAAHvAA/P/4+AAADwNgAAEAF0ABDAH//wQIAAADAJ44AAADAAAeugJA"
    "YQABACpCAQEECAAAAwCeOAAAAwAAHpAEECCy3VyU1zcBDQYEAAADAGQAAAMABCBiAAEACEQBwXMYMAiQAAAAE2NvbH"
    "JuY2x4AAEADQAGgAAAABRpc3BlAAAAAAAAAEAAAABAAAAAKGNsYXAAAABAAAAAAQAAADAAAAABAAAAAAAAAAL////w"
    "AAAAAgAAABBwaXhpAAAAAAMICAgAAAAJaXJvdAMAAAAZaXBtYQAAAAAAAAABAAEGgQIDBYSGAAAAGmlyZWYAAAAAAA"
    "AADmNkc2MAAgABAAEAAAFLbWRhdAAAARsoAa8GOFr3tt/FYH//9/8+h/VnEidFb8aVjaq9/CN9+pav/+PxExIOVNHS"
    "f/+Q0awr1WneCf0tM2sVdNHwVU/vPFsJvfq03ggmbot7ivdD0FuTN7kEZPOAJBW0zwCO+TDw/6/I//0Szy+GEia0f4"
    "DYsPdIKx6T6DL68M3/jsrn39SusiPr8Yvvp54TxpecHKo+hyk5xS6Rh3XAWd8MTX18lVn2judTO9Bmond95KmGtvUA"
    "tNmlc4Aqx9CdnciHE6Ch5luABgapI5JkvhNUR/3r3vSfq4paXKP/whq7CQpv7prOHqvY6tJIThlMDSSFD3998Zxl3C"
    "v8ZJnWbQl9K0FxVlbSJ5kg5U1uBF9EmVJfLvP2N26XiK1/0U3AAAAABkV4aWYAAE1NACoAAAAIAAEBEgADAAAAAQAG"
    "AAAAAAAA"
)
