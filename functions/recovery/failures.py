"""Recording the work of dead letters as failed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from darkroom.endings import CRASHED
from darkroom.errors import NotFound
from darkroom.jobs import file_id
from darkroom.keys import INBOX, UploadKey
from darkroom.messages import (
    ArchiveMessage,
    ForgetMessage,
    ImageMessage,
    Message,
    NudgeMessage,
    PruneMessage,
    RetryMessage,
    StopMessage,
    UploadMessage,
    WebhookMessage,
)
from darkroom.rejecting import reject_upload
from darkroom.states import FileStatus

if TYPE_CHECKING:
    from darkroom.aws.queues import Queue
    from darkroom.aws.table import JobTable


@dataclass(frozen=True, slots=True)
class Failures:
    """Record failures. Work that has ended meanwhile, or was redriven and done, stays as it is."""

    jobs: JobTable
    lifecycle: Queue

    def end(self, message: Message) -> None:
        """Record that the work of a dead letter has failed."""
        match message:
            case ImageMessage():
                self._fail_photo(message)
            case UploadMessage():
                self._fail_upload(message)
            case ArchiveMessage():
                fail_archive(message, self.jobs)
            case RetryMessage() | StopMessage():
                # A nudge asks for the retry again, and cancels what a cancel did not reach.
                self.lifecycle.send([NudgeMessage(job_id=message.job_id)])
            case NudgeMessage():
                pass  # the sweep nudges the job again, or fails what is left of it
            case ForgetMessage():
                pass  # the table's TTL and the bucket's lifecycle rule delete the rest
            case PruneMessage():
                pass  # the job's deletion or the bucket's lifecycle rule deletes the archives
            case WebhookMessage():
                pass  # the job does not depend on it
            case _:
                assert_never(message)

    def _fail_photo(self, message: ImageMessage) -> None:
        file = self.jobs.file(message.job_id, message.file_id)
        if file and file.attempt == message.attempt:
            self.jobs.ended(file, FileStatus.FAILED, error=CRASHED.as_dict())

    def _fail_upload(self, upload: UploadMessage) -> None:
        """End an upload as one failed file. Photos of it that were dispatched continue.

        The nudge sends their messages again, because the fan-out may have died before it did.
        """
        job_id, upload_id = _file_of(upload)
        job, file = self.jobs.get(job_id), self.jobs.file(job_id, upload_id) if job_id else None
        waiting = (FileStatus.AWAITING_UPLOAD, FileStatus.EXPANDING, FileStatus.QUEUED)
        if job is None or file is None or file.status not in waiting:
            return
        self.lifecycle.send([NudgeMessage(job_id=job_id)])
        span = job.span_of(file.index, upload.etag)
        dispatching = file.status is FileStatus.EXPANDING
        if (
            dispatching
            and span
            and self.jobs.entries_stored(job, span.first, span.length) == span.files
        ):
            self.jobs.expanded(file)  # it died right after the last of its photos
        else:
            reject_upload(file, CRASHED, self.jobs)


def fail_archive(message: ArchiveMessage, jobs: JobTable) -> None:
    with suppress(NotFound):
        jobs.change(
            message.job_id, lambda job: job.with_archive(job.archive.failed(message.generation))
        )


def _file_of(upload: UploadMessage) -> tuple[str, str]:
    """The ids of the upload's job and file; empty if the key is not an upload's."""
    if upload.key.startswith(INBOX):
        return upload.drop_id, file_id(0)
    key = UploadKey.parse(upload.key)
    return (key.job_id, key.file_id) if key else ("", "")
