"""Backgrounds in the bucket: read by the worker, and cached by their ETag."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from darkroom.aws.backgrounds import Backgrounds
from darkroom.errors import FileError
from darkroom.files import File
from darkroom.messages import ImageMessage, Source
from darkroom.options import parse_options
from darkroom.states import FileStatus
from functions.process import app
from functions.process.engine import Engine
from tests.conftest import Cloud, FakeContext, sqs_event
from tests.making import a_file, a_job, store
from tests.process.pictures import near, saved

BLUE = (10, 20, 200)


@pytest.fixture
def transfers(cloud: Cloud) -> list[int]:
    """The status of each answer to a GET of an object, as they come."""
    statuses: list[int] = []

    def note(response_dict: dict[str, Any], **_: Any) -> None:
        statuses.append(response_dict["status_code"])

    events = cloud.services.bucket.client.meta.events
    events.register("before-parse.s3.GetObject", note)
    return statuses


def backgrounds(cloud: Cloud, **limits: int) -> Backgrounds:
    client = cloud.services.bucket.client
    return Backgrounds(client, "darkroom-photos", **{"max_bytes": 1000, **limits})


def test_an_unchanged_background_is_transferred_once(cloud: Cloud, transfers: list[int]) -> None:
    cloud.put("backgrounds/a.jpg", b"first")
    source = backgrounds(cloud)
    assert [source.read("a.jpg") for _ in range(3)] == [b"first"] * 3
    assert transfers == [200, 304, 304]
    cloud.put("backgrounds/a.jpg", b"second")
    assert source.read("a.jpg") == b"second"
    assert transfers[3:] == [200]


def test_a_deleted_background_is_not_served_from_the_cache(cloud: Cloud) -> None:
    cloud.put("backgrounds/a.jpg", b"first")
    source = backgrounds(cloud)
    source.read("a.jpg")
    cloud.s3.delete_object(Bucket="darkroom-photos", Key="backgrounds/a.jpg")
    with pytest.raises(FileError, match="background_not_found"):
        source.read("a.jpg")


def test_the_cache_keeps_those_used_last(cloud: Cloud, transfers: list[int]) -> None:
    for name in "abc":
        cloud.put(f"backgrounds/{name}", name.encode() * 10)
    source = backgrounds(cloud, cached_bytes=20)
    for name in "abac":
        source.read(name)
    assert transfers == [200, 200, 304, 200]
    transfers.clear()
    for name in "acb":
        source.read(name)
    assert transfers == [304, 304, 200]


def test_a_background_larger_than_the_cache_is_read_each_time(
    cloud: Cloud, transfers: list[int]
) -> None:
    cloud.put("backgrounds/a", bytes(30))
    source = backgrounds(cloud, cached_bytes=20)
    assert [len(source.read("a")) for _ in range(2)] == [30, 30]
    assert transfers == [200, 200]


def test_a_background_over_the_limit_is_refused(cloud: Cloud) -> None:
    cloud.put("backgrounds/a", bytes(1001))
    with pytest.raises(FileError, match=r"background_unusable.*1,000 bytes"):
        backgrounds(cloud).read("a")


def processed(cloud: Cloud, **options: Any) -> File:
    """Process one photo, and return it as it is recorded."""
    photo = saved(Image.new("RGB", (64, 64), (230, 120, 20)))
    key = "uploads/j1/000000/photo-0.jpg"
    etag = cloud.put(key, photo)["Records"][0]["s3"]["object"]["eTag"]
    source = Source(key=key, etag=etag, size=len(photo))
    file = a_file(0, status=FileStatus.QUEUED, source=source)
    store(cloud.services.jobs, a_job(uploads=1), file, counted=False)
    message = ImageMessage(
        job_id="j1",
        file_id=file.file_id,
        attempt=1,
        name=file.name,
        source=source,
        options=parse_options({"model": "u2netp", **options}),
    )
    answer = app.handler(sqs_event(message.model_dump_json()), FakeContext())
    assert answer == {"batchItemFailures": []}
    stored = cloud.services.jobs.file("j1", "000000")
    assert stored is not None
    return stored


def test_a_photo_gets_the_background_from_the_bucket(
    cloud: Cloud, disc_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "engine", lambda: disc_engine)
    cloud.put("backgrounds/studio.png", saved(Image.new("RGB", (10, 10), BLUE)))
    file = processed(cloud, background={"image": "studio.png"})
    assert file.result is not None
    image = Image.open(io.BytesIO(cloud.get(file.result.key)))
    assert near(image.getpixel((2, 2)), BLUE, 6)
    assert near(image.getpixel((32, 32)), (230, 120, 20), 6)


def test_a_missing_background_fails_the_photo_with_a_sentence(
    cloud: Cloud, disc_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "engine", lambda: disc_engine)
    file = processed(cloud, background={"image": "studio.png"})
    assert file.status is FileStatus.FAILED
    assert file.error == {
        "code": "background_not_found",
        "message": "There is no background studio.png; put it into the bucket as "
        "backgrounds/studio.png, or choose another one.",
    }


def test_the_worker_keeps_its_cache_between_photos(cloud: Cloud) -> None:
    assert cloud.services.backgrounds is cloud.services.backgrounds
