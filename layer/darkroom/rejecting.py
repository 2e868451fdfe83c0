"""Ending an upload as one failed file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darkroom.errors import FileError, NotFound
from darkroom.files import File
from darkroom.jobs import Job
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
    job = jobs.get(file.job_id)
    for span in job.spans if job else ():
        if job and span.upload == file.index and file.status is not FileStatus.EXPANDED:
            _recount(job, span.first, jobs)


def _recount(job: Job, first: int, jobs: JobTable) -> None:
    span = next(span for span in job.spans if span.first == first)
    stored = jobs.entries_stored(job, span.first, span.length)

    def recounted(now: Job) -> Job:
        same = next((each for each in now.spans if each.first == first), None)
        return now.zip_recounted(same, stored) if same else now

    try:
        jobs.change(job.job_id, recounted)
    except NotFound:
        return  # deleted meanwhile
