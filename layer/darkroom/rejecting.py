"""Ending an upload as one failed file, and what becomes of a ZIP that is no longer dispatched."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from darkroom.errors import FileError, NotFound
from darkroom.files import File
from darkroom.jobs import Job
from darkroom.spans import Span
from darkroom.states import FileStatus

if TYPE_CHECKING:
    from darkroom.aws.table import JobTable


def reject_upload(file: File, error: FileError, jobs: JobTable) -> None:
    """End an upload that waits or is a ZIP being dispatched. Photos already dispatched continue.

    The job then counts those alone. The ZIP is ended first: after that its fan-out can store no
    more of them, so that their number is final. A repeat corrects a number that a dead worker left.
    """
    if file.status in (FileStatus.AWAITING_UPLOAD, FileStatus.EXPANDING):
        jobs.rejected(file, error.as_dict())
    if file.status is not FileStatus.EXPANDED:
        recount_zips(file, jobs)


def recount_zips(file: File, jobs: JobTable, keep: str = "") -> None:
    """Have the job count, of the ZIPs that the upload was, only the photos that were stored.

    keep: the etag of the one that it is now, which is being dispatched.
    """
    job = jobs.get(file.job_id)
    for span in job.spans if job else ():
        if job and span.upload == file.index and (not keep or span.etag != keep):
            _recount(job, span, jobs)


def _recount(job: Job, known: Span, jobs: JobTable) -> None:
    stored = jobs.entries_stored(job, known.first, known.length)

    def recounted(now: Job) -> Job:
        same = next((span for span in now.spans if span.first == known.first), None)
        return now.zip_recounted(same, stored) if same else now

    with suppress(NotFound):  # deleted meanwhile
        jobs.change(job.job_id, recounted)
