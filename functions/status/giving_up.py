"""Ending what could not be done, however often it was tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_plus

from darkroom.errors import FileError, NotFound
from darkroom.keys import UploadKey
from darkroom.messages import ArchiveMessage, ImageMessage
from darkroom.states import ArchiveStatus, FileStatus

if TYPE_CHECKING:
    from darkroom.aws.table import JobTable

CRASHED: Final = FileError(
    "processing_crashed",
    "Processing this file stopped its worker each time it was tried; "
    "try a smaller or freshly saved copy of it.",
)


def give_up(work: Mapping[str, Any], jobs: JobTable) -> None:
    """`work` is the body of a dead letter, of whichever queue.

    What has ended meanwhile, and what was redriven and done, stays as it is. Raises ValueError
    for a body that is no work.
    """
    match work:
        case {"file_id": _}:
            _give_up_photo(ImageMessage.model_validate(work), jobs)
        case {"generation": _}:
            _give_up_archive(ArchiveMessage.model_validate(work), jobs)
        case {"key": str(key)}:
            _give_up_upload(key, jobs)
        case {"Records": list(records)}:
            for record in records:
                _give_up_upload(unquote_plus(record["s3"]["object"]["key"]), jobs)
        case _:
            raise ValueError("this dead letter is no work of ours")


def _give_up_photo(message: ImageMessage, jobs: JobTable) -> None:
    file = jobs.file(message.job_id, message.file_id)
    if file and file.status is FileStatus.QUEUED and file.attempt == message.attempt:
        jobs.ended(file, FileStatus.FAILED, error=CRASHED.as_dict())


def _give_up_archive(message: ArchiveMessage, jobs: JobTable) -> None:
    job = jobs.get(message.job_id)
    if job and job.archive.status is ArchiveStatus.BUILDING:
        failed = replace(job.archive, status=ArchiveStatus.FAILED, generation=message.generation)
        jobs.change(message.job_id, lambda job: job.with_archive(failed))


def _give_up_upload(key: str, jobs: JobTable) -> None:
    """The upload counts as one failed file; photos of it that were dealt out go on."""
    upload = UploadKey.parse(key)
    file = jobs.file(upload.job_id, upload.file_id) if upload else None
    if upload is None or file is None or file.status is not FileStatus.AWAITING_UPLOAD:
        return
    try:
        jobs.change(upload.job_id, lambda job: job.image_listed(file.index))
    except NotFound:
        return
    jobs.rejected(file, CRASHED.as_dict())
