"""NOT A MODEL: a stand-in for rembg's models, for tests of the service rather than of cutouts.

With `standin_models`, the local stack packs this file in place of functions/process/models.py.
Every photo gets the same ellipse as its mask, at once. The rest of the function is unchanged.
"""

from types import SimpleNamespace

import numpy as np
from PIL import Image

_SIDE = 64


class Ellipse:
    """The part of a rembg session that the engine uses. Returns the same mask for every photo."""

    inner_session = SimpleNamespace(
        get_inputs=lambda: [SimpleNamespace(shape=[1, 3, _SIDE, _SIDE])]
    )

    def __init__(self) -> None:
        y, x = np.mgrid[-1 : 1 : _SIDE * 1j, -1 : 1 : _SIDE * 1j]
        self._mask = Image.fromarray(np.where(np.hypot(x, y) < 0.8, 255, 0).astype(np.uint8))

    def predict(self, _photo: Image.Image) -> list[Image.Image]:
        return [self._mask]


class Models:
    """Stands in for `functions.process.models.Models`. Accepts any model name."""

    def __init__(self) -> None:
        self._session = Ellipse()

    def session(self, _name: str) -> Ellipse:
        return self._session
