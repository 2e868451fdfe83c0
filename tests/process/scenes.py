"""A photo with a known subject, and an engine whose model knows its mask."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

from darkroom.limits import Limits
from darkroom.options import parse_options
from functions.process.engine import Engine, Result
from tests.process.conftest import OneModel
from tests.process.pictures import opened, saved

ORANGE, GREY = (230, 120, 20), (90, 90, 90)
Box = tuple[int, int, int, int]


class Known:
    """A session of the photo's own size, whose mask is exactly the one given."""

    def __init__(self, mask: Image.Image) -> None:
        self.mask = mask
        shape = [1, 3, mask.height, mask.width]
        self.inner_session = SimpleNamespace(get_inputs=lambda: [SimpleNamespace(shape=shape)])

    def predict(self, _image: Image.Image) -> list[Image.Image]:
        return [self.mask]


class Scene:
    """An orange rectangle on grey. size: of the photo. box: left, top, right, bottom."""

    def __init__(
        self, size: tuple[int, int], box: Box, limits: Limits | None = None, ground: Any = GREY
    ) -> None:
        self.photo = Image.new("RGB", size, ground)
        self.photo.paste(ORANGE, box)
        mask = Image.new("L", size)
        mask.paste(255, box)
        self.engine = Engine(OneModel(Known(mask)), limits or Limits())  # type: ignore[arg-type]

    def result(self, picture: bytes | None = None, **options: Any) -> Result:
        parsed = parse_options({"model": "u2netp", **options})
        return self.engine.process(saved(self.photo), parsed, picture)

    def image(self, picture: bytes | None = None, **options: Any) -> Image.Image:
        return opened(self.result(picture, **options))


def box_of(alpha: np.ndarray) -> Box:
    """The box of all pixels that are at least half opaque."""
    rows = np.flatnonzero((alpha >= 128).any(axis=1))
    columns = np.flatnonzero((alpha >= 128).any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def subject_of(image: Image.Image) -> Box:
    """The box of the orange pixels."""
    pixels = np.asarray(image.convert("RGB")).astype(int)
    near = np.abs(pixels - ORANGE).max(axis=2) < 60
    return box_of(np.where(near, 255, 0))
