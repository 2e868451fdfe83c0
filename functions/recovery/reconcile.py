"""Reconciling stalled jobs: retry what was lost, and fail what stays stalled.

`due` decides on an action and `Reconciler` takes it. Every action is idempotent, and safe if the
job changes at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, assert_never

from darkroom.jobs import Job
from darkroom.keys import UPLOADS
from darkroom.messages import ArchiveMessage, NudgeMessage
from darkroom.states import JobStatus
from functions.recovery.due import Action, due
from functions.recovery.failures import fail_archive

if TYPE_CHECKING:
    from darkroom.aws.bucket import Bucket
    from darkroom.aws.index import JobIndex
    from darkroom.aws.queues import Queue
    from darkroom.aws.table import JobTable

QUIET: Final = 15 * 60
"""Seconds: a job that has changed more recently is busy, and is not read."""


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Find the jobs for which an action is due, and take it.

    waiting: whether messages are waiting in the queues.
    """

    jobs: JobTable
    index: JobIndex
    bucket: Bucket
    lifecycle: Queue
    archives: Queue
    grant_seconds: int
    now: float
    waiting: bool
    out_of_time: Callable[[], bool]

    def due(self) -> Iterator[tuple[Job, Action]]:
        """The jobs for which an action is due, longest unchanged first, until time runs out."""
        for page in self.index.unfinished(self.now - QUIET):
            for job in page:
                if self.out_of_time():
                    return
                action = self._due(job)
                if action is not Action.NOTHING:
                    yield job, action

    def _due(self, job: Job) -> Action:
        return due(job, self.now, waiting=self.waiting, grant_seconds=self.grant_seconds)

    def act(self, job: Job, action: Action) -> None:
        match action:
            case Action.LOOK_FOR_UPLOADS:
                self._look_for_uploads(job)
            case Action.NUDGE:
                self._nudge(job, NudgeMessage(job_id=job.job_id))
            case Action.FAIL:
                self._fail(job)
            case Action.BUILD_AGAIN:
                self.archives.send([_archive_message(job)])
                self._nudged(job)
            case Action.FAIL_ARCHIVE:
                fail_archive(_archive_message(job), self.jobs)
            case Action.NOTHING:
                return
            case _:
                assert_never(action)

    def _look_for_uploads(self, job: Job) -> None:
        """Have uploads that lie in the bucket dispatched: their event was lost.

        The others fail. A job of which nothing has arrived expires. A drop did arrive, or it would
        not exist.
        """
        nothing = job.status is JobStatus.AWAITING_UPLOAD and not job.source
        if nothing and self.bucket.find(f"{UPLOADS}{job.job_id}/") is None:
            self.jobs.change(job.job_id, Job.expired)
        else:
            self._nudge(job, NudgeMessage(job_id=job.job_id, overdue=True))

    def _nudge(self, job: Job, message: NudgeMessage) -> None:
        """Send the message before recording the nudge, so that a sweep that dies repeats both."""
        self.lifecycle.send([message])
        self._nudged(job)

    def _fail(self, job: Job) -> None:
        """Fail the rest of a job, unless it has changed since it was read."""
        if self._nudged(job):
            self.lifecycle.send([NudgeMessage(job_id=job.job_id, fail=job.nudges + 1)])

    def _nudged(self, job: Job) -> bool:
        """Record a nudge. False if the job has changed meanwhile."""
        _, changed = self.jobs.change(
            job.job_id, lambda now: now.nudged() if now.sequence == job.sequence else now
        )
        return changed


def _archive_message(job: Job) -> ArchiveMessage:
    return ArchiveMessage(job_id=job.job_id, generation=job.archive.generation)
