"""The bytes of one photo, from an object of its own or from inside an uploaded ZIP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from darkroom.messages import Source, ZipEntry

Fetch = Callable[[int, int], bytes]
"""The object's bytes from `start` up to, not including, `end`; never asked past its size."""


@dataclass(frozen=True, slots=True)
class EntryLimits:
    """photo_bytes: of one photo. ratio: of what comes out of an entry to its compressed size."""

    photo_bytes: int = 50_000_000
    ratio: int = 100


def read_photo(fetch: Fetch, source: Source, limits: EntryLimits) -> bytes:
    """The photo's bytes, checked against what its source says of them. Raises FileError."""
    raise NotImplementedError


def read_entry(fetch: Fetch, entry: ZipEntry, archive_size: int, limits: EntryLimits) -> bytes:
    """An entry of a ZIP of `archive_size` bytes, in one request (two behind a long header)."""
    raise NotImplementedError
