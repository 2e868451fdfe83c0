"""The states of jobs and files, and the legal moves between them.

    job     awaiting_upload → queued → processing → completed | failed | cancelled | expired
    file    awaiting_upload → queued → succeeded | failed | skipped | cancelled
            awaiting_upload → expanding → expanded      (a ZIP: its photos are files too)

A job may end from any earlier state, and a retry moves it back to processing. A retry moves files
that have ended back to queued, or to awaiting_upload if their bytes are to be taken from the bucket
anew. Every write to the table is conditional on the state it moves from.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from darkroom.outcomes import Outcome


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

    @property
    def stopped(self) -> bool:
        """Whether its remaining files end as cancelled instead of being started."""
        return self in (JobStatus.CANCELLED, JobStatus.EXPIRED)


JOB_MOVES: Mapping[JobStatus, frozenset[JobStatus]] = {
    JobStatus.AWAITING_UPLOAD: frozenset(
        {
            JobStatus.QUEUED,
            JobStatus.PROCESSING,
            JobStatus.COMPLETED,
            JobStatus.FAILED,
            JobStatus.CANCELLED,
            JobStatus.EXPIRED,
        }
    ),
    JobStatus.QUEUED: frozenset(
        {JobStatus.PROCESSING, JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED}
    ),
    JobStatus.PROCESSING: frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED}),
    JobStatus.COMPLETED: frozenset({JobStatus.PROCESSING}),
    JobStatus.FAILED: frozenset({JobStatus.PROCESSING}),
    JobStatus.CANCELLED: frozenset({JobStatus.PROCESSING}),
    JobStatus.EXPIRED: frozenset({JobStatus.PROCESSING}),
}
_FINAL = {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.EXPIRED}


class ArchiveStatus(StrEnum):
    NONE = "none"
    BUILDING = "building"
    READY = "ready"
    FAILED = "failed"


class FileStatus(StrEnum):
    AWAITING_UPLOAD = "awaiting_upload"
    QUEUED = "queued"
    EXPANDING = "expanding"
    EXPANDED = "expanded"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"

    @property
    def outcome(self) -> Outcome:
        """The outcome under which the file is counted."""
        return Outcome.__members__.get(self.name, Outcome.PENDING)


_AGAIN = frozenset({FileStatus.QUEUED, FileStatus.AWAITING_UPLOAD, FileStatus.FAILED})
FILE_MOVES: Mapping[FileStatus, frozenset[FileStatus]] = {
    FileStatus.AWAITING_UPLOAD: frozenset(
        {FileStatus.QUEUED, FileStatus.EXPANDING, FileStatus.FAILED, FileStatus.CANCELLED}
    ),
    FileStatus.QUEUED: frozenset(
        {FileStatus.SUCCEEDED, FileStatus.FAILED, FileStatus.SKIPPED, FileStatus.CANCELLED}
    ),
    FileStatus.EXPANDING: frozenset({FileStatus.EXPANDED, FileStatus.FAILED}),
    FileStatus.FAILED: _AGAIN,
    FileStatus.CANCELLED: _AGAIN,
    FileStatus.SUCCEEDED: frozenset({FileStatus.QUEUED}),
    FileStatus.SKIPPED: frozenset(),
    FileStatus.EXPANDED: frozenset(),
}
