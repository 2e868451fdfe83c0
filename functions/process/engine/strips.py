"""Processes an image in horizontal strips, in parallel on the worker's cores.

Pillow, OpenCV and isal release the GIL while they compute, so threads are sufficient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from functions.process.hardware import cores

T = TypeVar("T")

_STRIP_BYTES = 700_000  # a strip and its filtered copy fit in a core's share of the cache


class Strips:
    """A thread pool shared by all photos of a worker, so that threads do not multiply."""

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads or cores()
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="strip")

    def map(self, rows: int, row_bytes: int, work: Callable[[int, int], T]) -> Iterator[T]:
        """Call `work(top, bottom)` for each strip. Yields the results from top to bottom.

        rows: of the image. row_bytes: bytes of one row, which keeps strips within the cache.
        """
        step = max(1, min(-(-rows // self.threads), _STRIP_BYTES // max(1, row_bytes)))
        tops = range(0, rows, step)
        if len(tops) == 1:
            return iter([work(0, rows)])
        return self._pool.map(lambda top: work(top, min(rows, top + step)), tops)

    def one_per_core(self, rows: int, work: Callable[[int, int], T]) -> list[T]:
        """Call `work(top, bottom)` for one strip per core. Returns the results in order."""
        return list(self.map(rows, _STRIP_BYTES * self.threads // max(1, rows), work))
