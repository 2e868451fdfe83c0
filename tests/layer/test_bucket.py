"""The bucket adapter: multipart uploads with checksums, and deletion that reports what is left."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from darkroom.aws import bulk_delete
from darkroom.aws.bucket import Bucket
from darkroom.errors import RetryLater
from tests.conftest import Cloud

KEY = "archives/j1/1.zip"
PARTS = [b"a" * (5 * 2**20), b"b" * (5 * 2**20), b"the last part"]


def crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


@pytest.fixture
def bucket(cloud: Cloud) -> Bucket:
    return cloud.services.bucket


class StrictS3:
    """What moto leaves out and S3 does (API_CompletedPart, API_Part).

    For an upload that began with a checksum algorithm, ListParts returns the checksum of each part,
    and CompleteMultipartUpload must list them.
    """

    def __init__(self, client: Any) -> None:
        self.begun: dict[str, Any] = {}
        self.sums: dict[int, str] = {}
        events = client.meta.events
        events.register("provide-client-params.s3.CreateMultipartUpload", self._create)
        events.register("provide-client-params.s3.UploadPart", self._upload)
        events.register("after-call.s3.ListParts", self._list)
        events.register("provide-client-params.s3.CompleteMultipartUpload", self._complete)

    def _create(self, params: dict[str, Any], **_: Any) -> None:
        self.begun = dict(params)

    def _upload(self, params: dict[str, Any], **_: Any) -> None:
        assert params.get("ChecksumAlgorithm") == self.begun.get("ChecksumAlgorithm")
        self.sums[params["PartNumber"]] = crc32(params["Body"])

    def _list(self, parsed: dict[str, Any], **_: Any) -> None:
        if self.begun.get("ChecksumAlgorithm") == "CRC32":
            for part in parsed.get("Parts", []):
                part["ChecksumCRC32"] = self.sums[part["PartNumber"]]

    def _complete(self, params: dict[str, Any], **_: Any) -> None:
        if self.begun.get("ChecksumAlgorithm") is None:
            return
        listed = {
            part["PartNumber"]: part.get("ChecksumCRC32")
            for part in params["MultipartUpload"]["Parts"]
        }
        if listed != self.sums:
            raise ClientError({"Error": {"Code": "InvalidPart"}}, "CompleteMultipartUpload")


def uploaded(bucket: Bucket) -> str:
    upload_id = bucket.begin_upload(KEY, "application/zip")
    for number, data in enumerate(PARTS, 1):
        assert bucket.upload_part(KEY, upload_id, number, data)
    return upload_id


def test_a_multipart_upload_keeps_the_checksums_of_its_parts(cloud: Cloud, bucket: Bucket) -> None:
    StrictS3(bucket.client)
    upload_id = uploaded(bucket)
    parts = bucket.uploaded_parts(KEY, upload_id)
    assert [parts[number].crc32 for number in (1, 2, 3)] == [crc32(data) for data in PARTS]
    bucket.complete_upload(KEY, upload_id, parts)
    assert cloud.get(KEY) == b"".join(PARTS)
    head = cloud.s3.head_object(Bucket="darkroom-photos", Key=KEY, ChecksumMode="ENABLED")
    sums = b"".join(zlib.crc32(data).to_bytes(4, "big") for data in PARTS)
    assert head["ChecksumCRC32"].startswith(crc32(sums))  # S3 appends the number of parts


def test_an_upload_that_began_without_checksums_is_completed(cloud: Cloud, bucket: Bucket) -> None:
    """One that was under way when this version was deployed."""
    begun = cloud.s3.create_multipart_upload(Bucket="darkroom-photos", Key=KEY)
    bucket.upload_part(KEY, begun["UploadId"], 1, PARTS[0])
    parts = bucket.uploaded_parts(KEY, begun["UploadId"])
    assert parts[1].crc32 is None
    bucket.complete_upload(KEY, begun["UploadId"], parts)
    assert cloud.get(KEY) == PARTS[0]


def test_an_upload_that_is_gone(cloud: Cloud, bucket: Bucket) -> None:
    upload_id = uploaded(bucket)
    parts = bucket.uploaded_parts(KEY, upload_id)
    bucket.complete_upload(KEY, upload_id, parts)
    bucket.complete_upload(KEY, upload_id, parts)
    assert bucket.uploaded_parts(KEY, upload_id) == {}
    assert cloud.get(KEY) == b"".join(PARTS)


def test_old_uploads_beyond_the_first_page_are_aborted(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """moto has one page, so pages of two are made of it, as S3 makes them of a thousand."""
    ids = [bucket.begin_upload(f"archives/j{n}/1.zip", "application/zip") for n in range(5)]
    listing = bucket.client.list_multipart_uploads(Bucket=bucket.name)["Uploads"]
    listing.sort(key=lambda upload: upload["Key"])
    asked = []

    def page(params: dict[str, Any], **_: Any) -> None:
        asked.append(params.get("KeyMarker", ""))

    def cut(parsed: dict[str, Any], **_: Any) -> None:
        rest = [upload for upload in listing if upload["Key"] > asked[-1]]
        parsed.update(Uploads=rest[:2], IsTruncated=len(rest) > 2)
        if len(rest) > 2:
            last = rest[1]
            parsed.update(NextKeyMarker=last["Key"], NextUploadIdMarker=last["UploadId"])

    events = bucket.client.meta.events
    events.register("provide-client-params.s3.ListMultipartUploads", page)
    events.register("after-call.s3.ListMultipartUploads", cut)
    assert bucket.abort_uploads(before=2e9) == len(ids)
    assert asked == ["", "archives/j1/1.zip", "archives/j3/1.zip"]
    events.unregister("after-call.s3.ListMultipartUploads", cut)
    assert not bucket.client.list_multipart_uploads(Bucket=bucket.name).get("Uploads")


class Refusing:
    """Makes S3 refuse keys in its 200 answer to DeleteObjects, and keep them.

    answers: by key, the error of each successive request; no error once they are used up.
    """

    def __init__(self, client: Any, answers: dict[str, Sequence[str]]) -> None:
        self.left = {key: list(codes) for key, codes in answers.items()}
        self.asked: list[list[str]] = []
        self.refused: list[dict[str, str]] = []
        events = client.meta.events
        events.register("provide-client-params.s3.DeleteObjects", self._before)
        events.register("after-call.s3.DeleteObjects", self._after)

    def _before(self, params: dict[str, Any], **_: Any) -> dict[str, Any]:
        keys = [item["Key"] for item in params["Delete"]["Objects"]]
        self.asked.append(keys)
        self.refused = [
            {"Key": key, "Code": self.left[key].pop(0), "Message": "-"}
            for key in keys
            if self.left.get(key)
        ]
        kept = {error["Key"] for error in self.refused}
        objects = [{"Key": key} for key in keys if key not in kept] or [{"Key": "none"}]
        return params | {"Delete": {"Objects": objects, "Quiet": True}}

    def _after(self, parsed: dict[str, Any], **_: Any) -> None:
        if self.refused:
            parsed["Errors"] = self.refused


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr(bulk_delete.time, "sleep", taken.append)
    return taken


def objects(cloud: Cloud, count: int) -> list[str]:
    for n in range(count):
        cloud.put(f"results/j1/{n:06d}", b"x")
    return cloud.keys("results/")


def test_throttled_deletions_are_tried_again(
    cloud: Cloud, bucket: Bucket, pauses: list[float]
) -> None:
    first, second, third = objects(cloud, 3)
    busy = Refusing(
        bucket.client, {first: ["SlowDown"], third: ["SlowDown", "InternalError", "SlowDown"]}
    )
    bucket.delete_all("results/j1/")
    assert cloud.keys("results/") == []
    assert busy.asked == [[first, second, third], [first, third], [third], [third]]
    assert pauses[0] == 0
    assert all(0 <= pause <= 0.7 for pause in pauses)


def test_objects_that_are_not_deleted_are_reported(
    cloud: Cloud, bucket: Bucket, pauses: list[float]
) -> None:
    """The message stays on its queue, so that the job's objects do not outlive it."""
    first, second, third = objects(cloud, 3)
    refusing = Refusing(bucket.client, {first: ["AccessDenied"] * 9, third: ["SlowDown"] * 9})
    with pytest.raises(RetryLater, match=r"objects_left: .* 2 of .* \(AccessDenied, SlowDown\)"):
        bucket.delete_all("results/j1/")
    assert cloud.keys("results/") == [first, third]
    assert refusing.asked == [[first, second, third], [third], [third], [third]]


def test_the_rest_is_deleted_although_the_first_page_is_refused(
    cloud: Cloud, bucket: Bucket, pauses: list[float]
) -> None:
    keys = objects(cloud, 1002)
    Refusing(bucket.client, {keys[0]: ["AccessDenied"]})
    with pytest.raises(RetryLater, match=" 1 of the objects "):
        bucket.delete_all("results/j1/")
    assert cloud.keys("results/") == keys[:1]
    bucket.delete_all("results/j1/")
    assert cloud.keys("results/") == []
