"""rembg and onnxruntime, imported the way a worker needs them: the one place that does it.

onnxruntime's official builds report on their use to Microsoft unless they are told not to before
they start (its Privacy.md). Photos' processing is nobody's business, so it is told.

`import rembg` compiles pymatting's functions, which takes about a minute, unless numba finds them
in its cache. Numba trusts a cache only on the very CPU it was made on, so ours is made for a CPU
with no name and no special abilities; and it wants to write where it reads, which a Lambda's
image does not allow, so a cache that cannot be written to is copied first (3 MB).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

__all__ = ["bg", "onnxruntime", "sessions"]


def _find_compiled(environment: os._Environ[str]) -> None:
    """Points numba, which reads the environment as it is imported, to a cache it can use."""
    baked = environment.get("NUMBA_CACHE_DIR")
    if not baked:
        return
    environment["NUMBA_CPU_NAME"] = "generic"
    environment["NUMBA_CPU_FEATURES"] = ""
    if Path(baked).is_dir() and not os.access(baked, os.W_OK):
        copy = Path(tempfile.gettempdir()) / f"numba-{os.getuid()}"
        shutil.copytree(baked, copy, dirs_exist_ok=True)
        environment["NUMBA_CACHE_DIR"] = str(copy)


os.environ["ORT_DISABLE_TELEMETRY"] = "1"
_find_compiled(os.environ)

import onnxruntime  # noqa: E402
from rembg import bg  # noqa: E402
from rembg.sessions import sessions  # noqa: E402
