"""Processing a photo, from its message on the queue to its recorded outcome."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from PIL import Image

from darkroom.aws.services import services
from darkroom.errors import FileError, RetryLater, SkippedFile
from darkroom.files import File
from darkroom.jobs import Job
from darkroom.messages import ImageMessage, Source
from darkroom.options import Options
from darkroom.states import FileStatus
from functions.process import app
from functions.process.engine import Engine, Result
from functions.process.engine.judging import Confidence
from functions.process.engine.strips import Strips
from tests.conftest import Cloud, FakeContext, sqs_event
from tests.making import a_file, a_job, store
from tests.process.pictures import quarters, saved


class StubEngine:
    """A stub engine: returns the photo's bytes in upper case, or raises `error`."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []
        self.error: Exception | None = None

    def process(self, photo: bytes, options: Options, _background: bytes | None = None) -> Result:
        self.seen.append(photo)
        if self.error:
            raise self.error
        data = photo.upper()
        return Result(
            data=data,
            content_type="image/png",
            extension=".png",
            width=4,
            height=2,
            crc32=zlib.crc32(data),
            faces=None,
            face_score=None,
            confidence=Confidence(0.25, ("uncertain_edges",)),
            model=options.model,
            warnings=(),
        )


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> StubEngine:
    engine = StubEngine()
    monkeypatch.setattr(app, "engine", lambda: engine)
    return engine


def queued(cloud: Cloud, index: int = 0, data: bytes = b"photo", **changes: Any) -> str:
    """Put a photo in the bucket and in the table, and return its message."""
    key = f"uploads/j1/{index:06d}/photo-{index}.jpg"
    etag = cloud.put(key, data)["Records"][0]["s3"]["object"]["eTag"]
    source = Source(key=key, etag=etag, size=len(data))
    file: File = a_file(index, status=FileStatus.QUEUED, source=source, **changes)
    store(cloud.services.jobs, a_job(uploads=index + 1), file, counted=False)
    return message_of(file)


def message_of(file: File) -> str:
    assert file.source is not None
    return ImageMessage(
        job_id=file.job_id,
        file_id=file.file_id,
        attempt=file.attempt,
        name=file.name,
        source=file.source,
        options=Options(model="u2netp"),
    ).model_dump_json()


def run(*messages: str) -> list[str]:
    answer = app.handler(sqs_event(*messages), FakeContext())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def stored(cloud: Cloud, index: int = 0) -> File:
    file = cloud.services.jobs.file("j1", f"{index:06d}")
    assert file is not None
    return file


def test_the_result_and_its_metadata_are_stored(cloud: Cloud, engine: StubEngine) -> None:
    assert run(queued(cloud, name="sub/photo.jpg")) == []
    file = stored(cloud)
    assert file.status is FileStatus.SUCCEEDED
    assert file.result is not None
    assert file.result.key == f"results/j1/000000/{zlib.crc32(b'PHOTO'):08x}/photo.png"
    assert cloud.get(file.result.key) == b"PHOTO"
    assert (file.result.size, file.result.crc32) == (5, zlib.crc32(b"PHOTO"))
    assert (file.result.width, file.result.height, file.result.model) == (4, 2, "u2netp")


def test_redelivery_processes_a_photo_once(cloud: Cloud, engine: StubEngine) -> None:
    message = queued(cloud)
    run(message)
    run(message)
    assert len(engine.seen) == 1


def test_an_earlier_attempt_does_nothing(cloud: Cloud, engine: StubEngine) -> None:
    message = json.loads(queued(cloud, attempt=2))
    run(json.dumps(message | {"attempt": 1}))
    assert stored(cloud).status is FileStatus.QUEUED
    run(json.dumps(message))
    assert stored(cloud).status is FileStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("error", "name", "status"),
    [
        (FileError("damaged", "It is damaged."), "a.jpg", FileStatus.FAILED),
        (SkippedFile("not_a_photo", "It is none."), "a.jpg", FileStatus.FAILED),
        (SkippedFile("not_a_photo", "It is none."), "notes", FileStatus.SKIPPED),
    ],
)
def test_a_bad_photo_does_not_affect_the_others(
    cloud: Cloud, engine: StubEngine, error: FileError, name: str, status: FileStatus
) -> None:
    entry = {"offset": 0, "header_size": 35, "compressed_size": 5, "size": 5, "method": 0}
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as writer:
        writer.writestr("photo", b"photo")
    message = json.loads(queued(cloud, data=zipped.getvalue()))
    message["name"] = name
    message["source"]["entry"] = entry | {"crc32": zlib.crc32(b"photo")}
    engine.error = error
    assert run(json.dumps(message)) == []
    engine.error = None
    assert run(queued(cloud, 1)) == []
    assert (stored(cloud).status, stored(cloud).error) == (status, error.as_dict())
    assert stored(cloud, 1).status is FileStatus.SUCCEEDED


def test_a_temporary_error_leaves_the_message_on_its_queue(
    cloud: Cloud, engine: StubEngine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.error = RetryLater("busy", "Later.")
    assert run(queued(cloud)) == ["message-0"]
    assert stored(cloud).status is FileStatus.QUEUED


@pytest.mark.parametrize("operation", ["GetObject", "PutObject"])
def test_an_error_of_aws_leaves_the_message_on_its_queue(
    cloud: Cloud, engine: StubEngine, operation: str
) -> None:
    def fail(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://s3.example")

    event = f"before-call.s3.{operation}"
    message = queued(cloud)
    cloud.services.bucket.client.meta.events.register(event, fail)
    assert run(message) == ["message-0"]
    assert stored(cloud).status is FileStatus.QUEUED
    cloud.services.bucket.client.meta.events.unregister(event, fail)
    assert run(message) == []
    assert stored(cloud).status is FileStatus.SUCCEEDED


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("float division by zero"), MemoryError(), OSError(), KeyError("x")]
)
def test_an_unexpected_error_of_the_engine_fails_its_photo_at_once(
    cloud: Cloud, engine: StubEngine, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    engine.error = error
    assert run(queued(cloud)) == []
    engine.error = None
    assert run(queued(cloud, 1)) == []
    file = stored(cloud)
    assert (file.status, (file.error or {})["code"]) == (FileStatus.FAILED, "processing_error")
    assert "retry it with other options" in (file.error or {})["message"]
    assert stored(cloud, 1).status is FileStatus.SUCCEEDED
    (logged,) = caplog.records
    assert (logged.__dict__["job_id"], logged.__dict__["file_id"]) == ("j1", "000000")
    assert logged.exc_info is not None
    assert logged.exc_info[1] is error


def test_an_unexpected_error_of_a_step_fails_the_photo_at_once(
    cloud: Cloud, disc_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not after all tries of a worker. The next photo is processed."""
    monkeypatch.setattr(app, "engine", lambda: disc_engine)
    with monkeypatch.context() as broken:
        broken.setattr(Strips, "map", lambda *_: 1 / 0)
        assert run(queued(cloud, data=jpeg((8, 8)))) == []
    file = stored(cloud)
    assert (file.status, (file.error or {})["code"]) == (FileStatus.FAILED, "processing_error")
    assert run(queued(cloud, 1, data=jpeg((8, 8)))) == []
    assert stored(cloud, 1).status is FileStatus.SUCCEEDED


def test_an_invalid_message_is_left_for_the_dead_letters(cloud: Cloud, engine: StubEngine) -> None:
    assert run("{}", queued(cloud)) == ["message-0"]
    assert stored(cloud).status is FileStatus.SUCCEEDED


def test_an_upload_replaced_meanwhile_fails(cloud: Cloud, engine: StubEngine) -> None:
    message = queued(cloud)
    cloud.put("uploads/j1/000000/photo-0.jpg", b"another")
    run(message)
    assert stored(cloud).error is not None
    assert stored(cloud).error["code"] == "upload_changed"  # type: ignore[index]
    assert engine.seen == []


def test_an_upload_deleted_meanwhile_fails(cloud: Cloud, engine: StubEngine) -> None:
    message = queued(cloud)
    cloud.s3.delete_object(Bucket="darkroom-photos", Key="uploads/j1/000000/photo-0.jpg")
    run(message)
    assert stored(cloud).error["code"] == "upload_gone"  # type: ignore[index]


def forget(cloud: Cloud) -> None:
    """Delete the job of `queued`, as the lifecycle does."""
    cloud.services.jobs.forget("j1")
    cloud.services.jobs.delete_block("j1", 0)
    cloud.services.jobs.delete_rest("j1")


def test_photos_of_a_deleted_job_are_ignored(cloud: Cloud, engine: StubEngine) -> None:
    message = queued(cloud)
    forget(cloud)
    assert run(message) == []
    assert cloud.keys("results/") == []


def jpeg(size: tuple[int, int] = (8, 6)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, "JPEG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "empty_file"), (b"not an image at all", "not_a_photo"), (jpeg()[:200], None)],
)
def test_invalid_files_fail_with_a_code_in_the_real_engine(
    cloud: Cloud, data: bytes, code: str | None
) -> None:
    """Uses the real engine, with files that users upload by mistake."""
    app.engine.cache_clear()
    message = json.loads(queued(cloud, data=data))
    message["options"]["remove_bg"] = False
    assert run(json.dumps(message)) == []
    error = stored(cloud).error
    assert error is not None
    assert error["code"] == (code or "damaged_photo")
    assert error["message"].endswith(".")


def test_a_photo_of_an_expired_job_is_not_processed(cloud: Cloud, engine: StubEngine) -> None:
    """The photo arrived after the sweep had checked for it and before the job expired."""
    message = queued(cloud)
    cloud.services.jobs.change("j1", Job.expired)
    run(message)
    assert engine.seen == []
    assert stored(cloud).status is FileStatus.CANCELLED


def test_a_photo_of_a_cancelled_job_is_not_processed(cloud: Cloud, engine: StubEngine) -> None:
    message = queued(cloud)
    cloud.services.jobs.change("j1", Job.cancelled)
    assert run(message) == []
    assert engine.seen == []
    assert stored(cloud).status is FileStatus.CANCELLED


def test_a_job_deleted_while_its_photo_is_processed_keeps_no_result(
    cloud: Cloud, engine: StubEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = queued(cloud)
    process = engine.process

    def meanwhile(photo: bytes, options: Options, _background: bytes | None) -> Result:
        forget(cloud)
        return process(photo, options)

    monkeypatch.setattr(engine, "process", meanwhile)
    assert run(message) == []
    assert cloud.keys("results/") == []
    assert cloud.table.scan()["Items"] == []


def test_a_slower_worker_does_not_overwrite_a_result(
    cloud: Cloud, engine: StubEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another type of CPU may round differently, so that its PNG has different bytes."""
    message = queued(cloud)
    process = engine.process

    def overtaken(photo: bytes, options: Options, _background: bytes | None) -> Result:
        monkeypatch.setattr(engine, "process", process)
        run(message)
        return process(b"rounded differently", options)

    monkeypatch.setattr(engine, "process", overtaken)
    assert run(message) == []
    result = stored(cloud).result
    assert result is not None
    assert cloud.get(result.key) == b"PHOTO"
    assert zlib.crc32(cloud.get(result.key)) == result.crc32
    assert cloud.keys("results/") == [result.key]


def test_every_limit_of_the_deployment_reaches_the_engine(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A photo that was accepted under a raised limit must not fail in the engine."""
    photo = saved(quarters(), "JPEG")
    large = photo[:2] + b"\xff" * 50_000_001 + photo[2:]
    monkeypatch.setenv("MAX_PHOTO_BYTES", str(len(large)))
    monkeypatch.setenv("MAX_PHOTO_PIXELS", str(48 * 32 - 1))
    services.cache_clear()
    app.engine.cache_clear()
    try:
        with pytest.raises(FileError, match="too_many_pixels"):
            app.engine().process(large, Options(remove_bg=False))
        with pytest.raises(FileError, match="file_too_large"):
            app.engine().process(large + b"x", Options(remove_bg=False))
    finally:
        app.engine.cache_clear()
