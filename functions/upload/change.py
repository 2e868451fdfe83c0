"""Cancelling and retrying a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from darkroom.jobs import Job
from darkroom.options import Options
from darkroom.progress import progress_document
from darkroom.resolving import resolve
from darkroom.schemas import FileId
from darkroom.settings import Settings
from darkroom.validation import invalid

if TYPE_CHECKING:
    from darkroom.aws.table import JobTable


class RetryRequest(BaseModel):
    """options: replace all options; None keeps them. files: the ids of the files to process again,
    even if they succeeded; None for all that failed or were cancelled."""

    model_config = ConfigDict(extra="forbid")

    options: Options | None = None
    files: Annotated[list[FileId], Field(min_length=1, max_length=100)] | None = None


def cancel_job(job_id: str, jobs: JobTable) -> dict[str, Any]:
    """Start no more files of the job. A job that has ended stays as it is. Raises NotFound."""
    job, _ = jobs.change(job_id, Job.cancelled)
    return progress_document(job)


def retry_job(
    job_id: str, request: RetryRequest, settings: Settings, jobs: JobTable
) -> dict[str, Any]:
    """Process files again. Raises InvalidRequest, NotFound, Conflict (see `Job.retried`)."""
    options = None
    if request.options is not None:
        options = resolve(request.options, settings).model_dump_json()
    files = request.files or []
    for position, file_id in enumerate(files):
        if jobs.file(job_id, file_id) is None:
            fields = [{"field": f"files.{position}", "message": "the job has no file with this id"}]
            raise invalid("unknown_file", "Some files do not exist", fields)
    job, _ = jobs.change(job_id, lambda job: job.retried(options, files))
    return progress_document(job)
