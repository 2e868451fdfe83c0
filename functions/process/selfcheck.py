"""Checks that this installation works without a network and with a read-only home.

    python -m functions.process.selfcheck

Checks the imports, the models, the face detector and a tiny cutout in every format. Prints one line
per check and a summary. Exits with 1 if any check fails.
"""

from __future__ import annotations

import io
import platform
import sys
import time
from collections.abc import Callable

import numpy as np
from PIL import Image, features

from darkroom.limits import Limits
from darkroom.options import Options
from functions.process.engine import Engine
from functions.process.engine.faces import Detector
from functions.process.models import Models


def main() -> int:
    models = Models()
    engine = Engine(models, Limits())
    checks: list[tuple[str, Callable[[], str]]] = [
        ("codecs", _codecs),
        ("faces", _faces),
        *((f"model {name}", lambda name=name: _cutout(engine, name)) for name in models.names()),
        ("formats", lambda: _formats(engine)),
    ]
    print(f"Python {platform.python_version()} on {platform.machine()}")
    failed = 0 if models.names() else _report("models", "no model is installed", failed=True)
    for name, check in checks:
        started = time.monotonic()
        try:
            outcome = check()
        except Exception as error:  # noqa: BLE001 - every error is reported
            failed += _report(name, f"{type(error).__name__}: {error}", failed=True)
        else:
            _report(name, f"{outcome} ({time.monotonic() - started:.2f} s)")
    print("self-check FAILED" if failed else "self-check passed")
    return 1 if failed else 0


def _report(name: str, outcome: str, *, failed: bool = False) -> int:
    print(f"  {'FAILED' if failed else 'ok    '} {name}: {outcome}")
    return int(failed)


def _codecs() -> str:
    required = {"jpg", "zlib", "webp", "avif", "libtiff", "littlecms2"}
    missing = required - set(features.get_supported())
    if missing:
        raise RuntimeError(f"Pillow was built without {', '.join(sorted(missing))}")
    return ", ".join(sorted(required)) + ", heif"


def _faces() -> str:
    faces = Detector().faces(Image.new("RGB", (320, 240), "grey"))
    if faces:
        raise RuntimeError("YuNet found a face in a plain grey image")
    return "YuNet runs"


def _photo() -> bytes:
    """A bright disc on a dark background, as JPEG."""
    y, x = np.mgrid[-1:1:96j, -1:1:96j]
    disc = (x * x + y * y < 0.4)[..., None]
    pixels = np.where(disc, (240, 180, 60), (20, 40, 30)).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=95)
    return out.getvalue()


def _cutout(engine: Engine, model: str) -> str:
    result = engine.process(_photo(), Options(model=model))
    cutout = Image.open(io.BytesIO(result.data))
    if (cutout.mode, cutout.size) != ("RGBA", (96, 96)):
        raise RuntimeError(f"the cutout is {cutout.mode} {cutout.size}")
    low, high = cutout.getchannel("A").getextrema()
    if low == high:
        raise RuntimeError("the mask is empty")
    return f"cutout of {len(result.data)} bytes"


def _formats(engine: Engine) -> str:
    for kind in ("png", "webp", "jpeg", "avif"):
        result = engine.process(_photo(), Options(remove_bg=False, format=kind, max_side=48))
        if Image.open(io.BytesIO(result.data)).size != (48, 48):
            raise RuntimeError(f"the {kind} result has the wrong size")
    return "png, webp, jpeg, avif"


if __name__ == "__main__":
    sys.exit(main())
