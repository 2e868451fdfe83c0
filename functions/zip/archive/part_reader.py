"""The bytes of an archive's parts, read ahead and held against what is on record."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from typing import NamedTuple

from darkroom.errors import ArchiveError
from functions.zip.archive.layout import Item, Layout, Literal, Part, Slice

AHEAD = 16 * 1024 * 1024
"""Bytes read ahead of the part under way, across the ends of parts: 80 results of 200 kB. With one
part's alone the last of each part's reads would have the readers to itself."""

Read = Callable[[str, int, int], bytes]
"""Bytes [start, end) of the object under a key."""


class _Step(NamedTuple):
    """A piece to be fetched. part: the one it belongs to; None if it is only to be checked."""

    part: Part | None
    piece: Literal | Slice[str]

    @property
    def size(self) -> int:
        piece = self.piece
        return piece.end - piece.start if isinstance(piece, Slice) else len(piece.data)


class PartReader:
    """Puts parts together from `items`, which are those of `layout`, fetched with `read`."""

    def __init__(self, layout: Layout[str], items: Iterable[Item[str]], read: Read) -> None:
        self._layout = layout
        self._crc32s = {item.ref: (item.size, item.crc32) for item in items}
        self._read = read

    def bodies(self, parts: Iterable[Part], readers: Executor) -> Iterator[tuple[Part, bytes]]:
        """Each part with its bytes, which are those on record.

        Held at a time: the part under way, twice as it is put together, and `AHEAD` (at least one
        piece). Raises ArchiveError (`result_changed`).
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
        """What comes before a result's cut is read too where another worker had it: only a whole
        result can be checked, and this is who sees its end."""
        known = None
        for part in parts:
            for piece in self._layout.segments(part.start, part.end):
                if isinstance(piece, Slice):
                    if piece.start and known != (piece.ref, piece.start):
                        for start in range(0, piece.start, AHEAD):
                            end = min(start + AHEAD, piece.start)
                            yield _Step(None, Slice(piece.ref, start, end))
                    known = (piece.ref, piece.end)
                yield _Step(part, piece)

    def _fetched(self, steps: Iterable[_Step], readers: Executor) -> Iterator[tuple[_Step, bytes]]:
        """Every step with its bytes, in order; the next ones are under way meanwhile."""
        ahead: deque[tuple[_Step, Callable[[], bytes]]] = deque()
        held = 0
        for step in steps:
            while ahead and held + step.size > AHEAD:
                first, data = ahead.popleft()
                yield first, data()
                held -= first.size
            ahead.append((step, self._begin(step.piece, readers)))
            held += step.size
        for step, data in ahead:
            yield step, data()

    def _begin(self, piece: Literal | Slice[str], readers: Executor) -> Callable[[], bytes]:
        """What to call for the bytes."""
        if isinstance(piece, Literal):
            return lambda: piece.data
        return readers.submit(self._read, piece.ref, piece.start, piece.end).result

    def _checked(
        self, fetched: Iterable[tuple[_Step, bytes]]
    ) -> Iterator[tuple[Part | None, bytes]]:
        crc32 = 0
        for (part, piece), data in fetched:
            if isinstance(piece, Slice):
                size, wanted = self._crc32s[piece.ref]
                crc32 = zlib.crc32(data, crc32 if piece.start else 0)
                cut = len(data) != piece.end - piece.start
                if cut or (piece.end == size and crc32 != wanted):
                    raise ArchiveError(
                        "result_changed",
                        f"{piece.ref} is not the result on record; fetch the results one by one.",
                    )
            yield part, data
