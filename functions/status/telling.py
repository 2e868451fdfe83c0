"""What follows from a change of a job: documents to its followers, and its archive.

Whatever changes a job, wherever, this is the one place that acts on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from darkroom.jobs import Job
from darkroom.messages import ArchiveMessage
from darkroom.progress import progress_document
from darkroom.states import ArchiveStatus

if TYPE_CHECKING:
    from darkroom.aws.connections import Connections
    from darkroom.aws.queues import Queue


class Change(NamedTuple):
    """before: None for a new job."""

    before: Job | None
    after: Job


def tell(changes: Sequence[Change], connections: Connections, archives: Queue) -> None:
    archives.send([request for change in changes if (request := archive_request(change))])
    for job in latest(changes):
        document = progress_document(job)
        for connection in connections.followers(job.job_id):
            connections.send(connection, document)


def archive_request(change: Change) -> ArchiveMessage | None:
    """A new generation of the archive is wanted."""
    before, after = change
    wanted = after.archive.status is ArchiveStatus.BUILDING
    if not wanted or (before and before.archive.generation == after.archive.generation):
        return None
    return ArchiveMessage(job_id=after.job_id, generation=after.archive.generation)


def latest(changes: Sequence[Change]) -> list[Job]:
    """Of each job only its newest document is worth sending."""
    newest: dict[str, Job] = {}
    for _, job in changes:
        known = newest.get(job.job_id)
        if known is None or job.sequence > known.sequence:
            newest[job.job_id] = job
    return list(newest.values())
