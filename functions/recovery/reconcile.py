"""The sweep: what does not come to its end by itself is set going again, and ended if it stays.

`due` decides; here is what follows. All of it may be repeated, and raced by whatever moves the job.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, assert_never

from darkroom.endings import (
    NEVER_UPLOADED,
    STALLED,
    cancel_uploads,
    pending_uploads,
    reject_upload,
    uploads_of,
)
from darkroom.files import File
from darkroom.jobs import Job
from darkroom.keys import UploadKey
from darkroom.messages import ArchiveMessage, NudgeMessage, UploadMessage
from darkroom.states import FileStatus, JobStatus
from functions.recovery.due import Action, due
from functions.recovery.failures import fail_archive

if TYPE_CHECKING:
    from darkroom.aws.bucket import Bucket
    from darkroom.aws.index import JobIndex
    from darkroom.aws.queues import Queue
    from darkroom.aws.table import JobTable

QUIET: Final = 15 * 60
"""Seconds: what has stirred since is busy, and is not even read."""


@dataclass(frozen=True, slots=True)
class Reconciler:
    """waiting: whether there is work in the queues that nobody has taken yet."""

    jobs: JobTable
    index: JobIndex
    bucket: Bucket
    ingest: Queue
    lifecycle: Queue
    archives: Queue
    grant_seconds: int
    now: float
    waiting: bool
    out_of_time: Callable[[], bool]

    def due(self) -> Iterator[tuple[Job, Action]]:
        """Jobs that something is due with, the longest quiet first, until time is out."""
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
            case Action.GIVE_UP_UPLOADS:
                self._give_up_unlisted(job)
            case Action.NUDGE:
                self._nudge(job)
            case Action.FAIL:
                self._fail(job)
            case Action.BUILD_AGAIN:
                self.archives.send([_archive_message(job)])
                self._nudged(job)
            case Action.GIVE_UP_ARCHIVE:
                fail_archive(_archive_message(job), self.jobs)
            case Action.NOTHING:
                return
            case _:
                assert_never(action)

    def _look_for_uploads(self, job: Job) -> None:
        """What is in the bucket has lost its event and is told of again; the rest never came."""
        missing = [file for file in uploads_of(job, self.jobs) if file.index in job.unlisted]
        there = {file.index: found for file in missing if (found := self._arrival(file))}
        drop = job.job_type == "drop"  # it did come, or there would be no job
        if not there and not drop and job.status is JobStatus.AWAITING_UPLOAD:
            self.jobs.change(job.job_id, Job.expired)
            return
        for file in missing:
            if file.index not in there:
                reject_upload(file, STALLED if drop else NEVER_UPLOADED, self.jobs)
        if there:
            self.ingest.send(list(there.values()))
            self.jobs.change(job.job_id, Job.nudged)

    def _give_up_unlisted(self, job: Job) -> None:
        for file in uploads_of(job, self.jobs):
            if file.index in job.unlisted:
                reject_upload(file, STALLED, self.jobs)

    def _nudge(self, job: Job) -> None:
        """First the messages: a sweep that dies between sends them again."""
        if job.status.stopped:
            cancel_uploads(job, self.jobs)
        arrivals = [
            found for file in pending_uploads(job, self.jobs) if (found := self._arrival(file))
        ]
        self.ingest.send(arrivals)
        self.lifecycle.send([NudgeMessage(job_id=job.job_id)])
        self._nudged(job)

    def _fail(self, job: Job) -> None:
        """Only what has not moved since it was looked at, and not before its files are walked."""
        if self._nudged(job):
            for file in pending_uploads(job, self.jobs):
                reject_upload(file, STALLED, self.jobs)
            self.lifecycle.send([NudgeMessage(job_id=job.job_id, fail=job.nudges + 1)])

    def _nudged(self, job: Job) -> bool:
        """False where the job has moved meanwhile."""
        _, changed = self.jobs.change(
            job.job_id, lambda now: now.nudged() if now.sequence == job.sequence else now
        )
        return changed

    def _arrival(self, file: File) -> UploadMessage | None:
        """What S3's event would tell of an upload that is in the bucket."""
        if file.status is not FileStatus.AWAITING_UPLOAD:
            return None
        found = self.bucket.find(str(UploadKey(file.job_id, file.file_id, "")))
        if found is None:
            return None
        return UploadMessage(key=found.key, etag=found.etag, size=found.size)


def _archive_message(job: Job) -> ArchiveMessage:
    return ArchiveMessage(job_id=job.job_id, generation=job.archive.generation)
