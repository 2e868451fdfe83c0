"""Pushing progress documents to the followers of a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from darkroom.jobs import Job
from darkroom.progress import progress_document
from functions.progress.job_changes import Change

if TYPE_CHECKING:
    from darkroom.aws.connections import Connections


def push(changes: Sequence[Change], connections: Connections) -> None:
    """Send each job's newest document to its followers."""
    for job in latest(changes):
        document = progress_document(job)
        for connection in connections.followers(job.job_id):
            connections.send(connection, document)


def latest(changes: Sequence[Change]) -> list[Job]:
    """Each job once, as of its newest change. Deleted jobs are left out."""
    newest: dict[str, Job] = {}
    for _, job in changes:
        if job and (job.job_id not in newest or job.sequence > newest[job.job_id].sequence):
            newest[job.job_id] = job
    return list(newest.values())
