"""Counting the files that have ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from operator import methodcaller
from typing import TYPE_CHECKING

from darkroom.errors import NotFound
from darkroom.files import File, file_event
from darkroom.jobs import FileEvent

if TYPE_CHECKING:
    from darkroom.aws.table import JobTable


def count_files(files: Iterable[File], jobs: JobTable) -> None:
    """Count the files with one write for each job in the batch, however many of its files ended."""
    for job_id, events in events_by_job(files).items():
        try:
            jobs.change(job_id, methodcaller("with_events", events))
        except NotFound:
            continue  # deleted meanwhile


def events_by_job(files: Iterable[File]) -> dict[str, list[FileEvent]]:
    """The events of the files that have ended, by job, latest first as in `recent`."""
    events: defaultdict[str, list[FileEvent]] = defaultdict(list)
    for file in files:
        if event := file_event(file):
            events[file.job_id].insert(0, event)
    return dict(events)
