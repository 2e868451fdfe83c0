"""Plans the archive: the position of every byte is known before any result is read.

Photos are already compressed, so entries are stored, and their sizes and CRC-32 are on record. Any
worker can therefore build any range of the archive at any time. Section numbers in this module and
in `records` are those of APPNOTE 6.3.10.
"""

from __future__ import annotations

import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from functions.zip.archive.records import central_header, end_records, local_header

Ref = TypeVar("Ref")

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MAX_PARTS = 10_000
# A worker can hold a few parts of this size in memory.
USUAL_PART = 8 * 1024 * 1024
_MIB = 1024 * 1024


class Item(NamedTuple, Generic[Ref]):
    """A result to store. path: safe and unique. ref: the caller's reference to its bytes."""

    path: str
    size: int
    crc32: int
    modified: datetime | None
    ref: Ref


class Trailing(NamedTuple):
    """A file with its bytes in memory, placed after the items: the manifest."""

    path: str
    data: bytes
    modified: datetime | None = None


class Literal(NamedTuple):
    """Bytes of the archive that belong to no item: headers, directory and trailing files."""

    data: bytes


class Slice(NamedTuple, Generic[Ref]):
    """Bytes [start, end) of the item referenced by `ref`."""

    ref: Ref
    start: int
    end: int


class Part(NamedTuple):
    """A part of a multipart upload: its number from 1, and bytes [start, end) of the archive."""

    number: int
    start: int
    end: int


class Layout(Generic[Ref]):
    """The archive of `items` followed by `trailing`. Equal arguments give equal bytes.

    size: of the whole archive, in bytes. Two numbers are kept per item; headers are rebuilt
    whenever their bytes are needed. The format has no time zones (4.4.6): times without a zone are
    written unchanged, all others are converted to UTC.
    """

    def __init__(self, items: Sequence[Item[Ref]], trailing: Sequence[Trailing] = ()) -> None:
        self._items = items
        self._trailing = trailing
        self._after = [
            Item(t.path, len(t.data), zlib.crc32(t.data), t.modified, i)
            for i, t in enumerate(trailing)
        ]
        # The start of each entry and of its central header. Both lists also have an end position.
        self._begins = array("Q", [0])
        headers = array("Q", [0])
        begin = header = 0
        for entry in self._entries(0):
            header += len(central_header(entry.path, entry.size, entry.crc32, None, begin))
            begin += len(local_header(entry.path, entry.size, entry.crc32, None)) + entry.size
            self._begins.append(begin)
            headers.append(header)
        self._directory = begin
        self._headers = array("Q", (begin + at for at in headers))
        self._end = end_records(len(headers) - 1, begin, header)
        self.size = begin + header + len(self._end)

    def segments(self, start: int, end: int) -> Iterator[Literal | Slice[Ref]]:
        """Yield the pieces that make up bytes [start, end) of the archive, in order."""
        if not 0 <= start <= end <= self.size:
            raise ValueError(f"no bytes {start} to {end} in {self.size}")
        literal = bytearray()
        for at, piece in self._pieces(start):
            if at >= end:
                break
            first = max(start - at, 0)
            if isinstance(piece, Slice):
                if literal:
                    yield Literal(bytes(literal))
                    literal.clear()
                last = min(end - at, piece.end)
                if first < last:
                    yield Slice(piece.ref, first, last)
            else:
                literal += piece[first : end - at]
                if len(literal) >= _MIB:
                    yield Literal(bytes(literal))
                    literal.clear()
        if literal:
            yield Literal(bytes(literal))

    def parts(self) -> list[Part]:
        """Split the archive into equal parts for a multipart upload. The last may be shorter."""
        size = part_size_for(self.size)
        return [
            Part(number, start, min(start + size, self.size))
            for number, start in enumerate(range(0, self.size, size), start=1)
        ]

    def _pieces(self, start: int) -> Iterator[tuple[int, bytes | Slice[Ref]]]:
        """Yield (position, piece) from the piece that contains byte `start` to the end."""
        count = len(self._begins) - 1
        first = min(bisect_right(self._begins, start) - 1, count)
        for index, entry in enumerate(self._entries(first), start=first):
            header = local_header(entry.path, entry.size, entry.crc32, entry.modified)
            at = self._begins[index]
            yield at, header
            if index < len(self._items):
                yield at + len(header), Slice(self._items[index].ref, 0, entry.size)
            else:
                yield at + len(header), self._trailing[index - len(self._items)].data
        first = min(max(bisect_right(self._headers, start) - 1, 0), count)
        for index, entry in enumerate(self._entries(first), start=first):
            yield (
                self._headers[index],
                central_header(
                    entry.path, entry.size, entry.crc32, entry.modified, self._begins[index]
                ),
            )
        yield self._headers[count], self._end

    def _entries(self, first: int) -> Iterator[Item[Ref] | Item[int]]:
        """Yield the items, then the trailing files, from index `first`."""
        for index in range(first, len(self._items)):
            yield self._items[index]
        yield from self._after[max(0, first - len(self._items)) :]


def part_size_for(total: int) -> int:
    """Return a part size that S3 accepts for an object of `total` bytes, in whole MiB."""
    needed = -(-total // MAX_PARTS)
    return max(USUAL_PART, -(-needed // _MIB) * _MIB)
