"""Retries, cancelled jobs, and deleted jobs."""

from __future__ import annotations

import json

from darkroom.files import File
from darkroom.jobs import Job
from darkroom.messages import ForgetMessage, ImageMessage, RetryMessage
from darkroom.states import FileStatus
from tests.conftest import Cloud
from tests.making import a_file, a_job
from tests.recovery.retries import ERROR, RETRY, follow_up, retried_job
from tests.zip.ingest.uploads import make_job, messages, run, uploaded, zip_of


def stored(cloud: Cloud) -> list[File]:
    return list(cloud.services.jobs.files("j1"))


def test_only_failed_and_cancelled_files_are_requeued(cloud: Cloud) -> None:
    retried_job(cloud)
    assert follow_up(RETRY) == []
    assert [(m.file_id, m.attempt) for m in messages(cloud)] == [("000001", 2), ("000002", 2)]
    assert [(file.status.value, file.attempt) for file in stored(cloud)] == [
        ("succeeded", 1),
        ("queued", 2),
        ("queued", 2),
        ("skipped", 1),
        ("failed", 2),
    ]
    assert stored(cloud)[1].error is None
    error = stored(cloud)[4].error
    assert error is not None
    assert error["code"] == "never_uploaded"


def test_a_retry_is_idempotent(cloud: Cloud) -> None:
    retried_job(cloud)
    follow_up(RETRY)
    first = messages(cloud)
    cloud.services.jobs.ended(stored(cloud)[1], FileStatus.FAILED, error=ERROR)
    follow_up(RETRY, RetryMessage(job_id="j1", attempt=3))
    assert messages(cloud) == [message for message in first if message.file_id == "000002"]
    assert {file.attempt for file in stored(cloud)} == {1, 2}


def test_a_retry_out_of_time_continues_in_a_message(cloud: Cloud) -> None:
    retried_job(cloud)
    follow_up(RETRY, milliseconds=1)
    [message] = cloud.received(cloud.services.settings.lifecycle_queue_url)
    assert json.loads(message) == {"kind": "retry", "job_id": "j1", "attempt": 2, "after": ""}


def test_a_zip_of_a_job_cancelled_during_dispatch_is_counted_completely(
    cloud: Cloud,
) -> None:
    make_job(cloud)
    event = uploaded(cloud, zip_of({"a.jpg": b"a", "b.jpg": b"b", "c.txt": b"c"}), name="a.zip")
    jobs = cloud.services.jobs
    jobs.change("j1", lambda job: job.zip_listed(0, 3, 3))
    jobs.change("j1", Job.cancelled)
    run(event)
    assert messages(cloud) == []
    assert [file.status.value for file in stored(cloud)] == [
        "expanded",
        "cancelled",
        "cancelled",
        "skipped",
    ]


def test_a_zip_that_arrives_after_the_cancel_is_ignored(cloud: Cloud) -> None:
    make_job(cloud)
    cloud.services.jobs.change("j1", Job.cancelled)
    assert run(uploaded(cloud, zip_of({"a.jpg": b"a"}), name="a.zip")) == []
    assert messages(cloud) == []
    assert len(stored(cloud)) == 1
    assert cloud.services.jobs.require("j1").total == 1


def test_a_forgotten_job_leaves_nothing_behind(cloud: Cloud) -> None:
    retried_job(cloud)
    cloud.services.connections.opened("c1", "j1", 1e10)
    cloud.services.connections.subscribe("c1", "j1", 1e10)
    cloud.services.jobs.create(a_job(job_id="j10"), [a_file(job_id="j10")])
    for key in ("uploads/j1/0/a", "results/j1/1/b.png", "archives/j1/1.zip", "uploads/j10/0/a"):
        cloud.put(key, b"x")
    cloud.services.jobs.forget("j1")
    assert follow_up(ForgetMessage(job_id="j1"), ForgetMessage(job_id="j1")) == []
    assert cloud.keys() == ["uploads/j10/0/a"]
    left = {item["pk"] for item in cloud.table.scan()["Items"]}
    assert left == {"JOB#j10", "CONN#c1"}


def test_messages_of_a_forgotten_job_are_dropped(cloud: Cloud) -> None:
    assert follow_up(RetryMessage(job_id="j9", attempt=2)) == []
    assert [ImageMessage.model_validate_json(body) for body in cloud.messages()] == []
