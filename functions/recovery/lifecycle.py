"""The lifecycle of a job after its dispatch: retries, cancels, nudges, deletion, old archives.

Every operation is idempotent, walks the job's files block by block, and continues in a new message
when time runs out.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from darkroom.counting import count_files
from darkroom.endings import NEVER_UPLOADED, STALLED
from darkroom.errors import NotFound
from darkroom.files import File, image_message
from darkroom.job_state import Retry
from darkroom.jobs import Job, file_id
from darkroom.messages import (
    NudgeMessage,
    RetryMessage,
    Source,
    StopMessage,
    UploadMessage,
)
from darkroom.rejecting import reject_upload
from darkroom.spans import BLOCK, block_of, blocks_in
from darkroom.states import FileStatus
from functions.recovery.arrivals import again, find_arrival
from functions.recovery.deletion import Deletion


class Lifecycle(Deletion):
    """Retry, stop and nudge jobs, and delete what is left of them."""

    __slots__ = ()

    def retry(self, message: RetryMessage) -> None:
        """Queue every file of a retry again."""
        job = self.jobs.get(message.job_id)
        if job is None:
            return
        if message.retry is None:
            self._ask_again(job)
            return
        retry = next((each for each in job.retries if each.id == message.retry), None)
        if retry is None:
            return
        chosen = {block_of(int(each)) for each in retry.files}

        def visit(number: int) -> None:
            if not chosen or number in chosen:
                self._retry_block(job, number, retry)

        if self.walk(message, job.blocks, visit):
            with suppress(NotFound):  # deleted meanwhile
                self.jobs.change(job.job_id, lambda now: now.retry_queued(retry.id))

    def _retry_block(self, job: Job, number: int, retry: Retry) -> None:
        """Queue the files of one block again.

        Each is counted as it was, and then as queued, before its message is sent: the usage of an
        earlier success is taken back exactly once.
        """
        files = [file for file in self.jobs.block(job, number) if _is_of(file, retry)]
        count_files((file for file in files if not _is_queued_by(file, retry)), self.jobs)
        arrivals = [self._queue_again(job, file, retry) for file in files]
        wanted = {file.file_id for file in files}
        again = [file for file in self.jobs.block(job, number) if file.file_id in wanted]
        count_files(again, self.jobs)
        self.ingest.send([arrival for arrival in arrivals if arrival])
        self._send_queued(job, again)

    def _queue_again(self, job: Job, file: File, retry: Retry) -> UploadMessage | None:
        """Begin the file's next attempt. Returns a message if its upload is to be dispatched.

        An upload is taken as it lies in the bucket now, since it may have been sent again, as a
        photo or as a ZIP. If it is gone, the file fails; one that has succeeded keeps its result.
        """
        is_upload = file.index < job.uploads
        arrival = find_arrival(job, file, self.bucket) if is_upload else None
        if _is_queued_by(file, retry):
            return arrival if file.status is FileStatus.AWAITING_UPLOAD else None
        options = file.options if retry.options is None else retry.options
        file = replace(file, retry=retry.id, options=options if retry.files else None)
        if not is_upload:
            self.jobs.requeued(file)
        elif file.status is FileStatus.SUCCEEDED:
            if arrival:
                source = Source(key=arrival.key, etag=arrival.etag, size=arrival.size)
                self.jobs.requeued(replace(file, source=source, size=arrival.size))
        elif arrival is None:
            self.jobs.failed_again(file, NEVER_UPLOADED.as_dict())
        else:
            self.jobs.awaited(file)
            return arrival
        return None

    def stop(self, message: StopMessage) -> None:
        """Cancel the uploads that a stopped job no longer waits for.

        A ZIP that is being dispatched is left out: the rest of its photos are stored as cancelled.
        """
        job = self.jobs.get(message.job_id)
        if job is None:
            return

        def visit(number: int) -> None:
            now = self.jobs.get(message.job_id)
            if now is None or not now.status.stopped:
                return  # it was retried, or deleted
            for file in self._declared(job, number, FileStatus.CANCELLED):
                if file.status is FileStatus.AWAITING_UPLOAD and not _begun_by_0_1(now, file):
                    self.jobs.upload_cancelled(file)

        self.walk(message, blocks_in(job.uploads), visit)

    def nudge(self, message: NudgeMessage) -> None:
        """Repair a stalled job, whose stream records or messages may have been lost.

        Files that have ended are counted again. Files that wait are sent again, or end as the
        message says.
        """
        job = self.jobs.get(message.job_id)
        if job is None or job.settled:
            return
        failing = message.fail is not None
        if failing and not message.block and job.nudges != message.fail:
            return  # it has moved since
        if not failing and not message.block:
            self._ask_again(job)
        count = blocks_in(job.uploads) if message.overdue else job.blocks
        done = self.walk(message, count, lambda number: self._nudge_block(job, number, message))
        if done and failing:
            with suppress(NotFound):  # deleted meanwhile
                self.jobs.change(job.job_id, lambda now: now.retries_dropped(job.retries))

    def _nudge_block(self, job: Job, number: int, message: NudgeMessage) -> None:
        failing = message.fail is not None
        ends = failing or message.overdue or job.status.stopped
        undeclared = FileStatus.CANCELLED if job.status.stopped else FileStatus.FAILED
        files = self._declared(job, number, undeclared) if ends else self.jobs.block(job, number)
        arrivals = [self._nudge_file(job, file, message) for file in files]
        files = self.jobs.block(job, number)
        count_files(files, self.jobs)
        self.ingest.send([arrival for arrival in arrivals if arrival])
        if not failing and not message.overdue:
            self._send_queued(job, files)

    def _nudge_file(self, job: Job, file: File, message: NudgeMessage) -> UploadMessage | None:
        """End a file that is not waited for any longer, or return the message of its upload."""
        failing, stopped = message.fail is not None, job.status.stopped
        match file.status:
            case FileStatus.AWAITING_UPLOAD:
                arrival = find_arrival(job, file, self.bucket)
                if stopped and not _begun_by_0_1(job, file):
                    self.jobs.upload_cancelled(file)
                elif arrival and not failing:
                    return arrival
                elif failing or message.overdue:
                    reject_upload(file, STALLED if arrival else NEVER_UPLOADED, self.jobs)
            case FileStatus.EXPANDING if failing:
                reject_upload(file, STALLED, self.jobs)
            case FileStatus.EXPANDING if file.source:
                return again(job, file.source.key, file.source.etag, file.source.size)
            case FileStatus.QUEUED if stopped and failing:
                self.jobs.cancelled(file)
            case FileStatus.QUEUED if failing:
                self.jobs.ended(file, FileStatus.FAILED, error=STALLED.as_dict())
            case FileStatus.FAILED if file.index < job.uploads and (failing or job.legacy):
                # Corrects the number of a ZIP's photos. Version 0.1 counted the ZIP among them.
                reject_upload(file, STALLED, self.jobs)
            case _:
                pass
        return None

    def _declared(self, job: Job, number: int, status: FileStatus) -> list[File]:
        """The files of a block. Uploads that were never declared are stored as ended first."""
        files = self.jobs.block(job, number)
        if files or number >= blocks_in(job.uploads):
            return files
        error = NEVER_UPLOADED.as_dict() if status is FileStatus.FAILED else None
        indices = range(number * BLOCK, min((number + 1) * BLOCK, job.uploads))
        missing = [
            File(job.job_id, file_id(index), file_id(index), 0, status, error=error)
            for index in indices
        ]
        self.jobs.add_uploads(missing, job.expires_at)
        return self.jobs.block(job, number)

    def _ask_again(self, job: Job) -> None:
        self.own_queue.send(
            [RetryMessage(job_id=job.job_id, retry=retry.id) for retry in job.retries]
        )

    def _send_queued(self, job: Job, files: Iterable[File]) -> None:
        queued = [file for file in files if file.status is FileStatus.QUEUED]
        self.lanes.send(job, [image_message(file, job.options) for file in queued])


def _is_of(file: File, retry: Retry) -> bool:
    """Whether a retry concerns the file, or has queued it already."""
    if _is_queued_by(file, retry):
        return True
    if retry.files:
        ended = (FileStatus.SUCCEEDED, FileStatus.FAILED, FileStatus.CANCELLED)
        return file.file_id in retry.files and file.status in ended
    failed = file.status is FileStatus.FAILED and not retry.cancelled_only
    return failed or file.status is FileStatus.CANCELLED


def _is_queued_by(file: File, retry: Retry) -> bool:
    return bool(retry.id) and file.retry == retry.id


def _begun_by_0_1(job: Job, file: File) -> bool:
    """Whether the upload is a ZIP that version 0.1 was dispatching, in no state of its own."""
    return job.legacy and file.attempt == 1 and any(span.upload == file.index for span in job.spans)
