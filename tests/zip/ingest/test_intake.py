"""The fan-out: from an object in the bucket to one message per photo."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from darkroom.counting import count_files
from darkroom.endings import CRASHED
from darkroom.errors import NotFound
from darkroom.jobs import Job
from darkroom.limits import Limits
from darkroom.rejecting import reject_upload
from darkroom.states import FileStatus, JobStatus
from functions.process.entry import read_photo
from tests.conftest import Cloud
from tests.making import a_file
from tests.zip.ingest.uploads import Event, make_job, messages, run, uploaded, zip_of


def job_of(cloud: Cloud, job_id: str = "j1") -> Job:
    """The job, once its files' records have come through the stream."""
    count_files(cloud.services.jobs.files(job_id), cloud.services.jobs)
    return cloud.services.jobs.require(job_id)


def test_a_photo_becomes_one_message(cloud: Cloud) -> None:
    make_job(cloud)
    assert run(uploaded(cloud, b"\xff\xd8\xff photo", name="ä b+c.jpg")) == []
    [message] = messages(cloud)
    assert message.source.key == "uploads/j1/000000/ä b+c.jpg"
    assert (message.job_id, message.file_id, message.attempt) == ("j1", "000000", 1)
    assert message.options.model == "u2netp"
    reader = cloud.services.bucket.reader(message.source.key, message.source.etag)
    assert read_photo(reader, message.source, Limits()) == b"\xff\xd8\xff photo"
    assert (job_of(cloud).status, job_of(cloud).total) == (JobStatus.QUEUED, 1)


def test_a_zip_becomes_a_message_per_photo_without_copying_data(cloud: Cloud) -> None:
    make_job(cloud)
    photos = {f"folder {n}/photo.jpg": bytes([n]) * 500 for n in range(7)}
    others = {"__MACOSX/._a.jpg": b"x", "notes.txt": b"x", "folder/": b""}
    assert run(uploaded(cloud, zip_of(photos | others), name="a.zip")) == []

    dispatched = messages(cloud)
    assert {message.name for message in dispatched} == set(photos)
    for message in dispatched:
        reader = cloud.services.bucket.reader(message.source.key, message.source.etag)
        assert read_photo(reader, message.source, Limits()) == photos[message.name]
    assert cloud.keys() == ["uploads/j1/000000/a.zip"]
    assert job_of(cloud).total == 8
    files = {file.name: file.status for file in cloud.services.jobs.files("j1")}
    assert files["notes.txt"] is FileStatus.SKIPPED
    assert files["photo-0.jpg"] is FileStatus.EXPANDED
    assert len(files) == 9


def test_all_photos_of_a_large_zip_are_dispatched(cloud: Cloud) -> None:
    make_job(cloud)
    run(uploaded(cloud, zip_of({f"{n}.jpg": b"x" for n in range(350)}), name="a.zip"))
    assert len({message.file_id for message in messages(cloud)}) == 350
    assert job_of(cloud).total == 350


def test_redelivery_is_idempotent(cloud: Cloud) -> None:
    make_job(cloud)
    event = uploaded(cloud, zip_of({"a.jpg": b"a", "b.jpg": b"b"}), name="a.zip")
    run(event)
    first = {message.file_id for message in messages(cloud)}
    run(event, event)
    assert messages(cloud) == []
    assert job_of(cloud).total == 2
    assert first == {"000100", "000101"}


def test_a_fan_out_that_died_can_be_repeated(cloud: Cloud) -> None:
    """All photos are stored, but the message was not acknowledged and the ZIP is not expanded."""
    make_job(cloud)
    event = uploaded(cloud, zip_of({"a.jpg": b"a", "b.jpg": b"b"}), name="a.zip")
    run(event)
    cloud.messages()
    key = {"pk": "JOB#j1#00000", "sk": "FILE#000000"}
    waiting = {"status": {"Value": "expanding"}}
    cloud.table.update_item(Key=key, AttributeUpdates=waiting)
    done = cloud.services.jobs.file("j1", "000100")
    assert done is not None
    cloud.services.jobs.ended(done, FileStatus.FAILED, error={"code": "x", "message": "y"})

    run(event)
    after = cloud.services.jobs.file("j1", "000100")
    assert after is not None
    assert after.status is FileStatus.FAILED
    assert {message.file_id for message in messages(cloud)} == {"000101"}
    assert job_of(cloud).total == 2


def test_a_fan_out_without_time_continues_in_a_new_message(cloud: Cloud) -> None:
    make_job(cloud)
    event = uploaded(cloud, zip_of({f"{n}.jpg": b"x" for n in range(30)}), name="a.zip")
    assert run(event, milliseconds=5_000) == []
    assert messages(cloud) == []
    [continuation] = cloud.received(cloud.services.settings.ingest_queue_url)
    run(json.loads(continuation))
    assert len(messages(cloud)) == 30


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"PK\x03\x04 but nothing more", None),
        (zip_of({"a.jpg": b"a"})[:-30], None),
        (zip_of({"a.txt": b"a", "b.pdf": b"b"}), "no_photos"),
        (zip_of({}), "no_photos"),
    ],
)
def test_an_invalid_zip_fails_its_job_with_a_reason(
    cloud: Cloud, data: bytes, code: str | None
) -> None:
    make_job(cloud)
    assert run(uploaded(cloud, data, name="a.zip")) == []
    count_files(cloud.services.jobs.files("j1"), cloud.services.jobs)
    job = job_of(cloud)
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert job.error["code"] == code or job.error["code"] in {"broken_zip", "not_a_zip"}
    assert job.error["message"].endswith(".")
    assert messages(cloud) == []


def test_a_broken_zip_does_not_affect_other_uploads(cloud: Cloud) -> None:
    make_job(cloud, uploads=2)
    run(uploaded(cloud, b"PK\x03\x04", 1, "a.zip"), uploaded(cloud, b"photo"))
    assert [message.file_id for message in messages(cloud)] == ["000000"]
    assert job_of(cloud).total == 2
    broken = cloud.services.jobs.file("j1", "000001")
    assert broken is not None
    assert broken.status is FileStatus.FAILED


@pytest.mark.parametrize(
    "event",
    [
        {"Event": "s3:TestEvent", "Service": "Amazon S3"},
        {"Records": [{"s3": {"object": {"key": "uploads/x", "eTag": "e", "size": 1}}}]},
        {"Records": [{"s3": {"object": {"key": "uploads/j9/000000/a", "eTag": "e", "size": 1}}}]},
    ],
)
def test_objects_that_belong_to_no_job_are_ignored(cloud: Cloud, event: Event) -> None:
    assert run(event) == []
    assert cloud.table.scan()["Items"] == []


# ---- drops


def dropped(cloud: Cloud, options: Any = None, data: bytes = b"photo", key: str = "a.jpg") -> Event:
    text = options if isinstance(options, str | None) else json.dumps(options)
    more = {"Metadata": {"darkroom-options": text}} if text is not None else {}
    return cloud.put(f"inbox/shop/{key}", data, **more)


def only_job(cloud: Cloud) -> Job:
    jobs = [item for item in cloud.table.scan()["Items"] if item["sk"] == "JOB"]
    assert len(jobs) == 1
    return job_of(cloud, jobs[0]["job_id"])


def test_a_drop_becomes_a_job(cloud: Cloud) -> None:
    run(dropped(cloud, {"crop_face": True}))
    job = only_job(cloud)
    assert (job.job_type, job.status, job.total) == ("drop", JobStatus.QUEUED, 1)
    [message] = messages(cloud)
    assert message.options.crop_face is True
    assert message.name == "shop/a.jpg"
    assert message.source.key == "inbox/shop/a.jpg"


def test_repeated_events_of_a_drop_make_one_job(cloud: Cloud) -> None:
    event = dropped(cloud, data=zip_of({"a.jpg": b"a", "b.jpg": b"b"}), key="a.zip")
    run(event, event)
    run(event)
    assert only_job(cloud).total == 2
    assert len({message.file_id for message in messages(cloud)}) == 2


def test_dropping_the_same_photo_again_makes_a_new_job(cloud: Cloud) -> None:
    event = dropped(cloud)
    run(event)
    event["Records"][0]["s3"]["object"]["sequencer"] = "2"
    run(event)
    assert len([item for item in cloud.table.scan()["Items"] if item["sk"] == "JOB"]) == 2


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("{", "invalid_options"),
        ("[" * 1900, "invalid_options"),
        ({"x": 1}, "invalid_options"),
        ({"model": "x"}, "unknown_model"),
    ],
)
def test_a_drop_with_invalid_options_fails_with_a_reason(
    cloud: Cloud, options: Any, code: str
) -> None:
    run(dropped(cloud, options))
    job = only_job(cloud)
    file = cloud.services.jobs.file(job.job_id, "000000")
    assert file is not None
    assert file.error is not None
    assert (file.status, file.error["code"]) == (FileStatus.FAILED, code)
    assert job.total == 1
    assert messages(cloud) == []


def test_folders_made_in_a_console_are_not_drops(cloud: Cloud) -> None:
    assert run(cloud.put("inbox/shop/", b"")) == []
    assert cloud.table.scan()["Items"] == []


def test_a_drop_deleted_before_ingest_makes_no_job(cloud: Cloud) -> None:
    event = dropped(cloud)
    cloud.s3.delete_object(Bucket="darkroom-photos", Key="inbox/shop/a.jpg")
    assert run(event) == []
    assert cloud.table.scan()["Items"] == []


def test_of_two_drops_under_one_name_the_last_is_processed(cloud: Cloud) -> None:
    first = dropped(cloud, data=b"first")
    second = dropped(cloud, data=b"second, and longer")
    run(first, second)
    assert only_job(cloud).counts.arrived == 1
    assert [message.source.size for message in messages(cloud)] == [18]


def test_a_dropped_zip_that_is_replaced_while_it_is_dispatched_fails(cloud: Cloud) -> None:
    event = dropped(cloud, data=zip_of({"a.jpg": b"a"}), key="a.zip")
    run(event, milliseconds=5_000)
    cloud.put("inbox/shop/a.zip", b"something else")
    for body in cloud.received(cloud.services.settings.ingest_queue_url):
        run(json.loads(body))
    job = only_job(cloud)
    assert (job.status, (job.error or {})["code"]) == (JobStatus.FAILED, "upload_changed")


def test_a_fan_out_whose_zip_has_failed_meanwhile_stores_nothing_more(cloud: Cloud) -> None:
    """Its dead letter was handled while it was still running."""
    make_job(cloud)
    event = uploaded(cloud, zip_of({f"{n}.jpg": b"x" for n in range(30)}), name="a.zip")
    run(event, milliseconds=5_000)
    jobs = cloud.services.jobs
    zip_file = jobs.file("j1", "000000")
    assert zip_file is not None
    reject_upload(zip_file, CRASHED, jobs)
    [continuation] = cloud.received(cloud.services.settings.ingest_queue_url)
    assert zip_file.status is FileStatus.EXPANDING
    late = a_file(100, status=FileStatus.QUEUED, source=zip_file.source)
    assert jobs.add_entries(jobs.require("j1"), zip_file, [[late]]) is None
    run(json.loads(continuation))
    assert (messages(cloud), job_of(cloud).total) == ([], 1)


def test_an_unknown_job_is_not_found(cloud: Cloud) -> None:
    with pytest.raises(NotFound):
        cloud.services.jobs.change("nothing", replace)
