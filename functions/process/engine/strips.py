"""Work on a picture in horizontal strips, over the worker's cores.

Pillow, OpenCV and isal all let go of the interpreter while they compute, so plain threads do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from functions.process.hardware import cores

T = TypeVar("T")

_STRIP_BYTES = 700_000  # a strip and its filtered copy fit a core's share of the cache


class Strips:
    """One pool for all photos of a worker, so that their number does not multiply the threads."""

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads or cores()
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="strip")

    def map(self, rows: int, row_bytes: int, work: Callable[[int, int], T]) -> Iterator[T]:
        """`work(top, bottom)` for strips of rows from the top down; results in that order.

        rows: of the picture. row_bytes: of one row, for strips of a size that suits the cache.
        """
        step = max(1, min(-(-rows // self.threads), _STRIP_BYTES // max(1, row_bytes)))
        tops = range(0, rows, step)
        if len(tops) == 1:
            return iter([work(0, rows)])
        return self._pool.map(lambda top: work(top, min(rows, top + step)), tops)

    def one_per_core(self, rows: int, work: Callable[[int, int], T]) -> list[T]:
        """`work(top, bottom)` for one strip per core."""
        return list(self.map(rows, _STRIP_BYTES * self.threads // max(1, rows), work))
