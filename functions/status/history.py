"""Which jobs there are, newest first."""

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
"""Reads of the index for one page, so that a rare status, or a year without jobs, takes no longer
than any other page; its cursor goes on."""
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

    With `status` a page may hold fewer than asked for, even none, and still continue.
    """
    oldest = day_of(now - keep_days * _DAY)
    place = _start(cursor, day_of(now))
    jobs: list[Job] = []
    for _ in range(MAX_READS):
        if place.day < oldest or len(jobs) == limit:
            break
        read = limit - len(jobs) if status is None else _READ
        places, more = index.day(place, limit=read)
        found = {job.job_id: job for job in index.fetch([seen.job_id for seen in places])}
        for seen in places:
            place = seen
            job = found.get(place.job_id)
            # Deleted, or about to be: DynamoDB takes its time with what has expired.
            if job and job.expires_at > now and status in (None, job.status):
                jobs.append(job)
            if len(jobs) == limit:
                break
        else:
            place = place if more else place.day_before()
    return {
        "jobs": [_document(job, bucket) for job in jobs],
        "cursor": None if place.day < oldest else str(place),
    }


def _document(job: Job, bucket: Bucket) -> dict[str, Any]:
    document = job_document(job, bucket)
    del document["recent"]
    return document


def _start(cursor: str | None, today: str) -> HistoryCursor:
    if not cursor:
        return HistoryCursor(today)
    try:
        place = HistoryCursor.parse(cursor)
    except ValueError:
        place = None
    if place is None or place.day > today:
        message = "give the cursor of the page before"
        fields = [{"field": "cursor", "message": message}]
        raise invalid("invalid_query", "The query is not valid.", fields)
    return place
