"""Ending jobs and files that cannot be finished: the errors, and the writes that record them.

Every function that ends a job or a file without a result takes the error from this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from darkroom.errors import DarkroomError, FileError, NotFound
from darkroom.outcomes import Counts
from darkroom.states import FileStatus

if TYPE_CHECKING:
    from darkroom.aws.table import JobTable
    from darkroom.files import File
    from darkroom.jobs import Job

CRASHED: Final = FileError(
    "processing_crashed",
    "Processing this file crashed its worker each time it was tried; "
    "try a smaller or freshly saved copy of it.",
)
NEVER_UPLOADED: Final = FileError(
    "never_uploaded", "The file was never uploaded; send it in a new job."
)
STALLED: Final = FileError(
    "processing_stalled",
    "This file made no progress for hours, although it was retried; "
    "retry the job, or send the file again.",
)
NOTHING_UPLOADED: Final = DarkroomError(
    "never_uploaded", "Nothing was uploaded before the upload URLs expired; create a new job."
)


def verdict(
    counts: Counts, total: int | None, recent: Sequence[Mapping[str, Any]]
) -> Mapping[str, str]:
    """The error of a job that has ended without any result."""
    if counts.failed == 0:
        return DarkroomError(
            "no_photos", "There was no photo among the files; upload photos or a ZIP of them."
        ).as_dict()
    errors = [entry["error"] for entry in recent if "error" in entry]
    if total == 1 and errors:
        return dict(errors[0])
    return DarkroomError(
        "all_photos_failed", f"None of the {total} files could be processed; see each file's error."
    ).as_dict()


def reject_upload(file: File, error: FileError, jobs: JobTable) -> None:
    """End an upload as one failed file. Photos of it that were dispatched continue."""
    try:
        jobs.change(file.job_id, lambda job: job.image_listed(file.index))
    except NotFound:
        return
    jobs.rejected(file, error.as_dict())


def cancel_uploads(job: Job, jobs: JobTable) -> None:
    """Cancel the uploads that a stopped job no longer waits for.

    A ZIP that is being dispatched is left out: the rest of its photos follow as cancelled files.
    """
    for file in pending_uploads(job, jobs):
        if job.spans[file.index].first == file.index:
            jobs.upload_cancelled(file)


def uploads_of(job: Job, jobs: JobTable) -> list[File]:
    """The job's uploads. There are at most 100, and their ids come first."""
    page, _ = jobs.page(job.job_id, limit=job.uploads)
    return [file for file in page if file.index < job.uploads]


def pending_uploads(job: Job, jobs: JobTable) -> list[File]:
    """The uploads that have not arrived or are not fully dispatched."""
    return [file for file in uploads_of(job, jobs) if file.status is FileStatus.AWAITING_UPLOAD]
