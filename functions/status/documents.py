"""The documents that the API returns for jobs, files and archives."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from darkroom.access import LINK_SECONDS
from darkroom.errors import Conflict, NotFound
from darkroom.files import File, ResultInfo, file_document
from darkroom.jobs import Job, file_id
from darkroom.keys import archive_key
from darkroom.names import with_extension
from darkroom.progress import progress_document
from darkroom.spans import BLOCK, block_of
from darkroom.states import ArchiveStatus, FileStatus
from darkroom.tallies import PAGE

if TYPE_CHECKING:
    from darkroom.aws.bucket import Bucket
    from darkroom.aws.table import JobTable

MAX_BLOCKS = 10
"""Blocks of 100 files read for one page."""
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
    """A page of files, from behind the file id `after` on.

    It reads a few blocks at most. If those hold fewer than `limit` files of the status, even none,
    the page ends early, and its cursor continues behind them.
    """
    start = int(after) + 1 if after else 0
    found: list[File] = []
    for number in range(block_of(start), job.blocks)[:MAX_BLOCKS]:
        block = [file for file in jobs.block(job, number) if file.index >= start]
        found += [file for file in block if status in (None, file.status)]
        if len(found) > limit or (len(found) == limit and number + 1 < job.blocks):
            break
    else:
        number = min(block_of(start) + MAX_BLOCKS, job.blocks) - 1
    last = found[limit - 1].file_id if len(found) >= limit else file_id((number + 1) * BLOCK - 1)
    more = len(found) > limit or number + 1 < job.blocks
    return {
        "files": [one_file(file, bucket) for file in found[:limit]],
        "cursor": last if more else None,
    }


def list_review(
    job: Job, jobs: JobTable, bucket: Bucket, *, limit: int, after: str
) -> dict[str, Any]:
    """A page of the succeeded files that need a look, the worst first.

    after: the cursor of the page before: nine digits, of a score and of a file's id. A file whose
    score changes meanwhile may be missed or listed twice; no other is.
    """
    pages = -(-job.next_index // PAGE) if job.counts.review else 0
    scored = sorted(each for n in range(pages) for each in jobs.tally_page(job, n).review())
    rest = [each for each in scored if _review_cursor(*each) > after]
    listed = [index for _, index in rest[:limit]]
    blocks = {block_of(index) for index in listed}
    files = {file.index: file for n in blocks for file in jobs.block(job, n)}
    return {
        "files": [one_file(files[index], bucket) for index in listed if index in files],
        "cursor": _review_cursor(*rest[limit - 1]) if len(rest) > limit else None,
    }


def _review_cursor(score: int, index: int) -> str:
    return f"{score:03}{file_id(index)}"


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
    return bucket.grant_download(result.key, filename=name, seconds=LINK_SECONDS)


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
        seconds=LINK_SECONDS,
    )


def _result(file: File) -> ResultInfo:
    if file.result is None:
        raise Conflict(
            "no_result",
            f"The file has no result while its status is {file.status.value}; fetch the result of "
            "a file that has succeeded.",
        )
    return file.result
