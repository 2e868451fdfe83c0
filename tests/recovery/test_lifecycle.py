"""Retries, cancelled jobs, and deleted jobs."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from darkroom import clock
from darkroom.archives import Archive
from darkroom.aws import items
from darkroom.counting import count_files
from darkroom.files import File
from darkroom.jobs import Job
from darkroom.messages import (
    ForgetMessage,
    ImageMessage,
    PruneMessage,
    RetryMessage,
    Source,
    StopMessage,
)
from darkroom.options import Options
from darkroom.states import ArchiveStatus, FileStatus, JobStatus
from darkroom.usage import Usage
from functions.recovery.lifecycle import Lifecycle
from functions.zip.ingest import app as ingest
from tests.conftest import Cloud, FakeContext, sqs_event
from tests.making import a_file, a_job, a_result, store
from tests.recovery.retries import ERROR, follow_up, queue_again, retried_job, retry_of
from tests.zip.ingest.uploads import make_job, messages, run, uploaded, zip_of

SOURCE = Source(key="uploads/j1/000001/a.jpg", etag="e", size=9)


def stored(cloud: Cloud) -> list[File]:
    return list(cloud.services.jobs.files("j1"))


def statuses(cloud: Cloud) -> list[tuple[str, int]]:
    return [(file.status.value, file.attempt) for file in stored(cloud)]


def lifecycle(cloud: Cloud) -> list[str]:
    return cloud.received(cloud.services.settings.lifecycle_queue_url)


def test_only_failed_and_cancelled_files_are_queued_again(cloud: Cloud) -> None:
    job = retried_job(cloud)
    queue_again(cloud, retry_of(job))
    assert sorted((m.file_id, m.attempt) for m in messages(cloud)) == [
        ("000001", 2),
        ("000100", 2),
        ("000101", 2),
    ]
    assert statuses(cloud) == [
        ("succeeded", 1),
        ("queued", 2),
        ("failed", 2),
        ("expanded", 1),
        ("queued", 2),
        ("queued", 2),
        ("skipped", 1),
    ]
    queued, missing = stored(cloud)[1:3]
    assert queued.error is None
    assert missing.error is not None
    assert missing.error["code"] == "never_uploaded"
    job = cloud.services.jobs.require("j1")
    assert (job.retries, job.counts.succeeded, job.counts.failed) == ((), 1, 1)


def test_a_retry_is_idempotent(cloud: Cloud) -> None:
    message = retry_of(retried_job(cloud))
    queue_again(cloud, message, message)
    first = {m.file_id for m in messages(cloud)}
    cloud.services.jobs.ended(stored(cloud)[1], FileStatus.FAILED, error=ERROR)
    follow_up(message)
    assert messages(cloud) == []
    assert (len(first), {file.attempt for file in stored(cloud)}) == (3, {1, 2})


def test_a_retry_whose_worker_died_does_not_try_a_file_twice(cloud: Cloud) -> None:
    """The message comes again: a file that has failed once more meanwhile stays failed."""
    job = retried_job(cloud)
    message = retry_of(job)
    queue_again(cloud, message)
    messages(cloud)
    cloud.services.jobs.ended(stored(cloud)[1], FileStatus.FAILED, error=ERROR)
    cloud.services.jobs.change("j1", lambda now: replace(now, retries=job.retries)._next())
    follow_up(message)
    assert [m.file_id for m in messages(cloud)] == ["000100", "000101"]


def test_a_retry_out_of_time_continues_in_a_message(cloud: Cloud) -> None:
    message = retry_of(retried_job(cloud))
    follow_up(message, milliseconds=1)
    [rest] = lifecycle(cloud)
    assert RetryMessage.model_validate_json(rest) == message
    assert cloud.services.jobs.require("j1").retries, "it is not done"


def test_a_chosen_file_is_processed_again_with_options_of_its_own(cloud: Cloud) -> None:
    retried_job(cloud)
    jobs = cloud.services.jobs
    options = Options(model="silueta").model_dump_json()
    job, _ = jobs.change("j1", lambda job: job.retried(options, ["000101", "000000"]))
    cloud.put("uploads/j1/000000/a.jpg", b"the same photo")
    before = job.usage
    follow_up(retry_of(job))
    sent = messages(cloud)
    assert [(m.file_id, m.options.model) for m in sent] == [
        ("000000", "silueta"),
        ("000101", "silueta"),
    ]
    again = stored(cloud)[0]
    assert again.result is not None, "the result of before stays until there is another"
    assert (before.models["u2netp"].photos, jobs.require("j1").usage) == (1, Usage())
    jobs.ended(again, FileStatus.SUCCEEDED, a_result(0, size=7, bytes_in=14))
    count_files([stored(cloud)[0]], jobs)
    usage = jobs.require("j1").usage
    assert (usage.bytes_in, usage.bytes_out) == (14, 7)


# ---- an upload that was sent again


def failed_upload(cloud: Cloud, code: str) -> None:
    old = Source(key="uploads/j1/000000/a.jpg", etag="old", size=1)
    source = None if code == "never_uploaded" else old
    error = {"code": code, "message": "Upload it again."}
    store(
        cloud.services.jobs,
        a_job(),
        a_file(0, status=FileStatus.FAILED, source=source, error=error),
    )


@pytest.mark.parametrize("code", ["upload_changed", "never_uploaded"])
def test_a_retry_takes_the_photo_that_lies_in_the_bucket_now(cloud: Cloud, code: str) -> None:
    failed_upload(cloud, code)
    cloud.put("uploads/j1/000000/a.jpg", b"the new photo")
    job, _ = cloud.services.jobs.change("j1", Job.retried)
    queue_again(cloud, retry_of(job))
    [message] = messages(cloud)
    etag = hashlib.md5(b"the new photo", usedforsecurity=False).hexdigest()
    assert (message.attempt, message.source.etag, message.source.size) == (2, etag, 13)


@pytest.mark.parametrize("code", ["upload_changed", "never_uploaded"])
def test_a_retry_expands_the_zip_that_lies_in_the_bucket_now(cloud: Cloud, code: str) -> None:
    """Also if it was a photo when it was first read."""
    failed_upload(cloud, code)
    cloud.put("uploads/j1/000000/a.zip", zip_of({"a.jpg": b"a", "b.jpg": b"b"}))
    job, _ = cloud.services.jobs.change("j1", Job.retried)
    queue_again(cloud, retry_of(job))
    assert [m.name for m in messages(cloud)] == ["a.jpg", "b.jpg"]
    count_files(cloud.services.jobs.files("j1"), cloud.services.jobs)
    assert cloud.services.jobs.require("j1").total == 2


def test_a_photo_that_took_the_place_of_a_zip_can_be_chosen(cloud: Cloud) -> None:
    """The job still knows the span of the ZIP, which failed before any photo was dispatched."""
    jobs = cloud.services.jobs
    photo = a_file(0, status=FileStatus.SUCCEEDED, source=SOURCE, result=a_result(0, bytes_in=10))
    store(jobs, a_job().zip_listed(0, "the ZIP", 3, 3), photo)
    cloud.put("uploads/j1/000000/a.jpg", b"another photo")
    job, _ = jobs.change("j1", lambda job: job.retried(None, ["000000"]))
    queue_again(cloud, retry_of(job))
    [message] = messages(cloud)
    assert (message.file_id, message.attempt, message.source.size) == ("000000", 2, 13)
    assert jobs.require("j1").usage == Usage()


def test_usage_takes_back_the_size_of_the_photo_that_version_0_1_processed(cloud: Cloud) -> None:
    """Version 0.1 did not store it in the result, and the photo has been replaced since."""
    jobs = cloud.services.jobs
    photo = a_file(0, size=10, status=FileStatus.SUCCEEDED, source=SOURCE, result=a_result(0))
    store(jobs, a_job(), photo)
    cloud.put("uploads/j1/000000/a.jpg", b"a larger photo")
    job, _ = jobs.change("j1", lambda job: job.retried(None, ["000000"]))
    queue_again(cloud, retry_of(job))
    assert (job.usage.bytes_in, jobs.require("j1").usage) == (10, Usage())


# ---- cancelled jobs


def test_a_zip_of_a_job_cancelled_during_dispatch_is_counted_completely(
    cloud: Cloud,
) -> None:
    make_job(cloud)
    event = uploaded(cloud, zip_of({"a.jpg": b"a", "b.jpg": b"b", "c.txt": b"c"}), name="a.zip")
    cloud.services.jobs.change("j1", Job.cancelled)
    run(event)
    assert messages(cloud) == []
    assert [file.status.value for file in stored(cloud)] == [
        "expanded",
        "cancelled",
        "cancelled",
        "skipped",
    ]
    count_files(cloud.services.jobs.files("j1"), cloud.services.jobs)
    job = cloud.services.jobs.require("j1")
    assert (job.status, job.counts.skipped, job.settled) == (JobStatus.CANCELLED, 3, True)


def test_a_cancel_ends_the_uploads_that_have_not_arrived(cloud: Cloud) -> None:
    """Of 205 files, 100 were declared, of which one has arrived and one is a ZIP."""
    files = [a_file(index) for index in range(100)]
    files[1] = a_file(1, status=FileStatus.QUEUED, source=SOURCE)
    files[2] = a_file(2, status=FileStatus.EXPANDING, source=SOURCE)
    store(cloud.services.jobs, a_job(uploads=205), *files)
    cloud.services.jobs.change("j1", Job.cancelled)
    follow_up(StopMessage(job_id="j1"))
    counts = Counter(file.status.value for file in stored(cloud))
    assert counts == {"cancelled": 203, "queued": 1, "expanding": 1}


def test_a_cancel_that_was_overtaken_by_a_retry_cancels_nothing(cloud: Cloud) -> None:
    make_job(cloud, uploads=2)
    cloud.services.jobs.change("j1", Job.cancelled)
    cloud.services.jobs.change("j1", Job.retried)
    follow_up(StopMessage(job_id="j1"))
    assert statuses(cloud) == [("awaiting_upload", 1)] * 2


def test_an_upload_that_arrives_after_the_cancel_is_left_to_a_retry(cloud: Cloud) -> None:
    make_job(cloud)
    cloud.services.jobs.change("j1", Job.cancelled)
    follow_up(StopMessage(job_id="j1"))
    assert run(uploaded(cloud, b"\xff\xd8\xff photo")) == []
    assert (messages(cloud), statuses(cloud)) == ([], [("cancelled", 1)])
    job, _ = cloud.services.jobs.change("j1", Job.retried)
    follow_up(retry_of(job))
    for body in cloud.received(cloud.services.settings.ingest_queue_url):
        ingest.handler(sqs_event(body), FakeContext())
    assert [(m.file_id, m.attempt) for m in messages(cloud)] == [("000000", 2)]


# ---- deletion


def forgotten(cloud: Cloud, **changes: Any) -> ForgetMessage:
    job = retried_job(cloud)
    cloud.services.jobs.forget("j1")
    return ForgetMessage(job_id="j1", blocks=job.blocks, **changes)


def test_a_forgotten_job_leaves_nothing_behind(cloud: Cloud) -> None:
    message = forgotten(cloud)
    cloud.services.connections.opened("c1", "j1", 1e10)
    cloud.services.connections.subscribe("c1", "j1", 1e10)
    cloud.services.jobs.create(a_job(job_id="j10"), [a_file(job_id="j10")])
    for key in ("uploads/j1/0/a", "results/j1/1/b.png", "archives/j1/1.zip", "uploads/j10/0/a"):
        cloud.put(key, b"x")
    for key in ("uploads/j1/0/big.zip", "archives/j1/2.zip", "uploads/j10/0/big.zip"):
        cloud.s3.create_multipart_upload(Bucket="darkroom-photos", Key=key)
    assert follow_up(message, message) == []
    assert cloud.keys() == ["uploads/j10/0/a"]
    left = {item["pk"] for item in cloud.table.scan()["Items"]}
    assert left == {"JOB#j10", "JOB#j10#00000", "CONN#c1"}
    under_way = cloud.s3.list_multipart_uploads(Bucket="darkroom-photos")["Uploads"]
    assert [upload["Key"] for upload in under_way] == ["uploads/j10/0/big.zip"]


@pytest.mark.parametrize("stops_at", range(4))
def test_a_deletion_out_of_time_continues_in_a_message(cloud: Cloud, stops_at: int) -> None:
    message = forgotten(cloud)
    answers = iter([False] * stops_at)
    shared = cloud.services
    walker = Lifecycle(
        shared.jobs,
        shared.bucket,
        shared.lanes,
        shared.ingest,
        shared.lifecycle,
        lambda: next(answers, True),
    )
    walker.forget(message)
    for body in lifecycle(cloud):
        follow_up(ForgetMessage.model_validate_json(body))
    assert cloud.keys() == []
    assert cloud.table.scan()["Items"] == []


def test_what_was_under_way_during_the_deletion_is_deleted_by_its_second_round(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker stores its result after the first round, and dies before it can delete it."""
    delays = []
    send = type(cloud.services.lifecycle).send

    def recorded(self: Any, messages: Any, **more: Any) -> None:
        delays.append(more.get("delay"))
        send(self, messages)

    monkeypatch.setattr(type(cloud.services.lifecycle), "send", recorded)
    follow_up(forgotten(cloud))
    [second] = lifecycle(cloud)
    assert delays == [900]
    late = a_file(101, status=FileStatus.SUCCEEDED, result=a_result(101))
    cloud.table.put_item(Item=items.file_item(late, 1e10))
    cloud.put("results/j1/000101/late.png", b"x")
    assert follow_up(ForgetMessage.model_validate_json(second)) == []
    assert (cloud.keys(), cloud.table.scan()["Items"]) == ([], [])
    assert lifecycle(cloud) == [], "there is no third round"


@pytest.mark.parametrize("replaced", [False, True])
def test_a_drops_original_is_deleted_unless_it_was_replaced(cloud: Cloud, replaced: bool) -> None:
    etag = cloud.put("inbox/shop/a.jpg", b"photo")["Records"][0]["s3"]["object"]["eTag"]
    if replaced:
        cloud.put("inbox/shop/a.jpg", b"next week's photo")
    follow_up(forgotten(cloud, source="inbox/shop/a.jpg", etag=etag))
    assert cloud.keys("inbox/") == (["inbox/shop/a.jpg"] if replaced else [])


def test_what_is_uploaded_to_a_deleted_job_is_deleted_at_once(cloud: Cloud) -> None:
    assert run(uploaded(cloud, b"photo", job_id="gone")) == []
    assert cloud.keys() == []


# ---- old archives


def test_old_archives_are_deleted_once_their_links_have_expired(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = Archive(ArchiveStatus.READY, 3, 9)
    store(cloud.services.jobs, a_job(status=JobStatus.COMPLETED, archive=ready))
    for name in ("1.zip", "2.zip", "2.zip.plan", "3.zip", "3.zip.plan"):
        cloud.put(f"archives/j1/{name}", b"x")
    prune = PruneMessage(job_id="j1", generation=3, at=clock.now() + 600)
    follow_up(prune)
    assert len(cloud.keys()) == 5
    later = clock.now() + 601
    monkeypatch.setattr(clock, "now", lambda: later)
    follow_up(prune)
    assert cloud.keys() == ["archives/j1/3.zip", "archives/j1/3.zip.plan"]


def test_old_archives_stay_while_a_newer_one_is_being_built(cloud: Cloud) -> None:
    """Their links are all that a client has until then."""
    building = Archive(ArchiveStatus.BUILDING, 3)
    store(cloud.services.jobs, a_job(status=JobStatus.COMPLETED, archive=building))
    cloud.put("archives/j1/2.zip", b"x")
    follow_up(PruneMessage(job_id="j1", generation=2, at=0))
    assert cloud.keys() == ["archives/j1/2.zip"]


def test_messages_of_a_forgotten_job_are_dropped(cloud: Cloud) -> None:
    assert follow_up(RetryMessage(job_id="j9", retry=2)) == []
    assert [ImageMessage.model_validate_json(body) for body in cloud.messages()] == []
