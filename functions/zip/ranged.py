"""A large object read by ranges, in few requests."""

from __future__ import annotations

from collections.abc import Callable

Fetch = Callable[[int, int], bytes]
"""The object's bytes from `start` up to, not including, `end`; never asked past its size."""


class RangedFile:
    """Counts what it reads: `requests` made and `bytes_read` so far."""

    def __init__(self, fetch: Fetch, size: int) -> None:
        self._fetch = fetch
        self.size = size
        self.requests = 0
        self.bytes_read = 0

    def read(self, start: int, end: int) -> bytes:
        """Bytes [start, end). Raises FileError `broken_zip` where the object does not have them."""
        raise NotImplementedError
