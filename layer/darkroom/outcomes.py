"""The outcomes of files, the mark that records one, and the counts that follow from marks.

A file's mark is `attempt * 8 + outcome`. Within an attempt a file only moves to a larger outcome,
and attempts only rise, so the larger mark is always the later one, and merging is `max`: any
repetition and any order of the same marks gives the same result
(docs/decisions/0002-counting.md).
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from enum import IntEnum
from typing import Final

MAX_ATTEMPT: Final = (1 << 13) - 1
"""A mark has 16 bits, 3 of them for the outcome."""


class Outcome(IntEnum):
    """What has become of a file in its latest attempt, in the order in which that can happen."""

    PENDING = 0
    QUEUED = 1
    EXPANDING = 2
    SUCCEEDED = 3
    FAILED = 4
    SKIPPED = 5
    CANCELLED = 6
    EXPANDED = 7

    @property
    def processed(self) -> bool:
        """Whether it counts towards the job's progress. A ZIP does not: its photos do."""
        return Outcome.SUCCEEDED <= self <= Outcome.CANCELLED


@dataclass(frozen=True, slots=True)
class Counts:
    """The files of a job by outcome.

    skipped: includes the files that were cancelled. cancelled: those alone. zips: uploads that
    are ZIPs. arrived: uploads that have arrived, or have ended without arriving. review: succeeded
    files that need a look (`darkroom.confidence`).
    """

    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    cancelled: int = 0
    zips: int = 0
    arrived: int = 0
    review: int = 0

    @property
    def processed(self) -> int:
        return self.succeeded + self.failed + self.skipped

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


def mark(attempt: int, outcome: Outcome) -> int:
    """The mark of a file, 16 bits. Raises ValueError unless `attempt` is 1-8191."""
    if not 1 <= attempt <= MAX_ATTEMPT:
        raise ValueError(f"attempt {attempt} is not in 1..{MAX_ATTEMPT}")
    return attempt << 3 | outcome
