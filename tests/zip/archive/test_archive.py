"""The archive function: from a job's results to one ZIP."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from dataclasses import replace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from darkroom.archives import Archive
from darkroom.spans import Span
from darkroom.states import ArchiveStatus, FileStatus, JobStatus
from functions.zip.archive import app, building
from tests.conftest import Cloud, FakeContext, sqs_event
from tests.making import a_file, a_job, a_result, store


def make_job(cloud: Cloud, results: dict[str, bytes], **changes: Any) -> None:
    """A completed job with these results, one failed file and one skipped file."""
    files = [a_file(0, status=FileStatus.EXPANDED, name="upload.zip")]
    for index, (name, data) in enumerate(results.items(), 100):
        key = f"results/j1/{index:06d}/photo.png"
        cloud.put(key, data)
        result = a_result(index, key=key, size=len(data), crc32=zlib.crc32(data))
        files.append(a_file(index, name=name, status=FileStatus.SUCCEEDED, result=result))
    end = 100 + len(results)
    error = {"code": "damaged_photo", "message": "It is damaged."}
    files += [
        a_file(end, name="bad.jpg", status=FileStatus.FAILED, error=error),
        a_file(end + 1, name="notes.txt", status=FileStatus.SKIPPED),
    ]
    wanted = {"status": JobStatus.COMPLETED, "archive": Archive(ArchiveStatus.BUILDING, 1)}
    spans = (Span(0, 100, end - 98, end - 98, "e"),)
    job = a_job(**wanted | {"spans": spans} | changes)
    store(cloud.services.jobs, job, *files, counted=False)


def run(*messages: Any) -> list[str]:
    bodies = [message if isinstance(message, str) else json.dumps(message) for message in messages]
    answer = app.handler(sqs_event(*bodies), FakeContext())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


WANTED = {"job_id": "j1", "generation": 1}


def built(cloud: Cloud) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(cloud.get("archives/j1/1.zip")))


def state(cloud: Cloud) -> Archive:
    return cloud.services.jobs.require("j1").archive


def test_the_archive_contains_every_result_under_its_name(cloud: Cloud) -> None:
    results = {"a/x.jpg": b"one", "b/x.jpg": b"two", "a/x.png": b"three"}
    make_job(cloud, results)
    assert run(WANTED) == []
    archive = built(cloud)
    assert archive.testzip() is None
    assert archive.namelist() == ["a/x.png", "b/x.png", "a/x (2).png", "manifest.json"]
    assert [archive.read(name) for name in archive.namelist()[:3]] == [b"one", b"two", b"three"]
    assert state(cloud) == Archive(ArchiveStatus.READY, 1, len(cloud.get("archives/j1/1.zip")))


def test_the_manifest_lists_the_outcome_of_every_file(cloud: Cloud) -> None:
    make_job(cloud, {"a.jpg": b"one"})
    run(WANTED)
    text = built(cloud).read("manifest.json").decode()
    manifest = json.loads(text)
    outcomes = [(file["name"], file["status"], file.get("path")) for file in manifest["files"]]
    assert outcomes == [
        ("a.jpg", "succeeded", "a.png"),
        ("bad.jpg", "failed", None),
        ("notes.txt", "skipped", None),
    ]
    assert manifest["files"][1]["error"]["code"] == "damaged_photo"
    assert manifest["options"]["model"] == "u2netp"
    lines = [line.rstrip(",") for line in text.splitlines()[1:-1]]
    assert [json.loads(line) for line in lines] == manifest["files"]  # one line per file, for grep


def test_redelivery_builds_nothing_again(cloud: Cloud) -> None:
    make_job(cloud, {"a.jpg": b"one"})
    run(WANTED)
    before = cloud.services.jobs.require("j1")
    cloud.s3.delete_object(Bucket="darkroom-photos", Key="results/j1/000100/photo.png")
    assert run(WANTED, WANTED) == []
    assert cloud.services.jobs.require("j1") == before


@pytest.mark.parametrize("message", [WANTED | {"generation": 2}, {"job_id": "x", "generation": 1}])
def test_superseded_generations_and_unknown_jobs_are_ignored(cloud: Cloud, message: Any) -> None:
    make_job(cloud, {"a.jpg": b"one"})
    assert run(message) == []
    assert cloud.keys("archives/") == []


@pytest.fixture
def large(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """30 MB of results, for workers that build one part of 5 MiB each."""
    monkeypatch.setattr(building, "SHARE", 5 * 2**20)
    results = {f"{n}.jpg": bytes([n]) * 1_000_000 for n in range(30)}
    make_job(cloud, results)
    return results


def dispatch(cloud: Cloud) -> list[str]:
    assert run(WANTED) == []
    return cloud.received(cloud.services.settings.archive_queue_url)


def test_several_workers_build_a_large_archive_in_any_order(
    cloud: Cloud, large: dict[str, bytes]
) -> None:
    shares = dispatch(cloud)
    assert len(shares) >= 2
    for share in reversed(shares):
        assert state(cloud).status is ArchiveStatus.BUILDING
        assert run(share) == []
    assert state(cloud).status is ArchiveStatus.READY
    archive = built(cloud)
    assert archive.testzip() is None
    assert {name: archive.read(name)[0] for name in archive.namelist()[:-1]} == {
        f"{n}.png": n for n in range(30)
    }


def test_a_worker_that_died_is_replaced_and_its_parts_are_kept(
    cloud: Cloud, large: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = dispatch(cloud)
    for share in shares[:-1]:
        run(share)
    uploads = cloud.s3.list_multipart_uploads(Bucket="darkroom-photos")["Uploads"]
    assert len(uploads) == 1
    # The first message is redelivered: the same multipart upload continues.
    redelivered = dispatch(cloud)
    assert [json.loads(share)["upload_id"] for share in redelivered] == [
        uploads[0]["UploadId"]
    ] * len(shares)
    cloud.s3.delete_object(Bucket="darkroom-photos", Key="results/j1/000100/photo.png")
    assert run(redelivered[0], redelivered[-1]) == []
    assert state(cloud).status is ArchiveStatus.READY
    assert built(cloud).testzip() is None


def test_a_result_that_cannot_be_read_leaves_the_message_on_its_queue(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    make_job(cloud, {"a.jpg": b"one", "b.jpg": b"two"})
    cloud.s3.delete_object(Bucket="darkroom-photos", Key="results/j1/000100/photo.png")
    assert run(WANTED) == ["message-0"]
    assert state(cloud).status is ArchiveStatus.BUILDING


@pytest.mark.parametrize("stored", [b"two", b"on"], ids=["other bytes", "cut short"])
def test_a_result_that_differs_from_its_record_fails_the_archive(
    cloud: Cloud, stored: bytes
) -> None:
    make_job(cloud, {"a.jpg": b"one"})
    cloud.put("results/j1/000100/photo.png", stored)
    assert run(WANTED) == []  # a retry would fail the same way
    assert state(cloud) == Archive(ArchiveStatus.FAILED, 1)
    assert cloud.keys("archives/") == []


def test_a_failed_archive_stays_failed_when_other_shares_are_built(
    cloud: Cloud, large: dict[str, bytes]
) -> None:
    shares = dispatch(cloud)
    cloud.put("results/j1/000129/photo.png", b"x" * 1_000_000)
    for share in reversed(shares):
        assert run(share) == []
    assert state(cloud) == Archive(ArchiveStatus.FAILED, 1)
    assert cloud.keys("archives/") == ["archives/j1/1.zip.plan"]


def test_an_archive_completed_but_not_marked_ready_is_marked_on_redelivery(cloud: Cloud) -> None:
    make_job(cloud, {"a.jpg": b"one"})
    run(WANTED)
    ready = state(cloud)
    building_still = replace(ready, status=ArchiveStatus.BUILDING, size=0, upload_id="completed")
    cloud.services.jobs.change(
        "j1", lambda job: replace(job, archive=building_still, sequence=job.sequence + 1)
    )
    assert run(WANTED) == []
    assert state(cloud) == ready


def test_a_concurrent_delivery_may_complete_the_archive_first(
    cloud: Cloud,
) -> None:
    """Two deliveries of a message run at once: the slower worker finds the upload completed."""
    make_job(cloud, {"a.jpg": b"one"})
    events = cloud.services.bucket.client.meta.events

    def completed_meanwhile(**_: Any) -> Any:
        events.unregister("before-call.s3.UploadPart", completed_meanwhile)
        assert run(WANTED) == []
        # S3's answer; moto fails on such a part.
        return AWSResponse("", 404, {}, None), {"Error": {"Code": "NoSuchUpload"}}

    events.register("before-call.s3.UploadPart", completed_meanwhile)
    assert run(WANTED) == []
    assert built(cloud).testzip() is None
    assert state(cloud).status is ArchiveStatus.READY


def test_an_aborted_upload_leaves_the_message_on_its_queue(
    cloud: Cloud, large: dict[str, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    shares = dispatch(cloud)
    begun = json.loads(shares[0])["upload_id"]
    cloud.services.bucket.abort_upload("archives/j1/1.zip", begun)
    assert run(shares[0]) == ["message-0"]
    assert state(cloud).status is ArchiveStatus.BUILDING


def test_a_job_deleted_while_its_archive_is_built_keeps_no_archive(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_job(cloud, {"a.jpg": b"one"})
    bucket = type(cloud.services.bucket)
    complete = bucket.complete_upload

    def meanwhile(self: Any, key: str, upload_id: str, parts: Any) -> None:
        complete(self, key, upload_id, parts)
        cloud.services.jobs.forget("j1")

    monkeypatch.setattr(bucket, "complete_upload", meanwhile)
    assert run(WANTED) == []
    assert cloud.keys("archives/") == []
