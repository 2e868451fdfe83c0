"""From the results to one ZIP."""

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
from darkroom.states import ArchiveStatus, FileStatus, JobStatus
from functions.zip.archive import app, building
from tests.conftest import Cloud, FakeContext, sqs_event
from tests.making import a_file, a_job, a_result


def make_job(cloud: Cloud, results: dict[str, bytes], **changes: Any) -> None:
    """A completed job with these results, one failed and one skipped file."""
    files = [a_file(0, status=FileStatus.EXPANDED, name="upload.zip")]
    for index, (name, data) in enumerate(results.items(), 1):
        key = f"results/j1/{index:06d}/photo.png"
        cloud.put(key, data)
        result = a_result(index, key=key, size=len(data), crc32=zlib.crc32(data))
        files.append(a_file(index, name=name, status=FileStatus.SUCCEEDED, result=result))
    end = len(files)
    error = {"code": "damaged_photo", "message": "It is damaged."}
    files += [
        a_file(end, name="bad.jpg", status=FileStatus.FAILED, error=error),
        a_file(end + 1, name="notes.txt", status=FileStatus.SKIPPED),
    ]
    wanted = {"status": JobStatus.COMPLETED, "archive": Archive(ArchiveStatus.BUILDING, 1)}
    cloud.services.jobs.create(a_job(**wanted | changes), [])
    for start in range(0, len(files), 100):
        cloud.services.jobs.add_files(files[start : start + 100], 1e10)


def run(*messages: Any) -> list[str]:
    bodies = [message if isinstance(message, str) else json.dumps(message) for message in messages]
    answer = app.handler(sqs_event(*bodies), FakeContext())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


WANTED = {"job_id": "j1", "generation": 1}


def built(cloud: Cloud) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(cloud.get("archives/j1/1.zip")))


def state(cloud: Cloud) -> Archive:
    return cloud.services.jobs.require("j1").archive


def test_the_zip_holds_every_result_under_its_name(cloud: Cloud) -> None:
    results = {"a/x.jpg": b"one", "b/x.jpg": b"two", "a/x.png": b"three"}
    make_job(cloud, results)
    assert run(WANTED) == []
    found = built(cloud)
    assert found.testzip() is None
    assert found.namelist() == ["a/x.png", "b/x.png", "a/x (2).png", "manifest.json"]
    assert [found.read(name) for name in found.namelist()[:3]] == [b"one", b"two", b"three"]
    assert state(cloud) == Archive(ArchiveStatus.READY, 1, len(cloud.get("archives/j1/1.zip")))


def test_the_manifest_tells_what_became_of_every_file(cloud: Cloud) -> None:
    make_job(cloud, {"a.jpg": b"one"})
    run(WANTED)
    text = built(cloud).read("manifest.json").decode()
    manifest = json.loads(text)
    told = [(file["name"], file["status"], file.get("path")) for file in manifest["files"]]
    assert told == [
        ("a.jpg", "succeeded", "a.png"),
        ("bad.jpg", "failed", None),
        ("notes.txt", "skipped", None),
    ]
    assert manifest["files"][1]["error"]["code"] == "damaged_photo"
    assert manifest["options"]["model"] == "u2netp"
    lines = [line.rstrip(",") for line in text.splitlines()[1:-1]]
    assert [json.loads(line) for line in lines] == manifest["files"]  # one each, for grep


def test_a_repeat_builds_nothing_anew(cloud: Cloud) -> None:
    make_job(cloud, {"a.jpg": b"one"})
    run(WANTED)
    before = cloud.services.jobs.require("j1")
    cloud.s3.delete_object(Bucket="darkroom-photos", Key="results/j1/000001/photo.png")
    assert run(WANTED, WANTED) == []
    assert cloud.services.jobs.require("j1") == before


@pytest.mark.parametrize("message", [WANTED | {"generation": 2}, {"job_id": "x", "generation": 1}])
def test_what_nobody_wants_is_not_built(cloud: Cloud, message: Any) -> None:
    make_job(cloud, {"a.jpg": b"one"})
    assert run(message) == []
    assert cloud.keys("archives/") == []


@pytest.fixture
def large(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """30 MB of results, for workers that take one part of 5 MiB each."""
    monkeypatch.setattr(building, "SHARE", 5 * 2**20)
    results = {f"{n}.jpg": bytes([n]) * 1_000_000 for n in range(30)}
    make_job(cloud, results)
    return results


def deal(cloud: Cloud) -> list[str]:
    assert run(WANTED) == []
    return cloud.received(cloud.services.settings.archive_queue_url)


def test_a_large_zip_is_built_by_several_in_any_order(
    cloud: Cloud, large: dict[str, bytes]
) -> None:
    shares = deal(cloud)
    assert len(shares) >= 2
    for share in reversed(shares):
        assert state(cloud).status is ArchiveStatus.BUILDING
        assert run(share) == []
    assert state(cloud).status is ArchiveStatus.READY
    found = built(cloud)
    assert found.testzip() is None
    assert {name: found.read(name)[0] for name in found.namelist()[:-1]} == {
        f"{n}.png": n for n in range(30)
    }


def test_a_worker_that_died_is_replaced_and_its_parts_are_kept(
    cloud: Cloud, large: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = deal(cloud)
    for share in shares[:-1]:
        run(share)
    uploads = cloud.s3.list_multipart_uploads(Bucket="darkroom-photos")["Uploads"]
    assert len(uploads) == 1
    # Dispatched out again, as after a redelivery: the same upload goes on.
    again = deal(cloud)
    assert [json.loads(share)["upload_id"] for share in again] == [uploads[0]["UploadId"]] * len(
        shares
    )
    cloud.s3.delete_object(Bucket="darkroom-photos", Key="results/j1/000001/photo.png")
    assert run(again[0], again[-1]) == []
    assert state(cloud).status is ArchiveStatus.READY
    assert built(cloud).testzip() is None


def test_a_result_that_cannot_be_read_leaves_the_message_on_its_queue(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    make_job(cloud, {"a.jpg": b"one", "b.jpg": b"two"})
    cloud.s3.delete_object(Bucket="darkroom-photos", Key="results/j1/000001/photo.png")
    with pytest.raises(Exception, match="All records failed"):
        run(WANTED)
    assert state(cloud).status is ArchiveStatus.BUILDING


@pytest.mark.parametrize("there", [b"two", b"on"], ids=["other bytes", "cut short"])
def test_a_result_that_is_not_the_one_on_record_makes_no_zip(cloud: Cloud, there: bytes) -> None:
    make_job(cloud, {"a.jpg": b"one"})
    cloud.put("results/j1/000001/photo.png", there)
    assert run(WANTED) == []  # another try would end the same
    assert state(cloud) == Archive(ArchiveStatus.FAILED, 1)
    assert cloud.keys("archives/") == []


def test_a_failed_zip_stays_failed_when_its_other_shares_come(
    cloud: Cloud, large: dict[str, bytes]
) -> None:
    shares = deal(cloud)
    cloud.put("results/j1/000030/photo.png", b"x" * 1_000_000)
    for share in reversed(shares):
        assert run(share) == []
    assert state(cloud) == Archive(ArchiveStatus.FAILED, 1)
    assert cloud.keys("archives/") == ["archives/j1/1.zip.plan"]


def test_a_worker_that_died_between_completing_and_saying_so_is_made_up_for(cloud: Cloud) -> None:
    make_job(cloud, {"a.jpg": b"one"})
    run(WANTED)
    ready = state(cloud)
    building_still = replace(ready, status=ArchiveStatus.BUILDING, size=0, upload_id="completed")
    cloud.services.jobs.change(
        "j1", lambda job: replace(job, archive=building_still, sequence=job.sequence + 1)
    )
    assert run(WANTED) == []
    assert state(cloud) == ready


def test_a_repeat_at_the_same_time_may_complete_the_zip_first(
    cloud: Cloud,
) -> None:
    """As when a message is delivered twice at once: the slower worker finds the upload gone."""
    make_job(cloud, {"a.jpg": b"one"})
    events = cloud.services.bucket.client.meta.events

    def completed_meanwhile(**_: Any) -> Any:
        events.unregister("before-call.s3.UploadPart", completed_meanwhile)
        assert run(WANTED) == []
        # What S3 answers; moto falls over such a part.
        return AWSResponse("", 404, {}, None), {"Error": {"Code": "NoSuchUpload"}}

    events.register("before-call.s3.UploadPart", completed_meanwhile)
    assert run(WANTED) == []
    assert built(cloud).testzip() is None
    assert state(cloud).status is ArchiveStatus.READY


def test_an_upload_that_was_aborted_leaves_the_message_on_its_queue(
    cloud: Cloud, large: dict[str, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    shares = deal(cloud)
    begun = json.loads(shares[0])["upload_id"]
    cloud.services.bucket.abort_upload("archives/j1/1.zip", begun)
    with pytest.raises(Exception, match="All records failed"):
        run(shares[0])
    assert state(cloud).status is ArchiveStatus.BUILDING


def test_a_job_deleted_while_its_zip_is_built_keeps_no_zip(
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
