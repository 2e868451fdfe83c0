"""Cancelling and retrying a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from darkroom.jobs import Job
from darkroom.options import Options, resolve
from darkroom.progress import progress_document
from darkroom.settings import Settings

if TYPE_CHECKING:
    from darkroom.aws.table import JobTable


class RetryRequest(BaseModel):
    """options: replace all of the job's options; None keeps them."""

    model_config = ConfigDict(extra="forbid")

    options: Options | None = None


def cancel_job(job_id: str, jobs: JobTable) -> dict[str, Any]:
    """Start no more files of the job. A job that has ended stays as it is. Raises NotFound."""
    job, _ = jobs.change(job_id, Job.cancelled)
    return progress_document(job)


def retry_job(
    job_id: str, request: RetryRequest, settings: Settings, jobs: JobTable
) -> dict[str, Any]:
    """Requeue the failed files. Raises InvalidRequest, NotFound, Conflict (see `Job.retried`)."""
    options = None
    if request.options is not None:
        options = resolve(request.options, settings.models).model_dump_json()
    job, _ = jobs.change(job_id, lambda job: job.retried(options))
    return progress_document(job)
