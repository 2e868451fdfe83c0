"""A job: its states, and every change it can go through. Pure; `aws.table` stores it.

    awaiting_upload → queued → processing → completed | failed | cancelled | expired

Each change returns a new job, or the same one where there is nothing to change, so that a repeat
of any event is harmless. A change that is kept raises `sequence` by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from darkroom import clock, tally
from darkroom.errors import DarkroomError
from darkroom.tally import Counts, Outcome

RECENT = 10
MAX_FILES = 200_000
"""Indices a job may give out, so that its item stays far below DynamoDB's 400 KB."""


class JobStatus(StrEnum):
    AWAITING_UPLOAD = "awaiting_upload"
    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def final(self) -> bool:
        return self in _FINAL


_FINAL = {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.EXPIRED}


class ArchiveStatus(StrEnum):
    NONE = "none"
    BUILDING = "building"
    READY = "ready"
    FAILED = "failed"


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
    """spans: of the uploads listed so far, by upload index. total: None until all are listed."""

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

    def _with_span(self, upload: int, span: Span) -> Job:
        if upload in self.spans or self.status.final:
            return self
        spans = {**self.spans, upload: span}
        total = sum(span.files for span in spans.values()) if len(spans) == self.uploads else None
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

    def with_archive(self, archive: Archive) -> Job:
        """The archive has moved on, unless a later generation has begun meanwhile."""
        if archive.generation != self.archive.generation or archive == self.archive:
            return self
        return self._next(archive=archive)

    def _next(self, **changes: Any) -> Job:
        moved = replace(self, **changes, sequence=self.sequence + 1, updated_at=clock.now())
        return _settled(moved)


def _settled(job: Job) -> Job:
    """The job ends once every one of its files has."""
    if job.status.final or job.total is None or job.counts.processed < job.total:
        return job
    if job.counts.succeeded == 0:
        return replace(job, status=JobStatus.FAILED, error=_why_nothing(job))
    archive = Archive(ArchiveStatus.BUILDING, job.archive.generation + 1)
    return replace(job, status=JobStatus.COMPLETED, archive=archive)


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


def progress_document(job: Job) -> dict[str, Any]:
    """What `GET /jobs/{id}` and the WebSocket tell of a job; under 32 KB."""
    processed = job.counts.processed
    return {
        "type": "progress",
        "job_id": job.job_id,
        "status": job.status.value,
        "sequence": job.sequence,
        "progress": {
            "processed": processed,
            "total": job.total,
            "percentage": round(100 * processed / job.total, 1) if job.total else 0.0,
        },
        "summary": {
            "succeeded": job.counts.succeeded,
            "failed": job.counts.failed,
            "skipped": job.counts.skipped,
        },
        "metadata": {
            "created_at": clock.iso(job.created_at),
            "updated_at": clock.iso(job.updated_at),
            "job_type": job.job_type,
            "file_count": job.uploads,
        },
        "archive": {"status": job.archive.status.value}
        | ({"bytes": job.archive.size} if job.archive.status is ArchiveStatus.READY else {}),
        "recent": [dict(entry) for entry in job.recent],
        "error": dict(job.error) if job.error else None,
    }
