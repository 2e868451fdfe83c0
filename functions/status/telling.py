"""What follows from a change of a job.

Whatever changes a job, wherever, this is the one place that acts on it: documents to followers,
the archive, uploads that a cancel no longer waits for, a retry's files, a deleted job's remains,
the event and the webhook of a job that has settled. All of it may be repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from darkroom.jobs import Job
from darkroom.messages import ArchiveMessage, ForgetMessage, RetryMessage
from darkroom.progress import progress_document
from darkroom.states import ArchiveStatus
from functions.status.giving_up import give_up_uploads

if TYPE_CHECKING:
    from darkroom.aws.connections import Connections
    from darkroom.aws.queues import Queue
    from darkroom.aws.table import JobTable
    from functions.status.completion import Completions


Request = TypeVar("Request")


class Change(NamedTuple):
    """before: None for a new job. after: None for a deleted one."""

    before: Job | None
    after: Job | None


@dataclass(frozen=True, slots=True)
class Telling:
    jobs: JobTable
    connections: Connections
    archives: Queue
    intake: Queue
    completions: Completions

    def tell(self, changes: Sequence[Change]) -> None:
        self.archives.send(_all(archive_request(change) for change in changes))
        self.intake.send(_all(rework_request(change) for change in changes))
        for job in stopped(changes):
            give_up_uploads(job, self.jobs)
        self.completions.tell(settled(changes))
        for job in latest(changes):
            document = progress_document(job)
            for connection in self.connections.followers(job.job_id):
                self.connections.send(connection, document)


def archive_request(change: Change) -> ArchiveMessage | None:
    """A new generation of the archive is wanted."""
    before, after = change
    if after is None or after.archive.status is not ArchiveStatus.BUILDING:
        return None
    if before and before.archive.generation == after.archive.generation:
        return None
    return ArchiveMessage(job_id=after.job_id, generation=after.archive.generation)


def rework_request(change: Change) -> RetryMessage | ForgetMessage | None:
    """The job was deleted (or has expired from the table), or is tried again."""
    before, after = change
    if before and after is None:
        return ForgetMessage(forget=before.job_id)
    if before and after and after.attempt > before.attempt:
        return RetryMessage(retry=after.job_id, attempt=after.attempt)
    return None


def stopped(changes: Sequence[Change]) -> list[Job]:
    """Jobs that have just been cancelled, or have expired."""
    return [
        after
        for before, after in changes
        if after and after.status.stopped and not (before and before.status.stopped)
    ]


def settled(changes: Sequence[Change]) -> list[Job]:
    """Jobs to which nothing more will happen, as of this change; a retry settles once more."""
    return [
        after
        for before, after in changes
        if after and after.settled and not (before and before.settled)
    ]


def latest(changes: Sequence[Change]) -> list[Job]:
    """Of each job only its newest document is worth sending."""
    newest: dict[str, Job] = {}
    for _, job in changes:
        if job and (job.job_id not in newest or job.sequence > newest[job.job_id].sequence):
            newest[job.job_id] = job
    return list(newest.values())


def _all(messages: Iterable[Request | None]) -> list[Request]:
    return [message for message in messages if message is not None]
