"""Work that crashed its worker each time ends as failed; anything else is unchanged."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from darkroom.archives import Archive
from darkroom.counting import count_files
from darkroom.files import image_message
from darkroom.keys import drop_job_id
from darkroom.messages import Message, Source
from darkroom.options import Options
from darkroom.states import ArchiveStatus, FileStatus, JobStatus
from functions.recovery import dead_letters, lifecycle_queue
from tests.conftest import Cloud, FakeContext, sqs_event
from tests.letters import LETTERS
from tests.making import a_file, a_job, a_result, store
from tests.recovery.retries import retried_job, retry_of

QUEUED = a_file(
    0, status=FileStatus.QUEUED, source=Source(key="uploads/j1/000000/a.jpg", etag="e", size=1)
)
OBJECT = {"eTag": "e", "size": 1, "sequencer": "1"}
LETTER = image_message(QUEUED, Options(model="u2netp").model_dump_json()).model_dump_json()


def bury(*letters: Any) -> list[str]:
    bodies = [letter if isinstance(letter, str) else json.dumps(letter) for letter in letters]
    answer = dead_letters.handler(sqs_event(*bodies), FakeContext())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def error_of(cloud: Cloud) -> str | None:
    file = cloud.services.jobs.file("j1", "000000")
    assert file is not None
    return None if file.error is None else file.error["code"]


def test_the_photo_fails_and_its_job_ends(cloud: Cloud) -> None:
    jobs = cloud.services.jobs
    store(jobs, a_job(), QUEUED)
    assert bury(LETTER, LETTER) == []
    count_files(jobs.files("j1"), jobs)
    assert jobs.require("j1").status is JobStatus.FAILED
    assert error_of(cloud) == "processing_crashed"


def test_a_photo_that_was_redriven_and_has_succeeded_is_unchanged(cloud: Cloud) -> None:
    store(cloud.services.jobs, a_job(), QUEUED)
    cloud.services.jobs.ended(replace(QUEUED, stored=True), FileStatus.SUCCEEDED, a_result(0))
    assert bury(LETTER) == []
    assert error_of(cloud) is None


def test_a_dead_letter_of_an_earlier_attempt_is_ignored(cloud: Cloud) -> None:
    store(cloud.services.jobs, a_job(), replace(QUEUED, attempt=2))
    assert bury(LETTER) == []
    assert error_of(cloud) is None


@pytest.mark.parametrize(
    "letter",
    [
        {"key": "uploads/j1/000000/a+b.zip", "etag": "e", "size": 1, "start": 800},
        {"Records": [{"s3": {"object": OBJECT | {"key": "uploads/j1/000000/a%2Bb.zip"}}}]},
    ],
)
def test_an_upload_that_cannot_be_dispatched_fails(cloud: Cloud, letter: Any) -> None:
    jobs = cloud.services.jobs
    jobs.create(a_job(), [a_file(0)])
    assert bury(letter, letter) == []
    assert error_of(cloud) == "processing_crashed"
    count_files(jobs.files("j1"), jobs)
    assert jobs.require("j1").total == 1


ZIP: dict[str, Any] = {"key": "uploads/j1/000000/a.zip", "etag": "e", "size": 1}


def partly_dispatched(cloud: Cloud, stored: int) -> None:
    """A job with a ZIP of five photos, of which `stored` are in the table."""
    source = Source(key=ZIP["key"], etag="e", size=1)
    zip_file = a_file(0, status=FileStatus.EXPANDING, source=source)
    photos = [
        a_file(index, status=FileStatus.QUEUED, source=source) for index in range(100, 100 + stored)
    ]
    store(cloud.services.jobs, a_job().zip_listed(0, "e", 5, 5), zip_file, *photos)


def test_a_partly_dispatched_zip_ends_with_its_dispatched_photos(cloud: Cloud) -> None:
    jobs = cloud.services.jobs
    partly_dispatched(cloud, 2)
    assert bury(ZIP, ZIP) == []
    for file in list(jobs.files("j1"))[1:]:
        jobs.ended(file, FileStatus.SUCCEEDED, a_result(file.index))
    count_files(jobs.files("j1"), jobs)
    job = jobs.require("j1")
    assert (job.status, job.total) == (JobStatus.COMPLETED, 3)
    assert (job.counts.succeeded, job.counts.failed) == (2, 1)
    assert error_of(cloud) == "processing_crashed"


def test_a_fully_dispatched_zip_does_not_fail(cloud: Cloud) -> None:
    partly_dispatched(cloud, 5)
    assert bury(ZIP) == []
    assert cloud.services.jobs.require("j1").total == 5
    file = cloud.services.jobs.file("j1", "000000")
    assert file is not None and file.status is FileStatus.EXPANDED


@pytest.mark.parametrize("stored", [2, 5])
def test_photos_whose_messages_may_be_lost_are_sent_again(cloud: Cloud, stored: int) -> None:
    partly_dispatched(cloud, stored)
    bury(ZIP)
    [nudge] = cloud.received(cloud.services.settings.lifecycle_queue_url)
    lifecycle_queue.handler(sqs_event(nudge), FakeContext())
    sent = sorted(json.loads(body)["file_id"] for body in cloud.messages())
    assert sent == [f"{index:06d}" for index in range(100, 100 + stored)]


def test_a_queued_photo_is_sent_again(cloud: Cloud) -> None:
    store(cloud.services.jobs, a_job(), QUEUED)
    assert bury(ZIP | {"key": "uploads/j1/000000/a.jpg"}) == []
    [nudge] = cloud.received(cloud.services.settings.lifecycle_queue_url)
    lifecycle_queue.handler(sqs_event(nudge), FakeContext())
    assert [json.loads(body)["file_id"] for body in cloud.messages()] == ["000000"]
    assert error_of(cloud) is None


def test_a_drop_that_cannot_be_dispatched_fails(cloud: Cloud) -> None:
    jobs, job_id = cloud.services.jobs, drop_job_id("inbox/a.zip", "e", "1")
    jobs.create(a_job(job_id=job_id), [a_file(0, job_id=job_id)])
    assert bury({"Records": [{"s3": {"object": OBJECT | {"key": "inbox/a.zip"}}}]}) == []
    count_files(jobs.files(job_id), jobs)
    job = jobs.require(job_id)
    assert (job.status, (job.error or {})["code"]) == (JobStatus.FAILED, "processing_crashed")


def test_an_archive_that_cannot_be_built_fails(cloud: Cloud) -> None:
    building = Archive(ArchiveStatus.BUILDING, 2)
    cloud.services.jobs.create(a_job(status=JobStatus.COMPLETED, archive=building), [])
    bury({"job_id": "j1", "generation": 1})
    assert cloud.services.jobs.require("j1").archive == building
    bury({"job_id": "j1", "generation": 2})
    assert cloud.services.jobs.require("j1").archive.status is ArchiveStatus.FAILED


def test_dead_letters_of_deleted_jobs_are_dropped(cloud: Cloud) -> None:
    upload = {"key": "uploads/j1/000000/a.zip", "etag": "e", "size": 1}
    assert bury(LETTER, {"job_id": "j1", "generation": 1}, upload) == []


def test_unknown_dead_letters_stay_on_the_queue(cloud: Cloud) -> None:
    assert bury({"hello": 1}, "{}") == ["message-0", "message-1"]


@pytest.mark.parametrize("letter", LETTERS, ids=lambda letter: letter.kind)
def test_every_kind_of_dead_letter_is_handled(
    cloud: Cloud, letter: Message, caplog: pytest.LogCaptureFixture
) -> None:
    """No dead letter stays on its queue, and none puts a secret into the log."""
    store(cloud.services.jobs, a_job(), QUEUED)
    assert bury(letter.model_dump_json(exclude_none=True)) == []
    assert "s3cret" not in caplog.text
    assert all("s3cret" not in str(vars(record)) for record in caplog.records)


def test_a_dead_retry_is_completed_by_a_nudge(cloud: Cloud) -> None:
    """The retry died halfway; the job must not wait for files that it did not requeue."""
    job = retried_job(cloud)
    assert bury(retry_of(job).model_dump_json()) == []
    settings = cloud.services.settings
    while bodies := cloud.received(settings.lifecycle_queue_url):
        lifecycle_queue.handler(sqs_event(*bodies), FakeContext())
    ingested = {json.loads(body)["key"] for body in cloud.received(settings.ingest_queue_url)}
    sent = {(m["file_id"], m["attempt"]) for m in map(json.loads, cloud.messages())}
    assert ingested == {"uploads/j1/000001/a.jpg"}
    assert sent == {("000100", 2), ("000101", 2)}
