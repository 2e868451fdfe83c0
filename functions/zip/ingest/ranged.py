"""A large object read by ranges, in few requests."""

from __future__ import annotations

from collections.abc import Callable

from darkroom.errors import FileError

Fetch = Callable[[int, int], bytes]
"""The object's bytes from `start` up to, not including, `end`; never asked past its size."""

# The end of a ZIP is fetched in one request: its last record with the longest comment is 64 KiB,
# and the rest usually holds the whole directory of an archive of some 2,000 photos.
TAIL = 256 * 1024
# One request for a directory of up to about 80,000 entries.
CHUNK = 8 * 1024 * 1024


class RangedFile:
    """Counts what it reads: `requests` made and `bytes_read` so far."""

    def __init__(self, fetch: Fetch, size: int) -> None:
        self._fetch = fetch
        self._tail = b""
        self._tail_start = size
        self.size = size
        self.requests = 0
        self.bytes_read = 0

    def read(self, start: int, end: int) -> bytes:
        """Bytes [start, end). Raises FileError `broken_zip` where the object does not have them.

        The last TAIL bytes are fetched once, with the first read that touches them.
        """
        if not 0 <= start <= end <= self.size:
            raise FileError("broken_zip", "The ZIP points outside itself. Please pack it again.")
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
                "broken_zip", "The upload is shorter than it was. Please send it again."
            )
        return data
