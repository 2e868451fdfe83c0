"""The tally of a job: one byte for each file, from which the job's counts are derived.

A file's byte is `attempt * 8 + outcome`. Within an attempt a file ends once, and attempts only
rise, so the larger byte is always the later one, and merging is `max`: any repetition and any
order of the same outcomes gives the same tally (docs/decisions/0002-counting.md).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

MAX_ATTEMPT = 31


class Outcome(IntEnum):
    PENDING = 0
    SUCCEEDED = 1
    FAILED = 2
    SKIPPED = 3
    CANCELLED = 4


@dataclass(frozen=True, slots=True)
class Counts:
    """skipped: includes the files that were cancelled."""

    succeeded: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def processed(self) -> int:
        return self.succeeded + self.failed + self.skipped


def mark(attempt: int, outcome: Outcome) -> int:
    """The byte of a file; `attempt` is 1-31."""
    if not 1 <= attempt <= MAX_ATTEMPT:
        raise ValueError(f"attempt {attempt} is not in 1..{MAX_ATTEMPT}")
    return attempt << 3 | outcome


def merge(tally: bytes, marks: Mapping[int, int]) -> bytes:
    """`tally` with the marks (by file index) merged in; it grows to hold them."""
    if not marks:
        return tally
    merged = bytearray(tally.ljust(max(marks) + 1, b"\0"))
    for index, value in marks.items():
        merged[index] = max(merged[index], value)
    return bytes(merged)


# For each outcome, the bytes of all others, which `translate` deletes to count it.
_OTHERS = {
    outcome: bytes(value for value in range(256) if value & 7 != outcome) for outcome in Outcome
}


def count(tally: bytes) -> Counts:
    def of(outcome: Outcome) -> int:
        return len(tally.translate(None, _OTHERS[outcome]))

    return Counts(
        of(Outcome.SUCCEEDED),
        of(Outcome.FAILED),
        of(Outcome.SKIPPED) + of(Outcome.CANCELLED),
    )


def ended(tally: bytes, indices: Iterable[int]) -> int:
    """How many of the files at `indices` have ended in their latest attempt."""
    return sum(1 for index in indices if index < len(tally) and tally[index] & 7)


def attempt(tally: bytes, index: int) -> int:
    """The latest known attempt of a file; 0 if none is known."""
    return tally[index] >> 3 if index < len(tally) else 0


def indices(tally: bytes, outcomes: Iterable[Outcome]) -> Iterator[int]:
    """The indices of the files whose latest attempt has one of these outcomes."""
    wanted = set(outcomes)
    return (index for index, value in enumerate(tally) if value & 7 in wanted)


def pack(tally: bytes) -> bytes:
    """Compress a tally. Of 100,000 files it takes 25 KB while they run and 100 bytes at the end."""
    return zlib.compress(tally, 6)


def unpack(packed: bytes) -> bytes:
    return zlib.decompress(packed)
