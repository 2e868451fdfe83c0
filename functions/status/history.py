"""The list of all jobs, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from darkroom.history_cursor import HistoryCursor, day_of
from darkroom.jobs import Job
from darkroom.states import JobStatus
from darkroom.validation import invalid
from functions.status.documents import job_document

if TYPE_CHECKING:
    from darkroom.aws.bucket import Bucket
    from darkroom.aws.index import JobIndex

MAX_READS: Final = 20
"""Index reads for one page. A page that needs more, for a rare status or a year without jobs, ends
early, and its cursor continues from there."""
_READ: Final = 100
_DAY: Final = 86_400


def list_jobs(  # noqa: PLR0913 - by name, each for one parameter of the query
    index: JobIndex,
    bucket: Bucket,
    *,
    status: JobStatus | None,
    limit: int,
    cursor: str | None,
    now: float,
    keep_days: int,
) -> dict[str, Any]:
    """A page of jobs. Raises InvalidRequest for a cursor that is not one of ours.

    A page may hold fewer than `limit` jobs, even none, and still have a cursor.
    """
    oldest = day_of(now - keep_days * _DAY)
    position = _start(cursor, day_of(now))
    jobs: list[Job] = []
    for _ in range(MAX_READS):
        if position.day < oldest or len(jobs) == limit:
            break
        read = limit - len(jobs) if status is None else _READ
        cursors, more = index.day(position, limit=read)
        by_id = {job.job_id: job for job in index.fetch([entry.job_id for entry in cursors])}
        for entry in cursors:
            position = entry
            job = by_id.get(entry.job_id)
            # Leave out deleted jobs, and expired ones that DynamoDB has not deleted yet.
            if job and job.expires_at > now and status in (None, job.status):
                jobs.append(job)
            if len(jobs) == limit:
                break
        else:
            position = position if more else position.day_before()
    return {
        "jobs": [_document(job, bucket) for job in jobs],
        "cursor": None if position.day < oldest else str(position),
    }


def _document(job: Job, bucket: Bucket) -> dict[str, Any]:
    document = job_document(job, bucket)
    del document["recent"]
    return document


def _start(cursor: str | None, today: str) -> HistoryCursor:
    if not cursor:
        return HistoryCursor(today)
    try:
        parsed = HistoryCursor.parse(cursor)
    except ValueError:
        parsed = None
    if parsed is None or parsed.day > today:
        fields = [{"field": "cursor", "message": "give the cursor of the previous page"}]
        raise invalid("invalid_query", "The query is not valid", fields)
    return parsed
