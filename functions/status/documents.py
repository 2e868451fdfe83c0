"""The documents that the API returns for jobs, files and archives."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from darkroom.errors import Conflict, NotFound
from darkroom.files import File, ResultInfo, file_document
from darkroom.jobs import Job
from darkroom.keys import archive_key
from darkroom.names import with_extension
from darkroom.progress import progress_document
from darkroom.states import ArchiveStatus, FileStatus

if TYPE_CHECKING:
    from darkroom.aws.bucket import Bucket
    from darkroom.aws.table import JobTable

URL_SECONDS = 3600
MAX_DATA_URL = 4_000_000
"""Bytes of a result that still fits Lambda's 6 MB response as base64."""


def job_document(job: Job, bucket: Bucket) -> dict[str, Any]:
    """The progress document with links.

    Links are relative to the API's address, except `download`. This is a presigned URL of the
    archive, once it is ready: it is valid for an hour and needs no credential, so that a page can
    link to it.
    """
    base = f"jobs/{job.job_id}"
    ready = job.archive.status is ArchiveStatus.READY
    links = {
        "self": base,
        "files": f"{base}/files",
        "archive": f"{base}/archive",
        "download": _archive_url(job, bucket) if ready else None,
    }
    return progress_document(job) | {"links": links}


def list_files(  # noqa: PLR0913 - by name, each for one parameter of the query
    job: Job,
    jobs: JobTable,
    bucket: Bucket,
    *,
    status: FileStatus | None,
    limit: int,
    after: str,
) -> dict[str, Any]:
    """A page of files, from behind the file id `after` on."""
    page, cursor = jobs.page(job.job_id, limit=limit, after=after, status=status)
    return {"files": [one_file(file, bucket) for file in page], "cursor": cursor}


def find_file(job: Job, file_id: str, jobs: JobTable) -> File:
    file = jobs.file(job.job_id, file_id)
    if file is None:
        raise NotFound("unknown_file", "The job has no file with this id; list its files.")
    return file


def one_file(file: File, bucket: Bucket) -> dict[str, Any]:
    url = result_url(file, bucket) if file.result else None
    return file_document(file, url)


def result_url(file: File, bucket: Bucket) -> str:
    """A presigned URL of the result, valid for an hour. Raises Conflict (`no_result`)."""
    result = _result(file)
    extension = "." + result.key.rpartition(".")[2]
    name = with_extension(file.name, extension).rpartition("/")[2]
    return bucket.grant_download(result.key, filename=name, seconds=URL_SECONDS)


def data_url(file: File, bucket: Bucket) -> dict[str, Any]:
    """The result as a data URL. Raises Conflict: `no_result`, or `result_too_large`."""
    result = _result(file)
    if result.size > MAX_DATA_URL:
        raise Conflict(
            "result_too_large",
            f"The result has {result.size} bytes, over the limit of {MAX_DATA_URL} for a data URL; "
            f"fetch it from {result_url(file, bucket)}",
        )
    encoded = base64.b64encode(bucket.read(result.key)).decode()
    return {
        "file_id": file.file_id,
        "name": file.name,
        "data_url": f"data:{result.content_type};base64,{encoded}",
    }


def archive_url(job: Job, bucket: Bucket) -> str | None:
    """A presigned URL of the archive, valid for an hour; None while it is built.

    Raises Conflict: `archive_failed`, `no_results`.
    """
    match job.archive.status:
        case ArchiveStatus.READY:
            return _archive_url(job, bucket)
        case ArchiveStatus.FAILED:
            raise Conflict(
                "archive_failed", "The ZIP could not be built; fetch the results one by one."
            )
        case ArchiveStatus.NONE if job.status.final:
            raise Conflict(
                "no_results", "The job has no results to put into a ZIP; see its files' errors."
            )
        case _:
            return None


def _archive_url(job: Job, bucket: Bucket) -> str:
    return bucket.grant_download(
        archive_key(job.job_id, job.archive.generation),
        filename=f"darkroom-{job.job_id[:8]}.zip",
        seconds=URL_SECONDS,
    )


def _result(file: File) -> ResultInfo:
    if file.result is None:
        raise Conflict(
            "no_result",
            f"The file has no result while its status is {file.status.value}; fetch the result of "
            "a file that has succeeded.",
        )
    return file.result
