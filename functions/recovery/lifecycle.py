"""What happens to a job after it was dispatched: retries, nudges, and deletion.

All of it may be repeated, and all but the deletion continues in a new message when time runs out.
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
    """`out_of_time` tells when to stop and leave the rest to a message on `own_queue`."""

    jobs: JobTable
    bucket: Bucket
    lanes: Lanes
    own_queue: Queue
    out_of_time: Callable[[], bool]

    def retry(self, message: RetryMessage) -> None:
        """Every file that the job has taken up again gets its attempt and its message.

        May be repeated: a file that has the attempt already is only sent again while it waits.
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
            waiting = [self._taken_up(file, message.attempt) for file in page]
            self.lanes.send(job, [image_message(file, options) for file in waiting if file])

    def _taken_up(self, file: File, attempt: int) -> File | None:
        """The file as it waits for its new attempt; None where there is nothing to do."""
        if file.attempt == attempt:
            return file if file.status is FileStatus.QUEUED else None
        if file.status not in (FileStatus.FAILED, FileStatus.CANCELLED):
            return None
        self.jobs.requeued(file, attempt)
        again = replace(file, status=FileStatus.QUEUED, attempt=attempt, error=None)
        return again if file.source else None

    def nudge(self, message: NudgeMessage) -> None:
        """Whatever may have been lost of a job that has stopped moving is done again.

        A record of the stream: what has ended is counted. A message: what is queued is sent. May be
        repeated, as both may. Where the job is given up, what is left ends instead.
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
            waiting = [file for file in (self._waiting(job, file) for file in page) if file]
            if failing:
                self._end(job, waiting)
                page, _ = self.jobs.page(job.job_id, limit=PAGE, after=start)
            else:
                self.lanes.send(job, [image_message(file, options) for file in waiting])
            self._count(job, page)
        if failing:
            self.jobs.change(job.job_id, Job.closed)

    def _waiting(self, job: Job, file: File) -> File | None:
        """The file as it waits to be processed; also one that its job's retry did not reach."""
        if file.status is FileStatus.QUEUED:
            return file
        if outcomes.attempt(job.tally, file.index) > file.attempt:
            return self._taken_up(file, job.attempt)
        return None

    def _end(self, job: Job, waiting: list[File]) -> None:
        for file in waiting:
            if job.status.stopped:
                self.jobs.ended(file, FileStatus.CANCELLED)
            else:
                self.jobs.ended(file, FileStatus.FAILED, error=STALLED.as_dict())

    def _count(self, job: Job, files: list[File]) -> None:
        events = [event for event in map(file_event, files) if event]
        self.jobs.change(job.job_id, lambda now: now.with_events(events))

    def forget(self, message: ForgetMessage) -> None:
        """Items first: a worker that ends a photo later sees that it is gone, and cleans up."""
        self.jobs.delete_items(message.job_id)
        for prefix in (keys.UPLOADS, keys.RESULTS, keys.ARCHIVES):
            self.bucket.delete_all(f"{prefix}{message.job_id}/")
