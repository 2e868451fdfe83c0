"""rembg and onnxruntime, imported the way a worker needs them: the one place that does it.

onnxruntime's official builds report on their use to Microsoft unless they are told not to before
they start (its Privacy.md). Photos' processing is nobody's business, so it is told.

`import rembg` brings its post-processing with it: pymatting, numba, SciPy and scikit-image, half
of a worker's memory and most of its start; and its sessions are imported all at once, SciPy with
them. A plain cut-out needs one session, so both packages are entered without running their
`__init__`, which is made up for when `post_processing` is called.

Post-processing compiles pymatting's functions, which takes about a minute, unless numba finds them
in its cache. Numba trusts a cache only on the very CPU it was made on, so ours is made for a CPU
with no name and no special abilities; and it wants to write where it reads, which a Lambda's
image does not allow, so a cache that cannot be written to is copied first (3 MB).
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

_MODULES = {"isnet-general-use": "dis_general_use", "isnet-anime": "dis_anime"}
_first = threading.Lock()


def _enter(name: str) -> ModuleType:
    """A package whose modules can be imported, but whose own `__init__` has not run yet."""
    if name not in sys.modules:
        spec = find_spec(name)
        if spec is None:
            raise ModuleNotFoundError(name)
        sys.modules[name] = module_from_spec(spec)
    return sys.modules[name]


class _Later(ModuleType):
    """A module that is imported when something of it is first used.

    `importlib.util.LazyLoader` does not do: until Python 3.14, `import` itself is such a use.
    """

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


def session_class(name: str) -> Any:
    """rembg's session for one of its models. Raises ModuleNotFoundError where there is none."""
    module = import_module(f"rembg.sessions.{_MODULES.get(name) or name.replace('-', '_')}")
    for found in vars(module).values():
        if isinstance(found, type) and found.__module__ == module.__name__:
            return found
    raise ModuleNotFoundError(name)


def post_processing() -> ModuleType:
    """`rembg.bg`: matting, decontamination, smoothing. Takes 1 s and 130 MB the first time."""
    with _first:
        if "rembg.bg" not in sys.modules:
            _find_compiled(os.environ)
            for package in (sys.modules["rembg.sessions"], sys.modules["rembg"]):
                if package.__spec__ and package.__spec__.loader:
                    package.__spec__.loader.exec_module(package)
    return import_module("rembg.bg")


def _find_compiled(environment: MutableMapping[str, str]) -> None:
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
_enter("rembg")
_enter("rembg.sessions")
# The downloader brings `requests` with it, and is used by `bake` alone.
sys.modules.setdefault("pooch", _Later("pooch"))

import onnxruntime  # noqa: E402

__all__ = ["onnxruntime", "post_processing", "session_class"]
