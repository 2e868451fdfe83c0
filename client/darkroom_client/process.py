"""The main job: photos up, results down, with a bar that shows how far it is."""

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
    """A job that has ended. heard: how many documents came which way."""

    job: Job
    progress: Progress
    heard: Mapping[Via, int]


@dataclass(frozen=True, slots=True)
class Runner:
    """archive: a job has ended when its ZIP is there, too."""

    darkroom: Darkroom
    options: Mapping[str, Any]
    archive: bool = False
    pace: PollingPolicy = PollingPolicy()

    def run(
        self, files: Sequence[LocalFile], bar: Bar, begun: Callable[[Job], None] = lambda _: None
    ) -> Run:
        """Create a job, upload its files and follow it to its end."""
        job = self.darkroom.create_job(files, self.options)
        begun(job)
        bar.begin("uploading", sum(file.size for file in files))
        job.upload(bar.advance)
        bar.begin("uploaded", None)
        heard: Counter[Via] = Counter()
        newest: Progress | None = None
        for update in follow(job, archive=self.archive, pace=self.pace):
            newest = update.progress
            heard[update.via] += 1
            bar.hear(update)
        assert newest is not None  # noqa: S101 - follow ends with a document
        return Run(job, newest, heard)


@dataclass(frozen=True, slots=True)
class Saved:
    """What a job has come to. failed: its files without a result. error: of the whole job."""

    job_id: str
    succeeded: int
    skipped: int
    failed: Sequence[FileInfo]
    error: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """Where results go: one by one, or as a ZIP for each job where the runner waits for it."""

    runner: Runner
    out: Path

    def fill(
        self, files: Sequence[LocalFile], bars: Bars, begun: Callable[[Job], None]
    ) -> list[Saved]:
        """Process `files` in as many jobs as they take, a few at once.

        `begun` is told of each job. Raises ClientError.
        """
        places = Places(self.out, [file.path for file in files])
        lots = [files[start : start + FILES_A_JOB] for start in range(0, len(files), FILES_A_JOB)]
        tasks = [partial(self._fill_one, lot, bars.add(_title(lot)), places, begun) for lot in lots]
        return self.runner.darkroom.wire.side_by_side(tasks, JOBS_AT_ONCE)

    def _fill_one(
        self, files: Sequence[LocalFile], bar: Bar, places: Places, begun: Callable[[Job], None]
    ) -> Saved:
        ran = self.runner.run(files, bar, begun)
        progress, job = ran.progress, ran.job
        if progress.succeeded and self.runner.archive:
            bar.begin("saving the ZIP", progress.document["archive"].get("bytes"))
            job.download_archive(places.place(f"darkroom-{job.job_id[:8]}.zip"), bar.advance)
        elif progress.succeeded:
            bar.begin("saving", progress.succeeded)
            found = places.assign(list(job.files(status="succeeded")))
            job.download_all(found, bar.advance)
        failed = list(job.files(status="failed")) if progress.failed else []
        bar.end(f"{progress.succeeded} done" + (f", {len(failed)} failed" if failed else ""))
        return Saved(job.job_id, progress.succeeded, progress.skipped, failed, _why(progress))


def _why(progress: Progress) -> str:
    """Why a job has come to nothing; "" if it has not."""
    if progress.status == "completed":
        return ""
    return (progress.error or {}).get("message") or f"The job was {progress.status}."


def _title(files: Sequence[LocalFile]) -> str:
    return files[0].name if len(files) == 1 else f"{len(files)} files"
