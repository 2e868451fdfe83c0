"""The public names of `darkroom_client`, and the contents of its wheel."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import darkroom_client

ROOT = Path(__file__).parents[2]
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
    "Preset",
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


def test_the_public_names_are_exactly_these() -> None:
    assert sorted(PUBLIC) == PUBLIC
    assert darkroom_client.__all__ == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_importable_and_documented(name: str) -> None:
    docstring = getattr(darkroom_client, name).__doc__  # never inherited from a base class
    assert docstring
    # A dataclass without a docstring gets its signature as its docstring.
    assert not docstring.startswith(f"{name}(")


def test_the_wheel_contains_the_package_and_its_type_marker(tmp_path: Path) -> None:
    """Built from a copy, because setuptools leaves its build folders beside pyproject.toml."""
    source = tmp_path / "source"
    shutil.copytree(
        ROOT / "client",
        source / "client",
        ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"),
    )
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "wheel", "--disable-pip-version-check", "--no-index"]
    offline = ["--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(source)]
    built = subprocess.run([*pip, *offline], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    [wheel] = tmp_path.glob("darkroom-*.whl")
    modules = {f"darkroom_client/{path.name}" for path in (ROOT / "client").glob("*/*.py")}
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == modules | {"darkroom_client/py.typed"}
