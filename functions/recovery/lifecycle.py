"""The lifecycle of a dispatched job: retries, nudges and deletion.

Every operation is idempotent. All but the deletion continue in a new message when time runs out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from darkroom import keys, outcomes
from darkroom.endings import STALLED
from darkroom.files import File, file_event, image_message
from darkroom.jobs import Job
from darkroom.messages import ForgetMessage, NudgeMessage, RetryMessage
from darkroom.options import Options
from darkroom.states import FileStatus

if TYPE_CHECKING:
    from darkroom.aws.bucket import Bucket
    from darkroom.aws.queues import Lanes, Queue
    from darkroom.aws.table import JobTable

PAGE = 100


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Retry, nudge and delete jobs.

    out_of_time: whether to stop and send a message to `own_queue` for the rest.
    """

    jobs: JobTable
    bucket: Bucket
    lanes: Lanes
    own_queue: Queue
    out_of_time: Callable[[], bool]

    def retry(self, message: RetryMessage) -> None:
        """Requeue every file of the job's new attempt.

        Idempotent: a file that is already in the attempt is sent again only while it is queued.
        """
        job = self.jobs.get(message.job_id)
        if job is None or job.attempt != message.attempt:
            return
        options = Options.model_validate_json(job.options)
        after: str | None = message.after
        while after is not None:
            if self.out_of_time():
                self.own_queue.send([message.model_copy(update={"after": after})])
                return
            page, after = self.jobs.page(message.job_id, limit=PAGE, after=after)
            queued = [self._requeue(file, message.attempt) for file in page]
            self.lanes.send(job, [image_message(file, options) for file in queued if file])

    def _requeue(self, file: File, attempt: int) -> File | None:
        """The file, queued for its new attempt; None if it has nothing to process."""
        if file.attempt == attempt:
            return file if file.status is FileStatus.QUEUED else None
        if file.status not in (FileStatus.FAILED, FileStatus.CANCELLED):
            return None
        self.jobs.requeued(file, attempt)
        requeued = replace(file, status=FileStatus.QUEUED, attempt=attempt, error=None)
        return requeued if file.source else None

    def nudge(self, message: NudgeMessage) -> None:
        """Repair a stalled job, whose stream records or messages may have been lost.

        Files that have ended are counted again, and queued files are sent again; both are
        idempotent. If the message says to fail the job, the files that are left end instead.
        """
        job = self.jobs.get(message.job_id)
        if job is None or job.settled:
            return
        failing = message.fail is not None
        if failing and not message.after and job.nudges != message.fail:
            return  # it has moved since
        options = Options.model_validate_json(job.options)
        after: str | None = message.after
        while after is not None:
            if self.out_of_time():
                self.own_queue.send([message.model_copy(update={"after": after})])
                return
            start = after
            page, after = self.jobs.page(job.job_id, limit=PAGE, after=start)
            queued = [file for file in (self._queued(job, file) for file in page) if file]
            if failing:
                self._end(job, queued)
                page, _ = self.jobs.page(job.job_id, limit=PAGE, after=start)
            else:
                self.lanes.send(job, [image_message(file, options) for file in queued])
            self._count(job, page)
        if failing:
            self.jobs.change(job.job_id, Job.closed)

    def _queued(self, job: Job, file: File) -> File | None:
        """The file if it is queued. A file that its job's retry did not reach is requeued first."""
        if file.status is FileStatus.QUEUED:
            return file
        if outcomes.attempt(job.tally, file.index) > file.attempt:
            return self._requeue(file, job.attempt)
        return None

    def _end(self, job: Job, queued: list[File]) -> None:
        for file in queued:
            if job.status.stopped:
                self.jobs.ended(file, FileStatus.CANCELLED)
            else:
                self.jobs.ended(file, FileStatus.FAILED, error=STALLED.as_dict())

    def _count(self, job: Job, files: list[File]) -> None:
        events = [event for event in map(file_event, files) if event]
        self.jobs.change(job.job_id, lambda now: now.with_events(events))

    def forget(self, message: ForgetMessage) -> None:
        """Delete a job's items, then its objects.

        A worker that ends a photo after that finds the item gone and deletes the result.
        """
        self.jobs.delete_items(message.job_id)
        for prefix in (keys.UPLOADS, keys.RESULTS, keys.ARCHIVES):
            self.bucket.delete_all(f"{prefix}{message.job_id}/")
