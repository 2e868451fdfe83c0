"""The progress document of a job, which `GET /jobs/{id}` returns and the WebSocket pushes."""

from __future__ import annotations

from typing import Any

from darkroom import clock
from darkroom.jobs import Job
from darkroom.states import ArchiveStatus


def progress_document(job: Job) -> dict[str, Any]:
    """The document of a job. It lists only the latest files, so it is always under 32 KB."""
    processed = job.counts.processed
    ready = job.archive.status is ArchiveStatus.READY
    return {
        "type": "progress",
        "job_id": job.job_id,
        "status": job.status.value,
        "sequence": job.sequence,
        "progress": {
            "processed": processed,
            "total": job.total,
            "percentage": round(100 * processed / job.total, 1) if job.total else 0.0,
        },
        "summary": summary_document(job),
        "metadata": {
            "created_at": clock.iso(job.created_at),
            "updated_at": clock.iso(job.updated_at),
            "job_type": job.job_type,
            "file_count": job.uploads,
        },
        "archive": {
            "status": job.archive.status.value,
            "bytes": job.archive.size if ready else None,
        },
        "recent": [{"error": None, **entry} for entry in job.recent],
        "error": dict(job.error) if job.error else None,
    }


def summary_document(job: Job) -> dict[str, Any]:
    """The counts of a job. The percentage is of all files, or of those processed so far."""
    counts = job.counts
    of = job.total or counts.processed
    return {
        "total": job.total,
        "succeeded": counts.succeeded,
        "failed": counts.failed,
        "skipped": counts.skipped,
        "review": counts.review,
        "success_percentage": round(100 * counts.succeeded / of, 1) if of else 0.0,
    }
