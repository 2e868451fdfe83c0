"""Builders of jobs, files and results with default values, for tests."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import Any

from darkroom.access import token_hash
from darkroom.aws import items
from darkroom.aws.table import JobTable
from darkroom.counting import count_files
from darkroom.files import File, ResultInfo
from darkroom.jobs import Job
from darkroom.options import Options
from darkroom.outcomes import Outcome
from darkroom.spans import block_of
from darkroom.states import FileStatus
from darkroom.tallies import PAGE, FileEvent, Summary, TallyPage, pages_of

TOKEN = "j1.secret"


def a_job(**changes: Any) -> Job:
    values: dict[str, Any] = {
        "job_id": "j1",
        "job_type": "batch",
        "options": Options(model="u2netp").model_dump_json(),
        "token_hash": token_hash(TOKEN),
        "uploads": 1,
        "created_at": 1_700_000_000.0,
        "updated_at": 1_700_000_000.0,
        "expires_at": 1_800_000_000.0,
    }
    return Job(**values | changes)


def a_file(index: int = 0, **changes: Any) -> File:
    values: dict[str, Any] = {
        "job_id": "j1",
        "file_id": f"{index:06d}",
        "name": f"photo-{index}.jpg",
        "size": 10,
        "status": FileStatus.AWAITING_UPLOAD,
    }
    return File(**values | changes)


def a_result(index: int = 0, **changes: Any) -> ResultInfo:
    values: dict[str, Any] = {
        "key": f"results/j1/{index:06d}/photo-{index}.png",
        "content_type": "image/png",
        "size": 3,
        "crc32": 0,
        "width": 4,
        "height": 2,
        "milliseconds": 5,
        "model": "u2netp",
    }
    return ResultInfo(**values | changes)


def store(jobs: JobTable, job: Job, *files: File, counted: bool = True) -> Job:
    """Store a job whose files are in these states. counted: whether the job knows of them."""
    jobs.table.put_item(Item=items.job_item(job))
    for _, block in groupby(files, lambda file: block_of(file.index)):
        rows = [
            replace(
                file,
                expires_at=job.expires_at,
                status=FileStatus.AWAITING_UPLOAD
                if file.index < job.uploads
                else FileStatus.QUEUED,
                error=None,
            )
            for file in block
        ]
        jobs.add_uploads(rows, job.expires_at)
    for file in files:
        first = FileStatus.AWAITING_UPLOAD if file.index < job.uploads else FileStatus.QUEUED
        if file.status is not first or file.attempt > 1:
            jobs.table.put_item(Item=items.file_item(file, job.expires_at))
    if counted:
        count_files(jobs.files(job.job_id), jobs)
    return jobs.require(job.job_id)


# The page that a job's summary was made from, so that jobs without a table can be counted on.
_PAGES: dict[int, tuple[Summary, TallyPage]] = {}


def recorded(job: Job, *events: FileEvent) -> Job:
    """The job after these events, in their order of arrival, as `count_events` counts them."""
    pages = []
    for number, own in pages_of(events).items():
        known = _PAGES.get(id(job.pages.get(number)))
        page = known[1] if known else TallyPage(number, job.uploads)
        pages.append(page.merged(own))
    counted = job.with_pages(pages, list(reversed(events)))
    for page in pages:
        if summary := counted.pages.get(page.number):
            _PAGES.setdefault(id(summary), (summary, page))
    return counted


def arrived(job: Job, *uploads: int) -> Job:
    """The job after these uploads have arrived, as photos."""
    return recorded(job, *(event_of(upload, Outcome.QUEUED) for upload in uploads))


def listed(job: Job, upload: int, length: int, files: int) -> Job:
    """The job after an upload has turned out to be a ZIP."""
    job = job.zip_listed(upload, f"etag-{upload}", length, files)
    return recorded(job, event_of(upload, Outcome.EXPANDING))


def requeued(job: Job, **options: Any) -> Job:
    """The job after a retry, once its failed and cancelled files have been queued again."""
    again = job.retried(**options)
    events = []
    for summary in job.pages.values():
        page = _PAGES[id(summary)][1]
        for at, value in enumerate(memoryview(page.marks).cast("H")):
            attempt, outcome = value >> 3, Outcome(value & 7)
            if outcome in (Outcome.FAILED, Outcome.CANCELLED):
                events.append(event_of(page.number * PAGE + at, Outcome.QUEUED, attempt + 1))
    return recorded(again, *events).retry_queued(again.retries[-1].id)


def mark_of(job: Job, index: int) -> int:
    """The mark of a file in the tally; 0 if it has none."""
    known = _PAGES.get(id(job.pages.get(index // PAGE)))
    return known[1].of(index) if known else 0


def event_of(index: int, outcome: Outcome, attempt: int = 1) -> FileEvent:
    return FileEvent(index, attempt, outcome, f"photo-{index}.jpg")
