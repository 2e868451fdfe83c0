"""The only module that imports rembg and onnxruntime, in a way that keeps workers small and fast.

onnxruntime's official builds send telemetry to Microsoft unless it is disabled before they are
imported (see its Privacy.md). It is disabled here.

`import rembg` also imports its post-processing (pymatting, numba, SciPy and scikit-image), which is
half of a worker's memory and most of its start-up time. `import rembg.sessions` imports every
session, and SciPy with them. A plain cutout needs one session, so both packages are registered
without running their `__init__`. `post_processing` runs it later.

Post-processing compiles pymatting's functions, which takes about a minute, unless numba finds them
in its cache. Numba accepts a cache only on the CPU type it was made for, so the cache is made for a
generic CPU without optional features. Numba also needs write access to the cache, which a Lambda's
image does not allow, so a read-only cache is copied first (3 MB).
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
from collections.abc import MutableMapping
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any
from zlib import crc32

_MODULES = {"isnet-general-use": "dis_general_use", "isnet-anime": "dis_anime"}
_import_lock = threading.Lock()


def _register(name: str) -> ModuleType:
    """Register a package so that its modules can be imported, without running its `__init__`."""
    if name not in sys.modules:
        spec = find_spec(name)
        if spec is None:
            raise ModuleNotFoundError(name)
        sys.modules[name] = module_from_spec(spec)
    return sys.modules[name]


class _LazyModule(ModuleType):
    """A module that is imported when one of its attributes is first used.

    `importlib.util.LazyLoader` does not work: before Python 3.14, `import` itself triggers it.
    """

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


def session_class(name: str) -> Any:
    """Return rembg's session class for a model. Raises ModuleNotFoundError if there is none."""
    module = import_module(f"rembg.sessions.{_MODULES.get(name) or name.replace('-', '_')}")
    for value in vars(module).values():
        if isinstance(value, type) and value.__module__ == module.__name__:
            return value
    raise ModuleNotFoundError(name)


def post_processing() -> ModuleType:
    """Import `rembg.bg` (matting, decontamination, smoothing). First call: 1 s and 130 MB."""
    with _import_lock:
        if "rembg.bg" not in sys.modules:
            _use_numba_cache(os.environ)
            for package in (sys.modules["rembg.sessions"], sys.modules["rembg"]):
                if package.__spec__ and package.__spec__.loader:
                    package.__spec__.loader.exec_module(package)
    return import_module("rembg.bg")


def _use_numba_cache(environment: MutableMapping[str, str]) -> None:
    """Point numba to a usable cache. Numba reads the environment when it is imported."""
    baked = environment.get("NUMBA_CACHE_DIR")
    if not baked:
        return
    environment["NUMBA_CPU_NAME"] = "generic"
    environment["NUMBA_CPU_FEATURES"] = ""
    if Path(baked).is_dir() and not os.access(baked, os.W_OK):
        # One copy per cache: installations on one machine must not find each other's.
        copy = Path(tempfile.gettempdir()) / f"numba-{os.getuid()}-{crc32(baked.encode()):08x}"
        shutil.copytree(baked, copy, dirs_exist_ok=True)
        environment["NUMBA_CACHE_DIR"] = str(copy)


os.environ["ORT_DISABLE_TELEMETRY"] = "1"
_register("rembg")
_register("rembg.sessions")
# pooch, the downloader, imports `requests`, and only `bake` uses it.
sys.modules.setdefault("pooch", _LazyModule("pooch"))

import onnxruntime  # noqa: E402

__all__ = ["onnxruntime", "post_processing", "session_class"]
