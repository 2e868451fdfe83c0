"""Counting what has become of files: into the pages of their job's tally, and into the job."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from darkroom.errors import NotFound
from darkroom.files import File, file_event
from darkroom.jobs import Job
from darkroom.tallies import FileEvent, pages_of

if TYPE_CHECKING:
    from darkroom.aws.table import JobTable


def count_files(files: Iterable[File], jobs: JobTable) -> None:
    """Count files of any number of jobs. Idempotent; files of deleted jobs are ignored."""
    for job_id, events in events_by_job(files).items():
        job = jobs.get(job_id)
        if job is not None:
            count_events(job, events, jobs)


def count_events(job: Job, events: Sequence[FileEvent], jobs: JobTable) -> None:
    """Count events of one job, latest first: one write for each page, then one for the job.

    The job is written even if the pages have the events already: whoever counted them may have
    died in between.
    """
    pages = [
        jobs.change_tally(job, number, lambda page, own=own: page.merged(own))  # type: ignore[misc]
        for number, own in pages_of(events).items()
    ]

    try:
        jobs.change(job.job_id, lambda now: now.with_pages(pages, events))
    except NotFound:
        return  # deleted meanwhile


def events_by_job(files: Iterable[File]) -> dict[str, list[FileEvent]]:
    """The events of the files that have any to report, by job, latest first as in `recent`."""
    events: defaultdict[str, list[FileEvent]] = defaultdict(list)
    for file in files:
        if event := file_event(file):
            events[file.job_id].insert(0, event)
    return dict(events)
