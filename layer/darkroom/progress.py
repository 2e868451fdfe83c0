"""The progress document of a job, which `GET /jobs/{id}` returns and the WebSocket pushes."""

from __future__ import annotations

from typing import Any

from darkroom import clock
from darkroom.jobs import Job
from darkroom.states import ArchiveStatus


def progress_document(job: Job) -> dict[str, Any]:
    """The document of a job. It lists only the latest files, so it is always under 32 KB."""
    processed = job.counts.processed
    archive: dict[str, Any] = {"status": job.archive.status.value}
    if job.archive.status is ArchiveStatus.READY:
        archive["bytes"] = job.archive.size
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
        "summary": {
            "succeeded": job.counts.succeeded,
            "failed": job.counts.failed,
            "skipped": job.counts.skipped,
        },
        "metadata": {
            "created_at": clock.iso(job.created_at),
            "updated_at": clock.iso(job.updated_at),
            "job_type": job.job_type,
            "file_count": job.uploads,
        },
        "archive": archive,
        "recent": [dict(entry) for entry in job.recent],
        "error": dict(job.error) if job.error else None,
    }
