"""Jobs that version 0.1 stored: they are read as they were, and the code of today ends them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator

import pytest

from darkroom import clock
from darkroom.jobs import Job
from darkroom.keys import archive_key
from darkroom.options import Options
from darkroom.outcomes import Counts
from darkroom.progress import progress_document
from darkroom.states import FileStatus, JobStatus
from darkroom.usage import Usage
from functions.zip.archive import building
from functions.zip.archive.manifest import MANIFEST
from functions.zip.ingest import intake
from tests.interleavings.world import Step, World
from tests.layer.stored_jobs import NAMES, restored, stored

PHOTOS = {"a.jpg": "succeeded", "b.jpg": "succeeded", "c.jpg": "succeeded", "d.jpg": "succeeded"}
OTHERS = {"bad.jpg": "failed", "notes.txt": "skipped"}
ENDS = {
    "awaiting": {"a.jpg": "succeeded", "b.jpg": "failed"},
    "cancelled": {
        "a.jpg": "succeeded",
        "b.jpg": "cancelled",
        "c.jpg": "cancelled",
        "p.jpg": "cancelled",
    },
    "completed": {"a.jpg": "succeeded", "p.jpg": "succeeded"} | OTHERS,
    "retry_under_way": {
        "a.jpg": "succeeded",
        "b.jpg": "succeeded",
        "c.jpg": "succeeded",
        "p.jpg": "succeeded",
    }
    | OTHERS,
    "zip_being_dispatched": PHOTOS | OTHERS,
    "zip_being_processed": PHOTOS | {"p.jpg": "succeeded"} | OTHERS,
    "zip_failed": {
        "a.jpg": "succeeded",
        "b.jpg": "succeeded",
        "p.jpg": "succeeded",
        "z.zip": "failed",
    },
}
"""How each job ends: its photos by name, without ZIPs that were expanded."""
STATUSES = dict.fromkeys(ENDS, JobStatus.COMPLETED) | {"cancelled": JobStatus.CANCELLED}


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(intake, "THREADS", 1)
    monkeypatch.setattr(building, "READERS", 1)
    monkeypatch.setattr(building, "WRITERS", 1)
    yield


@pytest.fixture
def restore(monkeypatch: pytest.MonkeyPatch) -> Callable[..., World]:
    """Puts a stored job into a world, whose clock is everybody's."""

    def put(name: str, *, lost: bool = False) -> World:
        world = restored(stored(name), lost=lost)
        monkeypatch.setattr(clock, "now", world.clock)
        return world

    return put


def settle(world: World) -> Job:
    """Let all work be done, and return the job."""
    world.finish()
    return world.jobs.require(world.created[0])


def outcomes(world: World) -> dict[str, str]:
    """The status of each photo by its name."""
    files = world.jobs.files(world.created[0])
    return {f.name: f.status.value for f in files if f.status is not FileStatus.EXPANDED}


def check(world: World, job: Job, expected: dict[str, str], status: JobStatus) -> None:
    """The job has ended like this, and its counts, usage and archive say the same."""
    assert outcomes(world) == expected
    assert (job.status, job.settled, job.total) == (status, True, len(expected))
    ended = list(expected.values())
    skipped = ended.count("skipped") + ended.count("cancelled")
    assert (job.counts.succeeded, job.counts.failed, job.counts.skipped) == (
        ended.count("succeeded"),
        ended.count("failed"),
        skipped,
    )
    assert job.usage == usage(world)
    assert in_archive(world, job) == sorted(
        name.replace(".jpg", ".png") for name, status in expected.items() if status == "succeeded"
    )


def usage(world: World) -> Usage:
    """What the results that there are have taken."""
    return sum(
        (
            Usage.of_photo(
                bytes_in=file.size,
                bytes_out=file.result.size,
                model=file.result.model,
                milliseconds=file.result.milliseconds,
            )
            for file in world.jobs.files(world.created[0])
            if file.result
        ),
        Usage(),
    )


def in_archive(world: World, job: Job) -> list[str]:
    """The results in the latest archive."""
    key = archive_key(job.job_id, job.archive.generation)
    assert world.bucket.list_keys("archives/")[-1] == key
    with zipfile.ZipFile(io.BytesIO(world.bucket.objects[key])) as archive:
        assert len(json.loads(archive.read(MANIFEST))["files"]) == job.total
        return sorted(set(archive.namelist()) - {MANIFEST})


def test_every_job_that_is_stored_here_has_an_end() -> None:
    assert sorted(ENDS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_job_reads_as_it_did(name: str) -> None:
    was = stored(name)
    job = restored(was).jobs.require(was.job_id)
    document = progress_document(job)
    assert document["summary"].pop("review") == 0  # version 0.1 did not score cutouts
    assert document == was.document


@pytest.mark.parametrize("name", NAMES)
def test_a_job_is_brought_to_its_end(name: str, restore: Callable[..., World]) -> None:
    world = restore(name)
    check(world, settle(world), ENDS[name], STATUSES[name])
    assert len(world.bucket.list_keys("archives/")) == 1, "older ones have been pruned"


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"awaiting"}))
def test_a_job_whose_uploads_have_arrived_needs_no_sweep(
    name: str, restore: Callable[..., World]
) -> None:
    world = restore(name)
    for _ in range(2):
        while world.work():
            pass
        world.now += 60  # the archive may wait for a minute
    job = world.jobs.require(world.created[0])
    check(world, job, ENDS[name], STATUSES[name])


@pytest.mark.parametrize("name", NAMES)
def test_a_job_whose_messages_and_records_are_lost_ends_alike(
    name: str, restore: Callable[..., World]
) -> None:
    """The sweep finds it."""
    world = restore(name, lost=True)
    check(world, settle(world), ENDS[name], STATUSES[name])


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("name", sorted({*NAMES} - {"completed"}))
def test_a_cancelled_job_ends_with_every_photo_counted(
    name: str, lost: bool, restore: Callable[..., World]
) -> None:
    """Of a ZIP that was being dispatched, the other photos are cancelled too."""
    world = restore(name, lost=lost)
    world.do(Step("cancel"))
    job = settle(world)
    assert (job.status, job.settled) == (JobStatus.CANCELLED, True)
    ended = outcomes(world)
    assert set(ended) == set(ENDS[name])
    assert set(ended.values()) <= {"succeeded", "failed", "skipped", "cancelled"}
    assert (job.total, job.counts.processed) == (len(ended), len(ended))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("at", ["once", "its end"])
def test_a_deleted_job_leaves_nothing(name: str, at: str, restore: Callable[..., World]) -> None:
    world = restore(name)
    if at == "its end":
        settle(world)
    world.do(Step("delete"))
    world.finish()
    assert world.jobs.get(world.created[0]) is None
    assert (world.table.items, world.bucket.objects) == ({}, {})


@pytest.mark.parametrize("name", NAMES)
def test_a_retry_at_its_end_processes_what_failed_or_was_cancelled(
    name: str, restore: Callable[..., World]
) -> None:
    world = restore(name)
    before = settle(world)
    again = {
        file.file_id
        for file in world.jobs.files(before.job_id)
        if file.status in (FileStatus.FAILED, FileStatus.CANCELLED)
    }
    attempts = {file.file_id: file.attempt for file in world.jobs.files(before.job_id)}
    assert again, "each of these jobs has such a file"
    world.jobs.change(before.job_id, Job.retried)
    world._collect()
    job = settle(world)
    expected = dict(ENDS[name])
    if name == "cancelled":
        expected |= {"b.jpg": "succeeded", "c.jpg": "succeeded", "p.jpg": "failed"}
    if name == "zip_failed":
        expected = PHOTOS | OTHERS | {"p.jpg": "succeeded"}
    assert outcomes(world) == expected
    assert (job.status, job.total) == (JobStatus.COMPLETED, len(expected))
    assert (job.settled, job.attempt) == (True, before.attempt + 1)
    assert job.usage == usage(world)
    rose = {
        file.file_id
        for file in world.jobs.files(before.job_id)
        if file.attempt > attempts.get(file.file_id, file.attempt)
    }
    assert rose == again


def test_a_chosen_photo_of_a_completed_job_gets_another_result(
    restore: Callable[..., World],
) -> None:
    world = restore("completed")
    before = settle(world)
    [photo] = [file for file in world.jobs.files(before.job_id) if file.name == "p.jpg"]
    options = Options(model="u2netp", max_side=64).model_dump_json()
    world.jobs.change(before.job_id, lambda job: job.retried(options, [photo.file_id]))
    world._collect()
    job = settle(world)
    check(world, job, ENDS["completed"], JobStatus.COMPLETED)
    assert (before.archive.generation, job.archive.generation) == (1, 2)
    now = world.jobs.file(job.job_id, photo.file_id)
    assert now is not None and now.result is not None
    assert world.bucket.objects[now.result.key] == b"good p as 64"
    assert job.counts == Counts(succeeded=2, failed=1, skipped=1, zips=1, arrived=2)
