"""What an uploaded ZIP holds, from its central directory alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from darkroom.errors import FileError
from darkroom.messages import ZipEntry
from functions.zip.ranged import RangedFile


@dataclass(frozen=True, slots=True)
class ListingLimits:
    """entries: in the directory. archive_bytes: of the object, and of all entries as declared.
    photo_bytes: of one entry. ratio: of an entry's declared size to its compressed size."""

    entries: int = 100_000
    archive_bytes: int = 10_000_000_000
    photo_bytes: int = 50_000_000
    ratio: int = 100


class Listed(NamedTuple):
    """One entry of the directory.

    index: its place in the directory from 0; directories and litter leave gaps.
    path: decoded, with '/' between folders, otherwise as the archive has it (not safe to use).
    modified: the archiver's wall clock, which has no zone, labelled UTC; None where invalid.
    problem: why it is not processed, None for a photo.
    """

    index: int
    path: str
    entry: ZipEntry
    modified: datetime | None
    problem: FileError | None


class Listing:
    """A checked directory, read entry by entry; any walk can start anywhere."""

    def __len__(self) -> int:
        """Entries in the directory, with those left out."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[Listed]:
        return self.entries()

    def entries(self, start: int = 0) -> Iterator[Listed]:
        """The entries from index `start` on, so that a fan-out can go on where it stopped."""
        raise NotImplementedError


def list_entries(file: RangedFile, limits: ListingLimits) -> Listing:
    """Fetch and check the whole directory. What is wrong with the archive as a whole is raised
    here, as FileError and before any entry is seen; what is wrong with one is its `problem`."""
    raise NotImplementedError
