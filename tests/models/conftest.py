"""A stack that carries u2net and stand-ins for silueta and isnet-general-use, and a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local import ROOT
from local.stack import Stack, running
from tests.models.standin_weights import STANDINS, write_standin
from tests.web.conftest import browser, chromium

__all__ = ["browser", "chromium"]
MODELS = ("u2net", *STANDINS)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real u2net, and stand-ins for the others; skips where u2net could not be fetched."""
    real = ROOT / ".cache/rembg/models/u2net"
    if not (real / "u2net.onnx").is_file():
        pytest.skip("needs u2net's weights: make models MODELS=u2net")
    home = tmp_path_factory.mktemp("rembg")
    (home / "models").mkdir()
    (home / "models" / "u2net").symlink_to(real)
    for name in STANDINS:
        write_standin(home, name)
    return home


@pytest.fixture(scope="session")
def stack(home: Path) -> Iterator[Stack]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("REMBG_HOME", str(home))
        with running(workers=2, parameters={"Models": ",".join(MODELS)}, name="models") as stack:
            yield stack
