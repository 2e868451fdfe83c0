"""What the fan-out does for jobs that are there already: files taken up again, and forgetting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from darkroom import keys
from darkroom.files import File, image_message
from darkroom.messages import ForgetMessage, RetryMessage
from darkroom.options import Options
from darkroom.states import FileStatus

if TYPE_CHECKING:
    from darkroom.aws.bucket import Bucket
    from darkroom.aws.queues import Lanes, Queue
    from darkroom.aws.table import JobTable

PAGE = 100


@dataclass(frozen=True, slots=True)
class Rework:
    """`out_of_time` tells when to stop and leave the rest to a message to oneself."""

    jobs: JobTable
    bucket: Bucket
    lanes: Lanes
    again: Queue
    out_of_time: Callable[[], bool]

    def retry(self, message: RetryMessage) -> None:
        """Every file that the job has taken up again gets its attempt and its message.

        May be repeated: a file that has the attempt already is only sent again while it waits.
        """
        job = self.jobs.get(message.retry)
        if job is None or job.attempt != message.attempt:
            return
        options = Options.model_validate_json(job.options)
        after: str | None = message.after
        while after is not None:
            if self.out_of_time():
                self.again.send([message.model_copy(update={"after": after})])
                return
            page, after = self.jobs.page(message.retry, limit=PAGE, after=after)
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

    def forget(self, message: ForgetMessage) -> None:
        """Items first: a worker that ends a photo later sees that it is gone, and cleans up."""
        self.jobs.sweep_out(message.forget)
        for prefix in (keys.UPLOADS, keys.RESULTS, keys.ARCHIVES):
            self.bucket.delete_all(f"{prefix}{message.forget}/")
