"""Shows that this installation can do what it is for, with no network and a read-only home.

    python -m functions.process.selfcheck

Imports, models, the face detector and one tiny cut-out in every format; a line for each, and a
word in the end. Returns 1 when anything is missing.
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
    failed = 0 if models.names() else _report("models", "none is here", failed=True)
    for name, check in checks:
        began = time.monotonic()
        try:
            said = check()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is reported
            failed += _report(name, f"{type(error).__name__}: {error}", failed=True)
        else:
            _report(name, f"{said} ({time.monotonic() - began:.2f} s)")
    print("self-check FAILED" if failed else "self-check passed")
    return 1 if failed else 0


def _report(name: str, said: str, *, failed: bool = False) -> int:
    print(f"  {'FAILED' if failed else 'ok    '} {name}: {said}")
    return int(failed)


def _codecs() -> str:
    wanted = {"jpg", "zlib", "webp", "avif", "libtiff", "littlecms2"}
    missing = wanted - set(features.get_supported())
    if missing:
        raise RuntimeError(f"Pillow was built without {', '.join(sorted(missing))}")
    return ", ".join(sorted(wanted)) + ", heif"


def _faces() -> str:
    found = Detector().faces(Image.new("RGB", (320, 240), "grey"))
    if found:
        raise RuntimeError("a face was found in a grey picture")
    return "YuNet runs"


def _photo() -> bytes:
    """A bright disc before a dark ground, as JPEG."""
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
        raise RuntimeError(f"the cut-out is {cutout.mode} {cutout.size}")
    low, high = cutout.getchannel("A").getextrema()
    if low == high:
        raise RuntimeError("the mask is empty")
    return f"cut-out of {len(result.data)} bytes"


def _formats(engine: Engine) -> str:
    for kind in ("png", "webp", "jpeg", "avif"):
        result = engine.process(_photo(), Options(remove_bg=False, format=kind, max_side=48))
        if Image.open(io.BytesIO(result.data)).size != (48, 48):
            raise RuntimeError(f"the {kind} has the wrong size")
    return "png, webp, jpeg, avif"


if __name__ == "__main__":
    sys.exit(main())
