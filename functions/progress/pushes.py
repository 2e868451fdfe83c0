"""Pushing progress documents to the followers of a job."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from darkroom.jobs import Job
from darkroom.progress import progress_document
from functions.progress.job_changes import Change

if TYPE_CHECKING:
    from darkroom.aws.connections import Connections

Push: TypeAlias = tuple[str, Mapping[str, Any]]
"""A connection, and the document for it."""

AT_ONCE: Final = 32
SECONDS: Final = 10.0
"""For all pushes of a batch. The changes of the next second wait for them."""

logger = logging.getLogger(__name__)


def push(changes: Sequence[Change], connections: Connections, seconds: float = SECONDS) -> None:
    """Send each job's newest document to its followers, many at once.

    It never raises. A push that fails costs its follower this document, and nobody anything else.
    """
    pushes = _fairly([_pushes(job, connections) for job in latest(changes)])
    if not pushes:
        return
    pool = ThreadPoolExecutor(min(AT_ONCE, len(pushes)))
    sent = [pool.submit(_send, connections, *each) for each in pushes]
    late = wait(sent, seconds).not_done
    pool.shutdown(wait=False, cancel_futures=True)
    if late:
        logger.warning("%d of %d followers were not reached in time", len(late), len(pushes))


def latest(changes: Sequence[Change]) -> list[Job]:
    """Each job once, as of its newest change. Deleted jobs are left out."""
    newest: dict[str, Job] = {}
    for _, job in changes:
        if job and (job.job_id not in newest or job.sequence > newest[job.job_id].sequence):
            newest[job.job_id] = job
    return list(newest.values())


def _pushes(job: Job, connections: Connections) -> list[Push]:
    try:
        followers = connections.followers(job.job_id)
    except Exception:
        logger.exception("The followers of job %s were not read", job.job_id)
        return []
    document = progress_document(job)
    return [(connection, document) for connection in followers]


def _fairly(jobs: Sequence[Sequence[Push]]) -> list[Push]:
    """The pushes of all jobs in turn, so that no job's followers wait for those of another."""
    return [each for each in chain.from_iterable(zip_longest(*jobs)) if each]


def _send(connections: Connections, connection: str, document: Mapping[str, Any]) -> None:
    try:
        connections.send(connection, document)
    except Exception:
        logger.exception("A push failed")
