"""The models of this deployment, and one warm session for each model in use."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from darkroom.errors import FileError
from functions.process.hardware import cores, memory, trim_memory
from functions.process.warm_rembg import onnxruntime, session_class

if TYPE_CHECKING:
    from rembg.sessions.base import BaseSession

# rembg's sessions that run locally, from one file, and return one mask per image. Excluded: the two
# that send images to other companies (withoutbg, atlascloud), those that need more input than an
# image (sam, the *_custom ones), the one that returns three masks (u2net_cloth_seg), and the one
# whose weights need a paid licence for commercial use (bria-rmbg).
ALLOWED = (
    "u2netp",
    "silueta",
    "u2net",
    "isnet-general-use",
    "u2net_human_seg",
    "isnet-anime",
    "birefnet-general",
    "birefnet-general-lite",
    "birefnet-portrait",
    "birefnet-dis",
    "birefnet-hrsod",
    "birefnet-cod",
    "birefnet-massive",
)

# Bytes of a model's file above which it counts as large, and the arena's first block for both
# kinds, of those from 64 to 256 MB the one with the smallest peak (u2net and u2netp).
_LARGE = 100_000_000
_ARENA, _ARENA_LARGE = 96 << 20, 192 << 20
_arena_made = False


def default_home() -> Path:
    """rembg's model directory: `$REMBG_HOME`, or `~/.rembg`."""
    return Path(os.environ.get("REMBG_HOME") or "~/.rembg").expanduser()


class Models:
    """The model files under `home`, and the sessions made from them. Thread-safe.

    home: a directory with `models/NAME/NAME.onnx`, rembg's layout.
    keep: the number of sessions kept; the least recently used one is dropped. None: one per 1.2 GB
        of memory, which is what a session of a larger model (isnet-general-use) retains.
    threads: per model run. None: one per core.
    """

    def __init__(
        self, home: Path | None = None, *, keep: int | None = None, threads: int | None = None
    ) -> None:
        self._home = home or default_home()
        self._keep = keep or max(1, memory() // 1_200_000_000)
        self._threads = threads or cores()
        self._sessions: OrderedDict[str, BaseSession] = OrderedDict()
        self._lock = threading.Lock()

    def path(self, name: str) -> Path:
        return self._home / "models" / name / f"{name}.onnx"

    def names(self) -> tuple[str, ...]:
        """The available models, the smallest first; read from the disk."""
        return tuple(name for name in ALLOWED if self.path(name).is_file())

    def session(self, name: str) -> BaseSession:
        """Return the model's session. The first call creates it, in 0.1 s (u2netp) or more.

        Raises FileError (`unknown_model`) if this deployment does not have the model.
        """
        if name not in ALLOWED or not self.path(name).is_file():
            known = ", ".join(self.names()) or "none"
            raise FileError(
                "unknown_model", f"This deployment has no model {name!r}; choose one of: {known}."
            )
        # Held while a session is created, so that two photos never create the same one.
        with self._lock:
            if name not in self._sessions:
                while len(self._sessions) >= self._keep:
                    self._sessions.popitem(last=False)
                self._sessions[name] = _new_session(name, self.path(name), self._threads)
            self._sessions.move_to_end(name)
            return self._sessions[name]


def _share_arena(first_block: int) -> None:
    """Give all sessions one arena, made for the first of them. first_block: bytes.

    A session's own arena grows by doubling, from 1 MB, and most of its last block is never used.
    With a first block that fits the model, u2net takes 70 MB less and u2netp 10.
    """
    global _arena_made  # noqa: PLW0603 - it belongs to onnxruntime's environment, of the process
    if _arena_made:
        return
    _arena_made = True
    arena = onnxruntime.OrtArenaCfg({"initial_chunk_size_bytes": first_block})
    memory_info = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(memory_info, arena)


def _new_session(name: str, path: Path, threads: int) -> BaseSession:
    # rembg's session class with a fixed file path, so that it never starts a download.
    def on_disk(_cls: type, *_args: Any, **_kwargs: Any) -> str:
        return str(path)

    local = type(f"Local_{name}", (session_class(name),), {"download_models": classmethod(on_disk)})
    _share_arena(_ARENA_LARGE if path.stat().st_size > _LARGE else _ARENA)
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.use_env_allocators", "1")
    # A third less memory at the same speed: the planner never frees its single large block.
    options.enable_mem_pattern = False
    options.intra_op_num_threads = threads
    session: BaseSession = local(name, options, providers=["CPUExecutionProvider"])
    trim_memory()
    return session
