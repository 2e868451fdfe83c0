"""Reads the bytes of an archive's parts ahead, and checks them against the recorded results."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from typing import NamedTuple

from darkroom.errors import ArchiveError
from functions.zip.archive.layout import Item, Layout, Literal, Part, Slice

AHEAD = 16 * 1024 * 1024
"""Bytes to read ahead of the current part: 80 results of 200 kB.

Reading ahead continues into the next parts. Otherwise most readers would be idle during the last
reads of each part.
"""

Read = Callable[[str, int, int], bytes]
"""Returns bytes [start, end) of the object with a given key."""


class _Step(NamedTuple):
    """A piece to fetch. part: the part it belongs to; None if it is only read to be checked."""

    part: Part | None
    piece: Literal | Slice[str]

    @property
    def size(self) -> int:
        piece = self.piece
        return piece.end - piece.start if isinstance(piece, Slice) else len(piece.data)


class PartReader:
    """Assembles parts of `layout` from its `items`, which are fetched with `read`."""

    def __init__(self, layout: Layout[str], items: Iterable[Item[str]], read: Read) -> None:
        self._layout = layout
        self._crc32s = {item.ref: (item.size, item.crc32) for item in items}
        self._read = read

    def bodies(self, parts: Iterable[Part], readers: Executor) -> Iterator[tuple[Part, bytes]]:
        """Yield each part with its checked bytes.

        Memory: the current part, twice while it is joined, and `AHEAD` (at least one piece).
        Raises ArchiveError (`result_changed`).
        """
        pieces: list[bytes] = []
        left = 0
        for part, data in self._checked(self._fetched(self._steps(parts), readers)):
            if part is None:
                continue
            left = (left or part.end - part.start) - len(data)
            pieces.append(data)
            if not left:
                body = b"".join(pieces)
                pieces.clear()
                yield part, body

    def _steps(self, parts: Iterable[Part]) -> Iterator[_Step]:
        """Yield the pieces to fetch for `parts`.

        If a part begins inside a result, the result's beginning is read as well. It belongs to
        another worker's part, but the CRC-32 can only be checked over the whole result.
        """
        previous = None
        for part in parts:
            for piece in self._layout.segments(part.start, part.end):
                if isinstance(piece, Slice):
                    if piece.start and previous != (piece.ref, piece.start):
                        for start in range(0, piece.start, AHEAD):
                            end = min(start + AHEAD, piece.start)
                            yield _Step(None, Slice(piece.ref, start, end))
                    previous = (piece.ref, piece.end)
                yield _Step(part, piece)

    def _fetched(self, steps: Iterable[_Step], readers: Executor) -> Iterator[tuple[_Step, bytes]]:
        """Yield every step with its bytes, in order, while later steps are being fetched."""
        ahead: deque[tuple[_Step, Callable[[], bytes]]] = deque()
        held = 0
        for step in steps:
            while ahead and held + step.size > AHEAD:
                first, data = ahead.popleft()
                yield first, data()
                held -= first.size
            ahead.append((step, self._start(step.piece, readers)))
            held += step.size
        for step, data in ahead:
            yield step, data()

    def _start(self, piece: Literal | Slice[str], readers: Executor) -> Callable[[], bytes]:
        """Start fetching a piece. Returns a function that waits for its bytes."""
        if isinstance(piece, Literal):
            return lambda: piece.data
        return readers.submit(self._read, piece.ref, piece.start, piece.end).result

    def _checked(
        self, fetched: Iterable[tuple[_Step, bytes]]
    ) -> Iterator[tuple[Part | None, bytes]]:
        crc32 = 0
        for (part, piece), data in fetched:
            if isinstance(piece, Slice):
                size, expected = self._crc32s[piece.ref]
                crc32 = zlib.crc32(data, crc32 if piece.start else 0)
                cut = len(data) != piece.end - piece.start
                if cut or (piece.end == size and crc32 != expected):
                    raise ArchiveError(
                        "result_changed",
                        f"{piece.ref} is not the recorded result; download the results one by one.",
                    )
            yield part, data
