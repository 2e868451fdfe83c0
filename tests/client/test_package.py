"""The package as its users install it: its public names, its types, its wheel."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import darkroom_client

ROOT = Path(__file__).parents[2]
# Programs rely on these. Removing one is a breaking change.
PUBLIC = [
    "ApiError",
    "ClientError",
    "Darkroom",
    "FileInfo",
    "Job",
    "LocalFile",
    "Models",
    "NoProgress",
    "PollingPolicy",
    "Progress",
    "Result",
    "Stopped",
    "Unreachable",
    "Unusable",
    "Unverified",
    "Update",
    "Via",
    "follow",
]


def test_the_public_names_are_these() -> None:
    assert darkroom_client.__all__ == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    public = getattr(darkroom_client, name)
    assert public.__module__.startswith("darkroom_client")
    assert public.__doc__


def test_the_wheel_tells_type_checkers_that_it_is_typed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    subprocess.run(
        [*command, "--no-build-isolation", "--wheel-dir", str(tmp_path), str(ROOT)], check=True
    )
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
    assert "darkroom_client/py.typed" in names
    assert all(name.startswith(("darkroom_client/", "darkroom-")) for name in names)
