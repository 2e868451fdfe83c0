"""The tally: one mark for each file of a job, in pages, from which the job's counts are derived.

A page is written first, and the job takes its counts over from there by its version. Both steps
are idempotent, so a worker that dies between the two loses nothing: whoever repeats the first
finds nothing to do, and does the second.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from darkroom.confidence import needs_review
from darkroom.outcomes import Counts, Outcome, mark
from darkroom.usage import Usage

PAGE: Final = 5_000
"""Files in a page. Its item stays under 20 KB, whatever the marks and scores."""

# For each outcome, the low bytes of all marks with another, which `translate` deletes to count it.
_OTHERS = {
    outcome: bytes(value for value in range(256) if value & 7 != outcome) for outcome in Outcome
}


@dataclass(frozen=True, slots=True)
class FileEvent:
    """What has become of a file, as its job records it.

    usage: what the event adds to the usage of the job; it is negative for a photo that had
    succeeded and is processed again. score: of the confidence, 1-255; None if there is none.
    """

    index: int
    attempt: int
    outcome: Outcome
    name: str
    error: Mapping[str, str] | None = None
    usage: Usage = Usage()
    score: int | None = None

    @property
    def mark(self) -> int:
        return mark(self.attempt, self.outcome)


@dataclass(frozen=True, slots=True)
class Summary:
    """A page as its job knows it. version: 0 if the page was never written."""

    version: int = 0
    counts: Counts = Counts()
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class TallyPage:
    """The marks of the files `number * PAGE` and following, 16 bits each, and a score byte each.

    uploads: how many files of the job are uploads; their indices come first.
    """

    number: int
    uploads: int
    version: int = 0
    marks: bytes = b""
    scores: bytes = b""
    usage: Usage = Usage()

    def of(self, index: int) -> int:
        """The mark of a file of this page, by its index in the job; 0 if there is none."""
        at = 2 * (index - self.number * PAGE)
        return int.from_bytes(self.marks[at : at + 2], "little")

    def merged(self, events: Iterable[FileEvent]) -> TallyPage:
        """The page with events of its files merged in; the same page if they change nothing."""
        marks, scores, usage = self._marks(), bytearray(self.scores), self.usage
        changed = False
        # In order, so that every attempt of a file adds its usage before the next takes it back.
        for event in sorted(events, key=lambda event: event.mark):
            at = event.index - self.number * PAGE
            if at >= len(marks):
                marks.extend([0] * (at + 1 - len(marks)))
            if event.mark <= marks[at]:
                continue
            marks[at], usage, changed = event.mark, usage + event.usage, True
            if event.score is not None:
                scores.extend(bytes(max(0, at + 1 - len(scores))))
            if at < len(scores):
                scores[at] = event.score or 0
        if not changed:
            return self
        return replace(
            self,
            version=self.version + 1,
            marks=_little_endian(marks).tobytes(),
            scores=bytes(scores),
            usage=usage,
        )

    @property
    def summary(self) -> Summary:
        return Summary(self.version, self._counts(), self.usage)

    def _marks(self) -> array[int]:
        marks = array("H")
        marks.frombytes(self.marks)
        return _little_endian(marks)

    def _counts(self) -> Counts:
        low = self.marks[::2]

        def of(outcome: Outcome) -> int:
            return len(low.translate(None, _OTHERS[outcome]))

        own = max(0, self.uploads - self.number * PAGE)
        cancelled = of(Outcome.CANCELLED)
        return Counts(
            succeeded=of(Outcome.SUCCEEDED),
            failed=of(Outcome.FAILED),
            skipped=of(Outcome.SKIPPED) + cancelled,
            cancelled=cancelled,
            zips=of(Outcome.EXPANDING) + of(Outcome.EXPANDED),
            arrived=sum(1 for value in self._marks()[:own] if value),
            review=sum(1 for _ in self.review()),
        )

    def review(self) -> Iterator[tuple[int, int]]:
        """The score and the index of each succeeded file that needs a look."""
        first = self.number * PAGE
        for at, score in enumerate(self.scores):
            if needs_review(score) and self.marks[2 * at] & 7 == Outcome.SUCCEEDED:
                yield score, first + at


def pages_of(events: Iterable[FileEvent]) -> dict[int, list[FileEvent]]:
    """Events by the number of their page."""
    pages: dict[int, list[FileEvent]] = {}
    for event in events:
        pages.setdefault(event.index // PAGE, []).append(event)
    return pages


def pack(data: bytes) -> bytes:
    """Compress marks or scores. The marks of 5,000 files take at most 2 KB."""
    return zlib.compress(data, 6)


def unpack(packed: Any) -> bytes:
    return zlib.decompress(bytes(packed)) if packed else b""


def _little_endian(marks: array[int]) -> array[int]:
    """Marks are stored in little-endian order, whatever the processor's is."""
    if array("H", [1]).tobytes() != b"\1\0":
        marks.byteswap()
    return marks
