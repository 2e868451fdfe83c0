"""The consequences of a job's change.

A function that changes a job only writes the job. This module alone acts on the change: it requests
the archive, has the lifecycle queue walk the files of a job that was retried, stopped or deleted,
and announces a job that has settled. Every step is idempotent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from darkroom.access import LINK_SECONDS
from darkroom.jobs import Job
from darkroom.messages import (
    ArchiveMessage,
    ForgetMessage,
    PruneMessage,
    RetryMessage,
    StopMessage,
)
from darkroom.states import ArchiveStatus

if TYPE_CHECKING:
    from darkroom.aws.queues import Queue
    from functions.progress.completion import Completions


LifecycleMessage: TypeAlias = RetryMessage | StopMessage | ForgetMessage | PruneMessage
PAUSE_SECONDS: Final = 60
"""Without a correction, after which the archive is built anew; at once if somebody asks for it."""


class Change(NamedTuple):
    """A job before and after a write. before: None for a new job. after: None for a deleted one."""

    before: Job | None
    after: Job | None


@dataclass(frozen=True, slots=True)
class JobChangeHandler:
    archives: Queue
    lifecycle: Queue
    completions: Completions

    def handle(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if message := archive_request(change):
                self.archives.send([message], delay=archive_delay(change))
        self.lifecycle.send(list(chain.from_iterable(map(lifecycle_requests, changes))))
        self.completions.announce(settled(changes))


def archive_request(change: Change) -> ArchiveMessage | None:
    """The message that requests a generation of the archive, if the change asks for one."""
    before, after = change
    if after is None or after.archive.status is not ArchiveStatus.BUILDING:
        return None
    known = before and before.archive
    if known and (known.generation, known.wanted) == (
        after.archive.generation,
        after.archive.wanted,
    ):
        return None
    return ArchiveMessage(job_id=after.job_id, generation=after.archive.generation)


def archive_delay(change: Change) -> int:
    """Seconds until the archive is built.

    After corrections, which come one after another, it waits until they pause: a later one begins
    another generation, and this one is not built.
    """
    after = change.after
    corrected = after is not None and after.archive.generation > 1 and not after.archive.wanted
    return PAUSE_SECONDS if corrected else 0


def lifecycle_requests(change: Change) -> Iterator[LifecycleMessage]:
    """The messages for a job that was retried, stopped or deleted, by a client or by its TTL."""
    before, after = change
    if after is None:
        if before:
            yield ForgetMessage(
                job_id=before.job_id,
                blocks=before.blocks,
                source=before.source,
                etag=before.source_etag,
            )
        return
    known = {retry.id for retry in before.retries} if before else set()
    for retry in after.retries:
        if retry.id not in known:
            yield RetryMessage(job_id=after.job_id, retry=retry.id)
    if after.status.stopped and not (before and before.status.stopped):
        yield StopMessage(job_id=after.job_id)
    ready = after.archive.status is ArchiveStatus.READY
    if ready and after.archive.generation > 1 and not (before and before.archive == after.archive):
        yield PruneMessage(
            job_id=after.job_id,
            generation=after.archive.generation,
            at=after.updated_at + LINK_SECONDS,
        )


def settled(changes: Sequence[Change]) -> list[Job]:
    """The jobs that settled with these changes. A retried job settles once more."""
    return [
        after
        for before, after in changes
        if after and after.settled and not (before and before.settled)
    ]
