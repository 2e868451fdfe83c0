"""Ending what could not be done, however often it was tried."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from darkroom.errors import FileError, NotFound
from darkroom.files import File
from darkroom.jobs import Job, file_id
from darkroom.keys import INBOX, UploadKey, drop_job_id
from darkroom.messages import (
    ArchiveMessage,
    Arrival,
    ImageMessage,
    NudgeMessage,
    WebhookMessage,
    arrivals,
)
from darkroom.spans import Span
from darkroom.states import FileStatus

if TYPE_CHECKING:
    from darkroom.aws.queues import Queue
    from darkroom.aws.table import JobTable

CRASHED: Final = FileError(
    "processing_crashed",
    "Processing this file stopped its worker each time it was tried; "
    "try a smaller or freshly saved copy of it.",
)


def give_up(work: Mapping[str, Any], jobs: JobTable, intake: Queue) -> None:
    """`work` is the body of a dead letter, of whichever queue; `intake` takes what is to go on.

    What has ended meanwhile, and what was redriven and done, stays as it is. Raises ValueError
    for a body that is no work.
    """
    match work:
        case {"file_id": _}:
            _give_up_photo(ImageMessage.model_validate(work), jobs)
        case {"generation": _}:
            give_up_archive(ArchiveMessage.model_validate(work), jobs)
        case {"key": _} | {"Records": _}:
            for arrival in arrivals(work):
                _give_up_arrival(arrival, jobs, intake)
        case {"url": _}:
            WebhookMessage.model_validate(work)  # nothing of the job's hangs on it
        case _:
            raise ValueError("this dead letter is no work of ours")


def give_up_archive(message: ArchiveMessage, jobs: JobTable) -> None:
    with suppress(NotFound):
        jobs.change(
            message.job_id, lambda job: job.with_archive(job.archive.failed(message.generation))
        )


def give_up_upload(file: File, error: FileError, jobs: JobTable) -> None:
    """The upload counts as one failed file; photos of it that were dealt out go on."""
    try:
        jobs.change(file.job_id, lambda job: job.image_listed(file.index))
    except NotFound:
        return
    jobs.rejected(file, error.as_dict())


def give_up_uploads(job: Job, jobs: JobTable) -> None:
    """Uploads that a stopped job no longer waits for end as cancelled.

    Not a ZIP that is being dealt out: the rest of its photos come as cancelled ones.
    """
    for file in awaited(job, jobs):
        if job.spans[file.index].first == file.index:
            jobs.given_up(file)


def uploads(job: Job, jobs: JobTable) -> list[File]:
    """A job has at most 100 uploads, and their ids come first."""
    page, _ = jobs.page(job.job_id, limit=job.uploads)
    return [file for file in page if file.index < job.uploads]


def awaited(job: Job, jobs: JobTable) -> list[File]:
    """The uploads that have not come, or not been dealt out to the end."""
    return [file for file in uploads(job, jobs) if file.status is FileStatus.AWAITING_UPLOAD]


def _give_up_photo(message: ImageMessage, jobs: JobTable) -> None:
    file = jobs.file(message.job_id, message.file_id)
    if file and file.status is FileStatus.QUEUED and file.attempt == message.attempt:
        jobs.ended(file, FileStatus.FAILED, error=CRASHED.as_dict())


def _give_up_arrival(arrival: Arrival, jobs: JobTable, intake: Queue) -> None:
    """Photos that were dealt out go on: the upload counts as one failed file beside them.

    The nudge comes first, since the fan-out may have died before it sent their messages.
    """
    job_id, upload = _upload_of(arrival)
    job, file = jobs.get(job_id), jobs.file(job_id, upload)
    waiting = (FileStatus.AWAITING_UPLOAD, FileStatus.QUEUED)
    if job is None or file is None or file.status not in waiting:
        return
    intake.send([NudgeMessage(nudge=job_id)])
    if file.status is FileStatus.QUEUED:
        return
    span = job.spans.get(file.index, Span(file.index, 1, 1))
    dealt = _files_in(span, job_id, jobs) if span.first != file.index else 0
    if dealt == span.files:
        jobs.expanded(file)
        return
    with suppress(NotFound):
        jobs.change(job_id, lambda job: job.dealt_out(file.index, dealt))
        jobs.rejected(file, CRASHED.as_dict())


def _upload_of(arrival: Arrival) -> tuple[str, str]:
    """The ids of the job and of its file that the object is an upload of."""
    if arrival.key.startswith(INBOX):
        return drop_job_id(arrival.key, arrival.etag, arrival.sequencer), file_id(0)
    key = UploadKey.parse(arrival.key)
    return (key.job_id, key.file_id) if key else ("", "")


def _files_in(span: Span, job_id: str, jobs: JobTable) -> int:
    inside = range(span.first, span.first + span.length)
    return sum(1 for file in jobs.files(job_id) if file.index in inside)
