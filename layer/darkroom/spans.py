"""Spans: the file indices that the ZIPs of a job have been assigned.

Files are stored in blocks of 100, each in a partition of its own. A span begins with a block, so
that one fan-out alone writes a block.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

BLOCK: Final = 100
"""Files in a block."""


@dataclass(frozen=True, slots=True)
class Span:
    """The indices [first, first + length) of the entries of the ZIP that is the file `upload`.

    files: how many of the indices are files; entries of a ZIP that are ignored leave gaps.
    etag: of the ZIP. A ZIP that is uploaded again gets a second span.
    """

    upload: int
    first: int
    length: int
    files: int
    etag: str = ""

    @property
    def end(self) -> int:
        return self.first + self.length


def files_of(spans: Iterable[Span]) -> int:
    return sum(span.files for span in spans)


def block_of(index: int) -> int:
    """The number of the block that holds a file."""
    return index // BLOCK


def blocks_in(count: int) -> int:
    """The number of blocks that `count` indices take."""
    return -(-count // BLOCK)
