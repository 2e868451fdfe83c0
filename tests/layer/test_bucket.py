"""The bucket adapter: deletion that reports what is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from darkroom.aws import bulk_delete
from darkroom.aws.bucket import Bucket
from darkroom.errors import RetryLater
from tests.conftest import Cloud


@pytest.fixture
def bucket(cloud: Cloud) -> Bucket:
    return cloud.services.bucket


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
