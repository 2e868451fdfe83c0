"""The consequences of a job's change.

A function that changes a job only writes the job. This module alone acts on the change: it requests
the archive, sends retries and deletions to the lifecycle queue, cancels uploads that are no longer
waited for, and announces a job that has settled. Every step is idempotent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from darkroom.endings import cancel_uploads
from darkroom.jobs import Job
from darkroom.messages import ArchiveMessage, ForgetMessage, RetryMessage
from darkroom.states import ArchiveStatus

if TYPE_CHECKING:
    from darkroom.aws.queues import Queue
    from darkroom.aws.table import JobTable
    from functions.progress.completion import Completions


T = TypeVar("T")


class Change(NamedTuple):
    """A job before and after a write. before: None for a new job. after: None for a deleted one."""

    before: Job | None
    after: Job | None


@dataclass(frozen=True, slots=True)
class JobChangeHandler:
    jobs: JobTable
    archives: Queue
    lifecycle: Queue
    completions: Completions

    def handle(self, changes: Sequence[Change]) -> None:
        self.archives.send(_present(archive_request(change) for change in changes))
        self.lifecycle.send(_present(lifecycle_request(change) for change in changes))
        for job in stopped(changes):
            cancel_uploads(job, self.jobs)
        self.completions.announce(settled(changes))


def archive_request(change: Change) -> ArchiveMessage | None:
    """The message that requests a new generation of the archive, if the change needs one."""
    before, after = change
    if after is None or after.archive.status is not ArchiveStatus.BUILDING:
        return None
    if before and before.archive.generation == after.archive.generation:
        return None
    return ArchiveMessage(job_id=after.job_id, generation=after.archive.generation)


def lifecycle_request(change: Change) -> RetryMessage | ForgetMessage | None:
    """The message for a job that was retried or deleted, by a client or by its TTL."""
    before, after = change
    if before and after is None:
        return ForgetMessage(job_id=before.job_id)
    if before and after and after.attempt > before.attempt:
        return RetryMessage(job_id=after.job_id, attempt=after.attempt)
    return None


def stopped(changes: Sequence[Change]) -> list[Job]:
    """The jobs that these changes cancelled or expired."""
    return [
        after
        for before, after in changes
        if after and after.status.stopped and not (before and before.status.stopped)
    ]


def settled(changes: Sequence[Change]) -> list[Job]:
    """The jobs that settled with these changes. A retried job settles once more."""
    return [
        after
        for before, after in changes
        if after and after.settled and not (before and before.settled)
    ]


def _present(messages: Iterable[T | None]) -> list[T]:
    return [message for message in messages if message is not None]
