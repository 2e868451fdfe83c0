"""A job, and every change it can go through. Pure; `aws.table` stores it.

Each change returns a new job, or the same one where there is nothing to
change, so that a repeat of any event is harmless. A kept change raises `sequence` by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from darkroom import clock, outcomes
from darkroom.archives import Archive
from darkroom.endings import NOTHING_UPLOADED, verdict
from darkroom.errors import Conflict
from darkroom.outcomes import Counts, Outcome
from darkroom.spans import Span, files_of, recounted
from darkroom.states import JOB_MOVES, ArchiveStatus, JobStatus
from darkroom.usage import Usage

RECENT = 10
MAX_FILES = 200_000
"""Indices a job may give out, so that its item stays far below DynamoDB's 400 KB."""
BULK = 50
"""Files up to which a job's photos need not wait behind those of larger jobs."""


@dataclass(frozen=True, slots=True)
class FileEvent:
    """A file has come to an end: what the job needs to know of it. usage: where it succeeded."""

    index: int
    attempt: int
    outcome: Outcome
    name: str
    error: Mapping[str, str] | None = None
    usage: Usage = Usage()

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
    usage: of the files that succeeded, each once. nudges: how often it was set going again since
    it last moved by itself.
    callback_url: whom to tell when the job has settled, if anyone. source: a drop's key.
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
    usage: Usage = Usage()
    nudges: int = 0
    callback_url: str = ""
    source: str = ""

    def image_listed(self, upload: int) -> Job:
        """The upload is one photo (or nothing that can be read), under its own index."""
        return self._with_span(upload, Span(upload, 1, 1))

    def zip_listed(self, upload: int, length: int, files: int) -> Job:
        """The upload is a ZIP with `files` files in `length` indices, after all assigned so far."""
        return self._with_span(upload, Span(self.next_index, length, files))

    def dispatch_failed(self, upload: int, files: int) -> Job:
        """The ZIP was dispatched in part: `files` of its files exist, and it counts as one."""
        span = self.spans.get(upload)
        if span is None:
            return self.image_listed(upload)
        if span.first == upload or span.files == files + 1:
            return self
        spans = {**self.spans, upload: replace(span, files=files + 1)}
        return self._next(spans=spans, total=None if self.total is None else files_of(spans))

    @property
    def next_index(self) -> int:
        """Behind the uploads' own indices and all that were given out."""
        return max([self.uploads, *(span.first + span.length for span in self.spans.values())])

    @property
    def bulk(self) -> bool:
        """By what is listed so far, its photos go the way of the large jobs."""
        return files_of(self.spans) > BULK

    @property
    def settled(self) -> bool:
        """Nothing more will happen to it by itself: ended, every file counted, the ZIP made."""
        building = self.archive.status is ArchiveStatus.BUILDING
        return self.status.final and self.counted and not building

    @property
    def counted(self) -> bool:
        """Every file it has is known, and has ended."""
        return self.total is not None and self.counts.processed >= self.total

    @property
    def unlisted(self) -> set[int]:
        """The uploads that have not come, as far as is known."""
        return set(range(self.uploads)) - self.spans.keys()

    def _with_span(self, upload: int, span: Span) -> Job:
        if upload in self.spans or self.status.final:
            return self
        spans = {**self.spans, upload: span}
        total = files_of(spans) if len(spans) == self.uploads else None
        waiting = self.status is JobStatus.AWAITING_UPLOAD
        status = JobStatus.QUEUED if waiting else self.status
        return self._next(spans=spans, total=total, status=status)

    def with_events(self, events: Iterable[FileEvent]) -> Job:
        """Files have ended. Any repetition and order of the same events comes to the same."""
        marks: dict[int, int] = {}
        news: list[FileEvent] = []
        for event in events:
            value = outcomes.mark(event.attempt, event.outcome)
            known = self.tally[event.index] if event.index < len(self.tally) else 0
            if value > max(marks.get(event.index, 0), known):
                marks[event.index] = value
                news.append(event)
        if not marks:
            return self
        merged = outcomes.merge(self.tally, marks)
        recent = [event.as_recent() for event in news] + list(self.recent)
        return self._next(
            tally=merged,
            counts=outcomes.count(merged),
            recent=tuple(recent[:RECENT]),
            usage=sum((event.usage for event in news), self.usage),
            status=self.status if self.status.final else JobStatus.PROCESSING,
        )

    def cancelled(self) -> Job:
        """What has not begun will not; what is not there yet will not be waited for."""
        return self if self.status.final else self._stopped(JobStatus.CANCELLED)

    def expired(self) -> Job:
        """Nothing was uploaded while it could be; a job that has anything goes on without."""
        if self.status is not JobStatus.AWAITING_UPLOAD:
            return self
        return self._stopped(JobStatus.EXPIRED, error=NOTHING_UPLOADED.as_dict())

    def _stopped(self, status: JobStatus, **changes: Any) -> Job:
        given_up = {upload: Span(upload, 1, 1) for upload in range(self.uploads)}
        spans = {**given_up, **self.spans}
        return self._next(spans=spans, total=files_of(spans), status=status, **changes)

    def nudged(self) -> Job:
        """It was set going again; any other change is a movement, and the count begins anew."""
        return self if self.settled else self._next(nudges=self.nudges + 1)

    def closed(self) -> Job:
        """Every file there is has been counted, and no more will come: photos of a ZIP that failed
        before it had dealt them out are not waited for.
        """
        spans = recounted(self.spans, self.tally)
        if spans == self.spans or self.total is None:
            return self
        return self._next(spans=spans, total=files_of(spans))

    def retried(self, options: str | None = None) -> Job:
        """Failed and cancelled files are taken up again, with other options where given.

        Raises Conflict: `not_ended`, `nothing_to_retry`, `too_many_attempts`.
        """
        if not self.status.final:
            raise Conflict("not_ended", "The job has not ended; retry it when it has.")
        again = list(outcomes.indices(self.tally, (Outcome.FAILED, Outcome.CANCELLED)))
        if not again or JobStatus.PROCESSING not in JOB_MOVES[self.status]:
            raise Conflict("nothing_to_retry", "The job has no failed files to retry.")
        attempt = self.attempt + 1
        if attempt > outcomes.MAX_ATTEMPT:
            raise Conflict("too_many_attempts", "The job was retried too often; make a new one.")
        pending = dict.fromkeys(again, outcomes.mark(attempt, Outcome.PENDING))
        merged = outcomes.merge(self.tally, pending)
        return self._next(
            status=JobStatus.PROCESSING,
            options=options or self.options,
            attempt=attempt,
            tally=merged,
            counts=outcomes.count(merged),
            archive=Archive(generation=self.archive.generation),
            error=None,
        )

    def with_archive(self, archive: Archive) -> Job:
        """The archive has moved on, unless a later generation has begun meanwhile."""
        if archive.generation != self.archive.generation or archive == self.archive:
            return self
        return self._next(archive=archive)

    def _next(self, **changes: Any) -> Job:
        changes = {"nudges": 0, **changes, "sequence": self.sequence + 1}
        moved = replace(self, **changes, updated_at=clock.now())
        settled = _settled(moved)
        if settled.status is not self.status and settled.status not in JOB_MOVES[self.status]:
            raise ValueError(f"a job does not go from {self.status} to {settled.status}")
        return settled


def _settled(job: Job) -> Job:
    """The job ends once every one of its files has, and then wants its archive, once."""
    if not job.counted:
        return job
    if job.counts.succeeded == 0:
        why = verdict(job.counts, job.total, job.recent)
        return job if job.status.final else replace(job, status=JobStatus.FAILED, error=why)
    status = job.status if job.status.final else JobStatus.COMPLETED
    if job.archive.status is not ArchiveStatus.NONE:
        return replace(job, status=status)
    archive = Archive(ArchiveStatus.BUILDING, job.archive.generation + 1)
    return replace(job, status=status, archive=archive)


def file_id(index: int) -> str:
    """Files are numbered within their job, uploads first, then what came out of ZIPs."""
    return f"{index:06d}"
