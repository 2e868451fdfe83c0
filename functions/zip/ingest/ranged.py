"""Reads byte ranges of a large object with few requests."""

from __future__ import annotations

from collections.abc import Callable

from darkroom.errors import FileError

Fetch = Callable[[int, int], bytes]
"""Returns bytes [start, end) of the object. `end` is never past the object's size."""

# One request fetches the end of a ZIP. The end record with the longest comment takes 64 KiB; the
# rest has room for the whole central directory of a ZIP of some 2,000 photos.
TAIL = 256 * 1024
# One request fetches a central directory of up to about 80,000 entries.
CHUNK = 8 * 1024 * 1024


class RangedFile:
    """An object read by ranges. Counts the `requests` made and the `bytes_read`."""

    def __init__(self, fetch: Fetch, size: int) -> None:
        self._fetch = fetch
        self._tail = b""
        self._tail_start = size
        self.size = size
        self.requests = 0
        self.bytes_read = 0

    def read(self, start: int, end: int) -> bytes:
        """Return bytes [start, end). Raises FileError (`broken_zip`) if the object lacks them.

        The last TAIL bytes are fetched once, by the first read that includes any of them.
        """
        if not 0 <= start <= end <= self.size:
            raise FileError(
                "broken_zip",
                "The ZIP refers to bytes beyond its end; create it again and upload the new file.",
            )
        if end > max(0, self.size - TAIL) and not self._tail:
            tail_start = max(0, self.size - TAIL)
            self._tail = self._get(tail_start, self.size)
            self._tail_start = tail_start
        split = max(start, min(end, self._tail_start))
        ahead = [
            self._get(at, min(at + CHUNK, split)) for at in range(min(start, split), split, CHUNK)
        ]
        behind = self._tail[split - self._tail_start : end - self._tail_start]
        return b"".join([*ahead, behind]) if end > split else b"".join(ahead)

    def _get(self, start: int, end: int) -> bytes:
        data = self._fetch(start, end)
        self.requests += 1
        self.bytes_read += len(data)
        if len(data) != end - start:
            raise FileError(
                "broken_zip", "The upload is shorter than its recorded size; upload it again."
            )
        return data
