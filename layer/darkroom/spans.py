"""Spans: the file indices that each upload of a job has been assigned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from darkroom import outcomes


@dataclass(frozen=True, slots=True)
class Span:
    """The indices [first, first + length) of a listed upload's files.

    files: how many of the indices are files; entries of a ZIP that are ignored leave gaps.
    """

    first: int
    length: int
    files: int


def files_of(spans: Mapping[int, Span]) -> int:
    return sum(span.files for span in spans.values())


def recounted(spans: Mapping[int, Span], marks: bytes) -> Mapping[int, Span]:
    """The spans with only the files that have ended in the tally `marks`.

    A ZIP that failed while it was being dispatched is itself a file, under its own index.
    """
    return {
        upload: replace(span, files=outcomes.ended(marks, _indices(upload, span)))
        for upload, span in spans.items()
    }


def _indices(upload: int, span: Span) -> set[int]:
    return {upload, *range(span.first, span.first + span.length)}
