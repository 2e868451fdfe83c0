"""The engine with rembg's smallest model, and with a stub model that returns a fixed mask."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
# Set before rembg is imported. `make setup` stores its compiled functions here.
os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / ".cache" / "numba"))

from darkroom.limits import Limits  # noqa: E402
from functions.process.engine import Budget, Engine  # noqa: E402
from functions.process.models import Models  # noqa: E402


class Disc:
    """A session that always returns the same mask: a disc with a soft edge, 64 pixels wide."""

    def __init__(self) -> None:
        self.seen: list[Image.Image] = []
        self.inner_session = SimpleNamespace(
            get_inputs=lambda: [SimpleNamespace(shape=[1, 3, 64, 64])]
        )

    def predict(self, image: Image.Image) -> list[Image.Image]:
        self.seen.append(image)
        y, x = np.mgrid[-1:1:64j, -1:1:64j]
        soft = np.clip((0.7 - np.hypot(x, y)) * 2000, 0, 255)
        return [Image.fromarray(soft.astype(np.uint8))]


class OneModel:
    def __init__(self, session: Any) -> None:
        self._session = session

    def session(self, _name: str) -> Any:
        return self._session


@pytest.fixture(scope="session")
def models() -> Models:
    return Models(ROOT / ".cache" / "rembg")


@pytest.fixture(scope="session")
def engine(models: Models) -> Engine:
    return Engine(models, Limits())


@pytest.fixture
def disc() -> Disc:
    return Disc()


@pytest.fixture
def disc_engine(disc: Disc) -> Engine:
    return Engine(OneModel(disc), budget=Budget(matting_pixels=40_000))  # type: ignore[arg-type]
