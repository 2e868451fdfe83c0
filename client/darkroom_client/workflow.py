"""An end-to-end test of a deployment: one photo, several photos, and a ZIP with sub-folders."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from darkroom_client.api import FILES_A_JOB, Darkroom
from darkroom_client.checks import BadPng, open_png, zip_problems
from darkroom_client.display import Bars
from darkroom_client.errors import ClientError, Stopped, Unusable
from darkroom_client.follow import PollingPolicy, Via
from darkroom_client.model import FileInfo, LocalFile
from darkroom_client.process import Run, Runner
from darkroom_client.saving import Places, result_name

_PNG = "image/png"
_DATA_URL_BYTES = 3_000_000


@dataclass(frozen=True, slots=True)
class Scenario:
    """One job of the test.

    folder: where its results are saved.
    photos: the names under which the service must report the photos.
    faces: the photos in which a face must be found.
    """

    title: str
    folder: str
    files: Sequence[LocalFile]
    photos: Sequence[str]
    options: Mapping[str, Any]
    faces: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a scenario, which passed if there are no problems."""

    scenario: Scenario
    problems: Sequence[str]
    succeeded: int = 0
    seconds: float = 0.0
    updates: Mapping[Via, int] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return not self.problems


def scenarios(
    photos: Sequence[LocalFile], album: Path, faces: Collection[str] = ()
) -> list[Scenario]:
    """The three scenarios. album: a ZIP. faces: the names of `photos` that show a face.

    Raises Unusable for no photos, too many photos, or an album that is not a ZIP.
    """
    if not 1 <= len(photos) <= FILES_A_JOB:
        raise Unusable(f"The workflow takes 1 to {FILES_A_JOB} photos, not {len(photos)}.")
    try:
        with zipfile.ZipFile(album) as archive:
            packed = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
    except zipfile.BadZipFile as error:
        raise Unusable(f"{album}: {error}") from error
    first = next((photo for photo in photos if photo.name in faces), photos[0])
    names = [photo.name for photo in photos]
    zipped = LocalFile(album, album.name)
    return [
        Scenario("One photo", "one", [first], [first.name], {}),
        Scenario("Several, cropped", "several", photos, names, {"crop_face": True}, faces),
        Scenario("ZIP with folders", "zip", [zipped], packed, {}),
    ]


def make_album(photos: Sequence[LocalFile], to: Path) -> Path:
    """Write a ZIP of the photos, spread over two folders, and return its path."""
    to.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(to, "w") as album:
        for number, photo in enumerate(photos):
            folder = "album" if number % 2 else "album/more of it"
            album.write(photo.path, f"{folder}/{photo.name}")
    return to


@dataclass(frozen=True, slots=True)
class Workflow:
    """Runs scenarios and saves their results below `out`."""

    darkroom: Darkroom
    out: Path
    polling: PollingPolicy = PollingPolicy()

    def run(self, scenario: Scenario, bars: Bars) -> Report:
        """Run and check one scenario. Errors become problems of its report, except Stopped."""
        bar = bars.add(scenario.title)
        started = time.monotonic()
        try:
            runner = Runner(self.darkroom, scenario.options, archive=True, polling=self.polling)
            run = runner.run(scenario.files, bar)
            bar.begin("saving and checking", None)
            report = self._check(scenario, run)
        except Stopped:
            raise
        except (ClientError, OSError) as error:
            report = Report(scenario, [str(error)])
        bar.end("passed" if report.passed else "FAILED")
        return replace(report, seconds=time.monotonic() - started)

    def _check(self, scenario: Scenario, run: Run) -> Report:
        files = list(run.job.files())
        folder = self.out / scenario.folder
        places = Places(folder).assign(files)
        run.job.download_all(places, lambda: None)
        problems = [*_job_problems(scenario, run, files)]
        results: dict[str, bytes] = {}
        for path, file in places.items():
            data = path.read_bytes()
            results[path.relative_to(folder).as_posix()] = data
            problems += _result_problems(scenario, run, file, data)
        if run.progress.archive == "ready":
            to = folder.with_suffix(".zip")
            run.job.download_archive(to)
            expected = {name: result_name(name, _PNG) for name in scenario.photos}
            problems += zip_problems(to, results, expected)
        return Report(scenario, problems, run.progress.succeeded, updates=run.updates)


def _job_problems(scenario: Scenario, run: Run, files: Sequence[FileInfo]) -> Iterator[str]:
    progress = run.progress
    if progress.status != "completed":
        yield f"the job is {progress.status}: {(progress.error or {}).get('message', '')}"
    for file in files:
        if file.status == "failed":
            yield f"{file.name}: {(file.error or {}).get('message', 'failed')}"
    names = sorted(file.name for file in files if file.result)
    if names != sorted(scenario.photos):
        count = f"{len(names)} results for {len(scenario.photos)} photos"
        yield f"the names of the results do not match the photos: {count}"
    if not (progress.processed == progress.total == progress.succeeded == len(scenario.photos)):
        yield f"the progress document counts {progress.processed} of {progress.total} photos"
    if progress.archive != "ready":
        yield f"the archive's status is {progress.archive}, not ready"
    if not run.updates.get(Via.WEBSOCKET):
        yield "no progress arrived over the WebSocket"


def _result_problems(scenario: Scenario, run: Run, file: FileInfo, data: bytes) -> Iterator[str]:
    result = file.result
    assert result is not None  # noqa: S101 - it was downloaded
    try:
        width, height, alpha = open_png(data)
    except BadPng as error:
        yield f"the result of {file.name} cannot be decoded: {error}"
        return
    if (width, height, len(data)) != (result.width, result.height, result.size):
        yield f"the result of {file.name} differs in size from what the API reported"
    if not alpha:
        yield f"the result of {file.name} has no transparency"
    if len(data) <= _DATA_URL_BYTES and run.job.read(file.file_id) != data:
        yield f"the data URL of {file.name} differs from its download"
    if file.name in scenario.faces and not result.faces:
        yield f"no face was found in {file.name}"
