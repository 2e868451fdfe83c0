"""Upload photos, follow their jobs, and download the results, with progress bars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from darkroom_client.api import FILES_A_JOB, Darkroom
from darkroom_client.display import Bar, Bars
from darkroom_client.follow import PollingPolicy, Via, follow
from darkroom_client.job import Job
from darkroom_client.model import FileInfo, LocalFile, Progress
from darkroom_client.saving import Places

JOBS_AT_ONCE = 3


@dataclass(frozen=True, slots=True)
class Run:
    """A job that has ended. updates: how many progress documents came by each channel."""

    job: Job
    progress: Progress
    updates: Mapping[Via, int]


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs one job at a time. archive: wait for the archive too."""

    darkroom: Darkroom
    options: Mapping[str, Any]
    archive: bool = False
    polling: PollingPolicy = PollingPolicy()

    def run(
        self, files: Sequence[LocalFile], bar: Bar, created: Callable[[Job], None] = lambda _: None
    ) -> Run:
        """Create a job, upload its files and follow it to its end.

        created: called with the job as soon as it exists. Raises ClientError or OSError.
        """
        job = self.darkroom.create_job(files, self.options)
        created(job)
        bar.begin("uploading", sum(file.size for file in files))
        job.upload(bar.advance)
        bar.begin("uploaded", None)
        updates: Counter[Via] = Counter()
        newest: Progress | None = None
        for update in follow(job, archive=self.archive, polling=self.polling):
            newest = update.progress
            updates[update.via] += 1
            bar.show(update)
        assert newest is not None  # noqa: S101 - follow yields at least one document
        return Run(job, newest, updates)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a job. failed: files without a result. error: why the whole job failed."""

    job_id: str
    succeeded: int
    skipped: int
    failed: Sequence[FileInfo]
    error: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Processes any number of files, in jobs of up to 100, and saves the results below `out`.

    Saves one archive for each job if `runner.archive` is set, otherwise each result.
    """

    runner: Runner
    out: Path

    def run(
        self, files: Sequence[LocalFile], bars: Bars, created: Callable[[Job], None]
    ) -> list[Outcome]:
        """Process `files`, with up to three jobs at once.

        created: called with each job as soon as it exists. Raises ClientError or OSError.
        """
        places = Places(self.out, [file.path for file in files])
        chunks = [files[start : start + FILES_A_JOB] for start in range(0, len(files), FILES_A_JOB)]
        tasks = [
            partial(self._run_job, chunk, bars.add(_title(chunk)), places, created)
            for chunk in chunks
        ]
        return self.runner.darkroom.wire.concurrently(tasks, JOBS_AT_ONCE)

    def _run_job(
        self, files: Sequence[LocalFile], bar: Bar, places: Places, created: Callable[[Job], None]
    ) -> Outcome:
        run = self.runner.run(files, bar, created)
        progress, job = run.progress, run.job
        if progress.succeeded and self.runner.archive:
            bar.begin("saving the archive", progress.document["archive"].get("bytes"))
            job.download_archive(places.place(f"darkroom-{job.job_id[:8]}.zip"), bar.advance)
        elif progress.succeeded:
            bar.begin("saving", progress.succeeded)
            results = places.assign(list(job.files(status="succeeded")))
            job.download_all(results, bar.advance)
        failed = list(job.files(status="failed")) if progress.failed else []
        bar.end(f"{progress.succeeded} done" + (f", {len(failed)} failed" if failed else ""))
        return Outcome(job.job_id, progress.succeeded, progress.skipped, failed, _why(progress))


def _why(progress: Progress) -> str:
    """Why a job did not complete; "" if it did."""
    if progress.status == "completed":
        return ""
    return (progress.error or {}).get("message") or f"The job was {progress.status}."


def _title(files: Sequence[LocalFile]) -> str:
    return files[0].name if len(files) == 1 else f"{len(files)} files"
