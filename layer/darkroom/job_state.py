"""What follows from a job's counts: its status, its archive, and retries of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from darkroom.endings import verdict
from darkroom.states import ArchiveStatus, JobStatus

if TYPE_CHECKING:
    from darkroom.jobs import Job


@dataclass(frozen=True, slots=True)
class Retry:
    """A retry that has been asked for, until all its files have been queued again.

    id: the job's sequence when it was asked for. files: the ids of the chosen files, whatever their
    outcome; empty for all that failed or were cancelled. options: JSON, or None to keep them.
    cancelled_only: for those alone that a cancel reached after the job had been retried.
    """

    id: int
    files: tuple[str, ...] = ()
    options: str | None = None
    cancelled_only: bool = False


def derived(job: Job) -> Job:
    """The job with the status and the archive that follow from its counts."""
    if not job.counted:
        return replace(job, status=_running(job))
    if job.counts.cancelled and not job.status.stopped:
        # A cancel that was under way has reached files after the job was retried.
        late = Retry(job.sequence, cancelled_only=True)
        return replace(job, status=JobStatus.PROCESSING, retries=(late,))
    if job.counts.succeeded == 0:
        error = verdict(job.counts, job.total, job.recent)
        return job if job.status.final else replace(job, status=JobStatus.FAILED, error=error)
    status = job.status if job.status.final else JobStatus.COMPLETED
    if job.archive.status is not ArchiveStatus.NONE:
        return replace(job, status=status)
    return replace(job, status=status, archive=job.archive.begun())


def _running(job: Job) -> JobStatus:
    if job.status.final:
        return job.status
    counts = job.counts
    if counts.processed or job.status is JobStatus.PROCESSING:
        return JobStatus.PROCESSING
    return JobStatus.QUEUED if counts.arrived else job.status
