"""The list of all jobs, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from darkroom.history_cursor import HistoryCursor, day_of
from darkroom.jobs import Job
from darkroom.states import JobStatus
from functions.status.documents import job_document, limit_of, status_of, wrong_query

if TYPE_CHECKING:
    from darkroom.aws.bucket import Bucket
    from darkroom.aws.index import JobIndex

MAX_READS: Final = 20
"""Index reads for one page. A page that needs more, for a rare status or a year without jobs, ends
early, and its cursor continues from there."""
_READ: Final = 100
_DAY: Final = 86_400


def list_jobs(
    query: Mapping[str, str], index: JobIndex, bucket: Bucket, *, now: float, keep_days: int
) -> dict[str, Any]:
    """A page of jobs. query: status, limit (1-100), cursor. Raises InvalidRequest.

    A page may hold fewer than `limit` jobs, even none, and still have a cursor.
    """
    limit, status = limit_of(query), status_of(query, JobStatus)
    oldest = day_of(now - keep_days * _DAY)
    cursor = _start(query, day_of(now))
    jobs: list[Job] = []
    for _ in range(MAX_READS):
        if cursor.day < oldest or len(jobs) == limit:
            break
        read = limit - len(jobs) if status is None else _READ
        cursors, more = index.day(cursor, limit=read)
        by_id = {job.job_id: job for job in index.fetch([entry.job_id for entry in cursors])}
        for entry in cursors:
            cursor = entry
            job = by_id.get(entry.job_id)
            # Leave out deleted jobs, and expired ones that DynamoDB has not deleted yet.
            if job and job.expires_at > now and status in (None, job.status):
                jobs.append(job)
            if len(jobs) == limit:
                break
        else:
            cursor = cursor if more else cursor.day_before()
    return {
        "jobs": [_document(job, bucket) for job in jobs],
        "cursor": None if cursor.day < oldest else str(cursor),
    }


def _document(job: Job, bucket: Bucket) -> dict[str, Any]:
    document = job_document(job, bucket)
    del document["recent"]
    return document


def _start(query: Mapping[str, str], today: str) -> HistoryCursor:
    if not query.get("cursor"):
        return HistoryCursor(today)
    try:
        cursor = HistoryCursor.parse(query["cursor"])
    except ValueError:
        cursor = None
    if cursor is None or cursor.day > today:
        raise wrong_query("cursor", "give the cursor of the previous page")
    return cursor
