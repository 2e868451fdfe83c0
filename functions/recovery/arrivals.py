"""Finding an upload in the bucket whose event was lost, or which was sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darkroom.errors import FileError
from darkroom.files import File
from darkroom.jobs import Job
from darkroom.keys import UploadKey
from darkroom.messages import UploadMessage

if TYPE_CHECKING:
    from darkroom.aws.bucket import Bucket


def find_arrival(job: Job, file: File, bucket: Bucket) -> UploadMessage | None:
    """The message for an upload as it lies in the bucket now; None if it is not there."""
    if job.source:
        return _drop(job, bucket)
    stored = bucket.find(str(UploadKey(file.job_id, file.file_id, "")))
    if stored is None:
        return None
    return again(job, stored.key, stored.etag, stored.size)


def again(job: Job, key: str, etag: str, size: int) -> UploadMessage:
    """The message that dispatches an object of the job once more. size: bytes."""
    drop = job.job_id if job.source else ""
    return UploadMessage(key=key, etag=etag, size=size, drop=drop)


def _drop(job: Job, bucket: Bucket) -> UploadMessage | None:
    """A drop's object, unless another drop has taken its name: that one has a job of its own."""
    try:
        head = bucket.head(job.source)
    except FileError:
        return None
    if job.source_etag not in ("", head.etag):
        return None
    return again(job, job.source, head.etag, head.size)
