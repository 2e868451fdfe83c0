"""A job, and every change it can go through. Pure; `aws.table` stores it.

Each change returns a new job, or the same one where there is nothing to
change, so that a repeat of any event is harmless. A kept change raises `sequence` by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from darkroom import clock, tally
from darkroom.errors import Conflict, DarkroomError
from darkroom.states import JOB_MOVES, ArchiveStatus, JobStatus
from darkroom.tally import Counts, Outcome

RECENT = 10
MAX_FILES = 200_000
"""Indices a job may give out, so that its item stays far below DynamoDB's 400 KB."""
BULK = 50
"""Files up to which a job's photos need not wait behind those of larger jobs."""


@dataclass(frozen=True, slots=True)
class Archive:
    """The ZIP of a job's results. `generation` rises each time it has to be made (again)."""

    status: ArchiveStatus = ArchiveStatus.NONE
    generation: int = 0
    size: int = 0
    upload_id: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """The indices [first, first + length) of a listed upload's files.

    files: how many of them are files; litter in a ZIP leaves gaps.
    """

    first: int
    length: int
    files: int


@dataclass(frozen=True, slots=True)
class FileEvent:
    """A file has come to an end: what the job needs to know of it."""

    index: int
    attempt: int
    outcome: Outcome
    name: str
    error: Mapping[str, str] | None = None

    def as_recent(self) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "file_id": file_id(self.index),
            "name": self.name,
            "status": self.outcome.name.lower(),
        }
        return entry | ({"error": dict(self.error)} if self.error else {})


@dataclass(frozen=True, slots=True)
class Job:
    """spans: of the uploads listed so far, by upload index. total: None until all are listed.

    attempt: rises with each retry; the files it takes up again get its number.
    """

    job_id: str
    job_type: str
    options: str
    token_hash: str
    uploads: int
    created_at: float
    updated_at: float
    expires_at: float
    status: JobStatus = JobStatus.AWAITING_UPLOAD
    spans: Mapping[int, Span] = field(default_factory=dict)
    total: int | None = None
    tally: bytes = b""
    counts: Counts = Counts()
    recent: Sequence[Mapping[str, Any]] = ()
    sequence: int = 1
    archive: Archive = Archive()
    error: Mapping[str, str] | None = None
    attempt: int = 1

    def image_listed(self, upload: int) -> Job:
        """The upload is one photo (or nothing that can be read), under its own index."""
        return self._with_span(upload, Span(upload, 1, 1))

    def archive_listed(self, upload: int, length: int, files: int) -> Job:
        """The upload is a ZIP with `files` files in `length` indices, behind all given out."""
        return self._with_span(upload, Span(self.next_index, length, files))

    @property
    def next_index(self) -> int:
        """Behind the uploads' own indices and all that were given out."""
        return max([self.uploads, *(span.first + span.length for span in self.spans.values())])

    @property
    def bulk(self) -> bool:
        """By what is listed so far, its photos go the way of the large jobs."""
        return _files(self.spans) > BULK

    @property
    def settled(self) -> bool:
        """Nothing more will happen to it by itself: ended, every file counted, the ZIP made."""
        counted = self.total is not None and self.counts.processed >= self.total
        return self.status.final and counted and self.archive.status is not ArchiveStatus.BUILDING

    def _with_span(self, upload: int, span: Span) -> Job:
        if upload in self.spans or self.status.final:
            return self
        spans = {**self.spans, upload: span}
        total = _files(spans) if len(spans) == self.uploads else None
        waiting = self.status is JobStatus.AWAITING_UPLOAD
        status = JobStatus.QUEUED if waiting else self.status
        return self._next(spans=spans, total=total, status=status)

    def with_events(self, events: Iterable[FileEvent]) -> Job:
        """Files have ended. Any repetition and order of the same events comes to the same."""
        marks: dict[int, int] = {}
        news: list[FileEvent] = []
        for event in events:
            value = tally.mark(event.attempt, event.outcome)
            known = self.tally[event.index] if event.index < len(self.tally) else 0
            if value > max(marks.get(event.index, 0), known):
                marks[event.index] = value
                news.append(event)
        if not marks:
            return self
        merged = tally.merge(self.tally, marks)
        recent = [event.as_recent() for event in news] + list(self.recent)
        return self._next(
            tally=merged,
            counts=tally.count(merged),
            recent=tuple(recent[:RECENT]),
            status=self.status if self.status.final else JobStatus.PROCESSING,
        )

    def cancelled(self) -> Job:
        """What has not begun will not; what is not there yet will not be waited for."""
        if self.status.final:
            return self
        given_up = {upload: Span(upload, 1, 1) for upload in range(self.uploads)}
        spans = {**given_up, **self.spans}
        return self._next(spans=spans, total=_files(spans), status=JobStatus.CANCELLED)

    def retried(self, options: str | None = None) -> Job:
        """Failed and cancelled files are taken up again, with other options where given.

        Raises Conflict: `not_ended`, `nothing_to_retry`, `too_many_attempts`.
        """
        if not self.status.final:
            raise Conflict("not_ended", "The job has not ended; retry it when it has.")
        again = list(tally.indices(self.tally, (Outcome.FAILED, Outcome.CANCELLED)))
        if not again or JobStatus.PROCESSING not in JOB_MOVES[self.status]:
            raise Conflict("nothing_to_retry", "The job has no failed files to retry.")
        attempt = self.attempt + 1
        if attempt > tally.MAX_ATTEMPT:
            raise Conflict("too_many_attempts", "The job was retried too often; make a new one.")
        merged = tally.merge(self.tally, dict.fromkeys(again, tally.mark(attempt, Outcome.PENDING)))
        return self._next(
            status=JobStatus.PROCESSING,
            options=options or self.options,
            attempt=attempt,
            tally=merged,
            counts=tally.count(merged),
            archive=Archive(generation=self.archive.generation),
            error=None,
        )

    def with_archive(self, archive: Archive) -> Job:
        """The archive has moved on, unless a later generation has begun meanwhile."""
        if archive.generation != self.archive.generation or archive == self.archive:
            return self
        return self._next(archive=archive)

    def _next(self, **changes: Any) -> Job:
        moved = replace(self, **changes, sequence=self.sequence + 1, updated_at=clock.now())
        settled = _settled(moved)
        if settled.status is not self.status and settled.status not in JOB_MOVES[self.status]:
            raise ValueError(f"a job does not go from {self.status} to {settled.status}")
        return settled


def _files(spans: Mapping[int, Span]) -> int:
    return sum(span.files for span in spans.values())


def _settled(job: Job) -> Job:
    """The job ends once every one of its files has, and then wants its archive, once."""
    if job.total is None or job.counts.processed < job.total:
        return job
    if job.counts.succeeded == 0:
        ended = job.status.final
        return job if ended else replace(job, status=JobStatus.FAILED, error=_why_nothing(job))
    status = job.status if job.status.final else JobStatus.COMPLETED
    if job.archive.status is not ArchiveStatus.NONE:
        return replace(job, status=status)
    archive = Archive(ArchiveStatus.BUILDING, job.archive.generation + 1)
    return replace(job, status=status, archive=archive)


def _why_nothing(job: Job) -> Mapping[str, str]:
    """The error of a job without one result."""
    if job.counts.failed == 0:
        return DarkroomError(
            "no_photos", "There was no photo among the files; upload photos or a ZIP of them."
        ).as_dict()
    errors = [entry["error"] for entry in job.recent if "error" in entry]
    if job.total == 1 and errors:
        return dict(errors[0])
    return DarkroomError(
        "all_photos_failed",
        f"None of the {job.total} files could be processed; each file says why.",
    ).as_dict()


def file_id(index: int) -> str:
    """Files are numbered within their job, uploads first, then what came out of ZIPs."""
    return f"{index:06d}"
