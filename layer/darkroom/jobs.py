"""A job and every change it can go through. Pure; `aws.table` stores it.

Each change returns a new job, or the same one if nothing changes, so that repeating an event is
harmless. A change that is stored raises `sequence` by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from darkroom import clock
from darkroom.archives import Archive
from darkroom.endings import NOTHING_UPLOADED
from darkroom.errors import Conflict
from darkroom.job_state import Retry, derived
from darkroom.outcomes import Counts
from darkroom.spans import BLOCK, Span, blocks_in, files_of
from darkroom.states import JOB_MOVES, ArchiveStatus, JobStatus
from darkroom.tallies import PAGE, FileEvent, Summary, TallyPage
from darkroom.usage import Usage

RECENT = 10
MAX_FILES = 200_000
"""File indices a job may assign. A job's tally then has at most 40 pages."""
BULK = 50
"""A job with more files than this uses the bulk queue, so that smaller jobs do not wait for it."""
MAX_RETRIES_UNDER_WAY = 20


@dataclass(frozen=True, slots=True)
class Job:
    """uploads: the number of files to be uploaded, declared when the job was created. They have the
    first indices; the entries of ZIPs follow. grants_until: when the latest upload grant ends.

    spans: of the ZIPs listed so far. pages: of the tally, by number. attempt: rises each time that
    a job which had settled is retried. retries: those under way. nudges: nudges since the job last
    moved. callback_url: receives a webhook when the job has settled; empty for none. source,
    source_etag: a drop's object. legacy: whether version 0.1 made it, which kept its files, and
    its tally (`old_tally`), elsewhere.
    """

    job_id: str
    job_type: str
    options: str
    token_hash: str
    uploads: int
    created_at: float
    updated_at: float
    expires_at: float
    grants_until: float = 0.0
    status: JobStatus = JobStatus.AWAITING_UPLOAD
    spans: Sequence[Span] = ()
    pages: Mapping[int, Summary] = field(default_factory=dict)
    recent: Sequence[Mapping[str, Any]] = ()
    sequence: int = 1
    archive: Archive = Archive()
    error: Mapping[str, str] | None = None
    attempt: int = 1
    retries: Sequence[Retry] = ()
    nudges: int = 0
    callback_url: str = ""
    source: str = ""
    source_etag: str = ""
    legacy: bool = False
    old_tally: bytes = b""

    @property
    def counts(self) -> Counts:
        return sum((page.counts for page in self.pages.values()), Counts())

    @property
    def usage(self) -> Usage:
        """Of the files whose latest attempt has succeeded, each counted once."""
        return sum((page.usage for page in self.pages.values()), Usage())

    @property
    def total(self) -> int | None:
        """How many files there are, without ZIPs; None until every upload has been listed."""
        counts = self.counts
        if counts.arrived < self.uploads:
            return None
        return self.uploads - counts.zips + files_of(self.spans)

    @property
    def counted(self) -> bool:
        """Whether every file of the job is known and has ended, and none is to be retried."""
        total = self.total
        return total is not None and self.counts.processed >= total and not self.retries

    @property
    def settled(self) -> bool:
        """Whether all work is done: job ended, every file counted, no archive being built."""
        building = self.archive.status is ArchiveStatus.BUILDING
        return self.status.final and self.counted and not building

    @property
    def blocks(self) -> int:
        """The number of blocks of files: those of the uploads, then those of the ZIPs' entries."""
        return max([blocks_in(self.uploads), *(blocks_in(span.end) for span in self.spans)])

    @property
    def next_index(self) -> int:
        """The index at which the entries of the next ZIP begin."""
        return self.blocks * BLOCK

    @property
    def bulk(self) -> bool:
        """Whether its photos go to the bulk queue, judging by the ZIPs listed so far."""
        zips = len({span.upload for span in self.spans})
        return self.uploads - zips + files_of(self.spans) > BULK

    def span_of(self, upload: int, etag: str) -> Span | None:
        """The span of a ZIP that has been listed."""
        return next((s for s in self.spans if s.upload == upload and s.etag in ("", etag)), None)

    def zip_listed(self, upload: int, etag: str, length: int, files: int) -> Job:
        """Record that the upload is a ZIP: `files` files in the next `length` free indices."""
        known = self.span_of(upload, etag)
        if known is not None:
            return self.zip_recounted(known, files)
        span = Span(upload, self.next_index, length, files, etag)
        return self._next(spans=(*self.spans, span))

    def zip_recounted(self, span: Span, files: int) -> Job:
        """Record how many files of a ZIP there are, or will be."""
        if span.files == files or span not in self.spans:
            return self
        changed = replace(span, files=files)
        return self._next(spans=tuple(changed if each == span else each for each in self.spans))

    def with_pages(self, pages: Iterable[TallyPage], events: Iterable[FileEvent] = ()) -> Job:
        """Take over the counts of pages of the tally of which no later version is known.

        events: those that the pages have just recorded, latest first; the ended ones become
        `recent`, unless another attempt of their file has begun.
        """
        newer = {
            page.number: page
            for page in pages
            if page.version > self.pages.get(page.number, Summary()).version
        }
        if not newer:
            return self
        ended = [
            _recent(event)
            for event in events
            if event.outcome.processed
            and (page := newer.get(event.index // PAGE))
            and page.of(event.index) == event.mark
        ]
        summaries = {number: page.summary for number, page in newer.items()}
        return self._next(
            pages={**self.pages, **summaries}, recent=tuple([*ended, *self.recent][:RECENT])
        )

    def granted(self, until: float) -> Job:
        """Record that uploads have been granted until a time (seconds since 1970)."""
        return self if until <= self.grants_until else self._next(grants_until=until)

    def cancelled(self) -> Job:
        """Start no more files, and stop waiting for uploads that have not arrived."""
        return self if self.status.final else self._next(status=JobStatus.CANCELLED)

    def expired(self) -> Job:
        """End a job whose uploads never arrived. A job with any upload continues with those."""
        if self.status is not JobStatus.AWAITING_UPLOAD:
            return self
        return self._next(status=JobStatus.EXPIRED, error=NOTHING_UPLOADED.as_dict())

    def nudged(self) -> Job:
        """Count a nudge. Any other change shows that the job moves, and resets the count."""
        return self if self.settled else self._next(nudges=self.nudges + 1)

    def retried(self, options: str | None = None, files: Sequence[str] = ()) -> Job:
        """Process files again: those that failed or were cancelled, or the chosen ones.

        Files of other outcomes are left alone unless they are chosen, so a job may be retried while
        it runs. Raises Conflict: `nothing_to_retry`, `retry_under_way`.
        """
        again = self.counts.failed + self.counts.cancelled
        if not files and not again and not self.status.stopped:
            raise Conflict(
                "nothing_to_retry",
                "The job has no failed files; choose files, or create a job.",
            )
        if len(self.retries) >= MAX_RETRIES_UNDER_WAY:
            raise Conflict(
                "retry_under_way",
                "The job's earlier retries have not been queued yet; try again in a minute.",
            )
        return self._reopened(
            Retry(self.sequence, tuple(files), options),
            options=self.options if files or options is None else options,
        )

    def retry_queued(self, retry: int) -> Job:
        """Record that every file of a retry has been queued again."""
        return self.retries_dropped(each for each in self.retries if each.id == retry)

    def retries_dropped(self, retries: Iterable[Retry]) -> Job:
        """Give up retries whose files could not be queued again."""
        dropped = {retry.id for retry in retries}
        left = tuple(each for each in self.retries if each.id not in dropped)
        return self if len(left) == len(self.retries) else self._next(retries=left)

    def with_archive(self, archive: Archive) -> Job:
        """Record the new state of the archive that is being built, and of no other generation."""
        if not self.archive.builds(archive.generation) or archive == self.archive:
            return self
        return self._next(archive=archive)

    def archive_wanted(self) -> Job:
        """Record that somebody waits for the archive that is to be built."""
        if self.archive.status is not ArchiveStatus.BUILDING or self.archive.wanted:
            return self
        return self._next(archive=replace(self.archive, wanted=True))

    def _reopened(self, retry: Retry, **changes: Any) -> Job:
        return self._next(
            status=JobStatus.PROCESSING,
            attempt=self.attempt + self.settled,
            retries=(*self.retries, retry),
            # Corrections to single files come one after another; one archive holds them all.
            archive=self.archive.outdated(wanted=not retry.files),
            error=None,
            **changes,
        )

    def _next(self, **changes: Any) -> Job:
        changes = {"nudges": 0, **changes, "sequence": self.sequence + 1}
        moved = derived(replace(self, **changes, updated_at=clock.now()))
        if moved.status is not self.status and moved.status not in JOB_MOVES[self.status]:
            raise ValueError(f"a job cannot move from {self.status} to {moved.status}")
        return moved


def _recent(event: FileEvent) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "file_id": file_id(event.index),
        "name": event.name,
        "status": event.outcome.name.lower(),
    }
    return entry | ({"error": dict(event.error)} if event.error else {})


def file_id(index: int) -> str:
    """The id of a file. Files are numbered within their job: uploads first, then ZIP entries."""
    return f"{index:06d}"
