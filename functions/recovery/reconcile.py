"""Reconciling stalled jobs: retry what was lost, and fail what stays stalled.

`due` decides on an action and `Reconciler` takes it. Every action is idempotent, and safe if the
job changes at the same time.
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
"""Seconds: a job that has changed more recently is busy, and is not read."""


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Find the jobs for which an action is due, and take it.

    waiting: whether messages are waiting in the queues.
    """

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
            case Action.FAIL_UPLOADS:
                self._fail_unlisted(job)
            case Action.NUDGE:
                self._nudge(job)
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
        """Dispatch uploads that are in the bucket, since their event was lost; fail the others."""
        missing = [file for file in uploads_of(job, self.jobs) if file.index in job.unlisted]
        arrived = {file.index: upload for file in missing if (upload := self._arrival(file))}
        drop = job.job_type == "drop"  # its upload did arrive, or the job would not exist
        if not arrived and not drop and job.status is JobStatus.AWAITING_UPLOAD:
            self.jobs.change(job.job_id, Job.expired)
            return
        for file in missing:
            if file.index not in arrived:
                reject_upload(file, STALLED if drop else NEVER_UPLOADED, self.jobs)
        if arrived:
            self.ingest.send(list(arrived.values()))
            self.jobs.change(job.job_id, Job.nudged)

    def _fail_unlisted(self, job: Job) -> None:
        for file in uploads_of(job, self.jobs):
            if file.index in job.unlisted:
                reject_upload(file, STALLED, self.jobs)

    def _nudge(self, job: Job) -> None:
        """Send the messages before recording the nudge, so that a sweep that dies repeats both."""
        if job.status.stopped:
            cancel_uploads(job, self.jobs)
        arrivals = [
            upload for file in pending_uploads(job, self.jobs) if (upload := self._arrival(file))
        ]
        self.ingest.send(arrivals)
        self.lifecycle.send([NudgeMessage(job_id=job.job_id)])
        self._nudged(job)

    def _fail(self, job: Job) -> None:
        """Fail the rest of a job, unless it has changed since it was read.

        Uploads are failed here, files by the lifecycle queue, which walks them.
        """
        if self._nudged(job):
            for file in pending_uploads(job, self.jobs):
                reject_upload(file, STALLED, self.jobs)
            self.lifecycle.send([NudgeMessage(job_id=job.job_id, fail=job.nudges + 1)])

    def _nudged(self, job: Job) -> bool:
        """Record a nudge. False if the job has changed meanwhile."""
        _, changed = self.jobs.change(
            job.job_id, lambda now: now.nudged() if now.sequence == job.sequence else now
        )
        return changed

    def _arrival(self, file: File) -> UploadMessage | None:
        """The message of a lost S3 event; None if the upload is not in the bucket."""
        if file.status is not FileStatus.AWAITING_UPLOAD:
            return None
        stored = self.bucket.find(str(UploadKey(file.job_id, file.file_id, "")))
        if stored is None:
            return None
        return UploadMessage(key=stored.key, etag=stored.etag, size=stored.size)


def _archive_message(job: Job) -> ArchiveMessage:
    return ArchiveMessage(job_id=job.job_id, generation=job.archive.generation)
