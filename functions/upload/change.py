"""Cancelling, retrying and deleting a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from darkroom.jobs import Job
from darkroom.options import Options, resolve
from darkroom.progress import progress_document
from darkroom.settings import Settings

if TYPE_CHECKING:
    from darkroom.aws.table import JobTable


class Retry(BaseModel):
    """options: None keeps the job's own; given, they replace all of them."""

    model_config = ConfigDict(extra="forbid")

    options: Options | None = None


def cancel_job(job_id: str, jobs: JobTable) -> dict[str, Any]:
    """What has not begun will not; cancelling what has ended changes nothing."""
    job, _ = jobs.change(job_id, Job.cancelled)
    return progress_document(job)


def retry_job(job_id: str, wanted: Retry, settings: Settings, jobs: JobTable) -> dict[str, Any]:
    """Requeue the failed files. Raises InvalidRequest, or Conflict as `Job.retried` says."""
    options = None
    if wanted.options is not None:
        options = resolve(wanted.options, settings.models).model_dump_json()
    job, _ = jobs.change(job_id, lambda job: job.retried(options))
    return progress_document(job)
