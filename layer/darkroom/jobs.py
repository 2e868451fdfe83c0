"""A job and every change it can go through. Pure; `aws.table` stores it.

Each change returns a new job, or the same one if nothing changes, so that repeating an event is
harmless. A change that is stored raises `sequence` by one.
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
"""File indices a job may assign, so that its item stays far below DynamoDB's limit of 400 KB."""
BULK = 50
"""A job with more files than this uses the bulk queue, so that smaller jobs do not wait for it."""


@dataclass(frozen=True, slots=True)
class FileEvent:
    """The end of a file, as its job records it. usage: set only if the file succeeded."""

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

    attempt: rises with each retry; the files that it requeues get its number.
    usage: of the files that succeeded, each counted once. nudges: nudges since the job last moved.
    callback_url: receives a webhook when the job has settled; empty for none. source: a drop's key.
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
        """Record that the upload is one photo, or unreadable: one file under its own index."""
        return self._with_span(upload, Span(upload, 1, 1))

    def zip_listed(self, upload: int, length: int, files: int) -> Job:
        """Record that the upload is a ZIP: `files` files in the next `length` free indices."""
        return self._with_span(upload, Span(self.next_index, length, files))

    def dispatch_failed(self, upload: int, files: int) -> Job:
        """Record a partly dispatched ZIP: `files` of its files exist, and it is one more itself."""
        span = self.spans.get(upload)
        if span is None:
            return self.image_listed(upload)
        if span.first == upload or span.files == files + 1:
            return self
        spans = {**self.spans, upload: replace(span, files=files + 1)}
        return self._next(spans=spans, total=None if self.total is None else files_of(spans))

    @property
    def next_index(self) -> int:
        """The next free index, after the uploads' own indices and all those assigned."""
        return max([self.uploads, *(span.first + span.length for span in self.spans.values())])

    @property
    def bulk(self) -> bool:
        """Whether its photos go to the bulk queue, judging by the uploads listed so far."""
        return files_of(self.spans) > BULK

    @property
    def settled(self) -> bool:
        """Whether all work is done: job ended, every file counted, no archive being built."""
        building = self.archive.status is ArchiveStatus.BUILDING
        return self.status.final and self.counted and not building

    @property
    def counted(self) -> bool:
        """Whether every file of the job is known and has ended."""
        return self.total is not None and self.counts.processed >= self.total

    @property
    def unlisted(self) -> set[int]:
        """The indices of the uploads that, as far as the job knows, have not arrived."""
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
        """Count files that have ended. Repeating or reordering events gives the same counts."""
        marks: dict[int, int] = {}
        new_events: list[FileEvent] = []
        for event in events:
            value = outcomes.mark(event.attempt, event.outcome)
            known = self.tally[event.index] if event.index < len(self.tally) else 0
            if value > max(marks.get(event.index, 0), known):
                marks[event.index] = value
                new_events.append(event)
        if not marks:
            return self
        merged = outcomes.merge(self.tally, marks)
        recent = [event.as_recent() for event in new_events] + list(self.recent)
        return self._next(
            tally=merged,
            counts=outcomes.count(merged),
            recent=tuple(recent[:RECENT]),
            usage=sum((event.usage for event in new_events), self.usage),
            status=self.status if self.status.final else JobStatus.PROCESSING,
        )

    def cancelled(self) -> Job:
        """Start no more files, and stop waiting for uploads that have not arrived."""
        return self if self.status.final else self._stopped(JobStatus.CANCELLED)

    def expired(self) -> Job:
        """End a job whose uploads never arrived. A job with any upload continues with those."""
        if self.status is not JobStatus.AWAITING_UPLOAD:
            return self
        return self._stopped(JobStatus.EXPIRED, error=NOTHING_UPLOADED.as_dict())

    def _stopped(self, status: JobStatus, **changes: Any) -> Job:
        abandoned = {upload: Span(upload, 1, 1) for upload in range(self.uploads)}
        spans = {**abandoned, **self.spans}
        return self._next(spans=spans, total=files_of(spans), status=status, **changes)

    def nudged(self) -> Job:
        """Count a nudge. Any other change shows that the job moves, and resets the count."""
        return self if self.settled else self._next(nudges=self.nudges + 1)

    def closed(self) -> Job:
        """Stop waiting for photos of a ZIP that failed before it was fully dispatched.

        To be called when every file that exists has been counted.
        """
        spans = recounted(self.spans, self.tally)
        if spans == self.spans or self.total is None:
            return self
        return self._next(spans=spans, total=files_of(spans))

    def retried(self, options: str | None = None) -> Job:
        """Requeue failed and cancelled files, with new options if given.

        Raises Conflict: `not_ended`, `nothing_to_retry`, `too_many_attempts`.
        """
        if not self.status.final:
            raise Conflict("not_ended", "The job has not ended; wait for its end, then retry it.")
        requeued = list(outcomes.indices(self.tally, (Outcome.FAILED, Outcome.CANCELLED)))
        if not requeued or JobStatus.PROCESSING not in JOB_MOVES[self.status]:
            raise Conflict("nothing_to_retry", "The job has no failed files; create a new job.")
        attempt = self.attempt + 1
        if attempt > outcomes.MAX_ATTEMPT:
            raise Conflict("too_many_attempts", "The job was retried too often; create a new job.")
        pending = dict.fromkeys(requeued, outcomes.mark(attempt, Outcome.PENDING))
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
        """Record the archive's new state, unless a later generation has begun meanwhile."""
        if archive.generation != self.archive.generation or archive == self.archive:
            return self
        return self._next(archive=archive)

    def _next(self, **changes: Any) -> Job:
        changes = {"nudges": 0, **changes, "sequence": self.sequence + 1}
        moved = replace(self, **changes, updated_at=clock.now())
        settled = _settled(moved)
        if settled.status is not self.status and settled.status not in JOB_MOVES[self.status]:
            raise ValueError(f"a job cannot move from {self.status} to {settled.status}")
        return settled


def _settled(job: Job) -> Job:
    """End the job if all its files have ended, and request its archive if there is none."""
    if not job.counted:
        return job
    if job.counts.succeeded == 0:
        error = verdict(job.counts, job.total, job.recent)
        return job if job.status.final else replace(job, status=JobStatus.FAILED, error=error)
    status = job.status if job.status.final else JobStatus.COMPLETED
    if job.archive.status is not ArchiveStatus.NONE:
        return replace(job, status=status)
    archive = Archive(ArchiveStatus.BUILDING, job.archive.generation + 1)
    return replace(job, status=status, archive=archive)


def file_id(index: int) -> str:
    """The id of a file. Files are numbered within their job: uploads first, then ZIP entries."""
    return f"{index:06d}"
