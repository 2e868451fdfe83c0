"""Files taken up again, cancelled jobs, and jobs forgotten, in the fan-out."""

from __future__ import annotations

import json

from darkroom.files import File
from darkroom.jobs import FileEvent, Job
from darkroom.messages import ImageMessage, Source
from darkroom.states import FileStatus
from darkroom.tally import Outcome
from tests.conftest import Cloud
from tests.making import a_file, a_job, a_result
from tests.zip.test_fanout import make_job, messages, run, uploaded, zip_of

ERROR = {"code": "damaged_photo", "message": "It is."}
SOURCE = Source(key="uploads/j1/000000/a.zip", etag="e", size=9)


def ended(index: int, outcome: Outcome) -> FileEvent:
    return FileEvent(index, 1, outcome, f"{index}.jpg", ERROR)


def retried_job(cloud: Cloud) -> Job:
    """One done, one failed, one cancelled, one skipped, one that never came; taken up again."""
    outcomes = [
        Outcome.SUCCEEDED,
        Outcome.FAILED,
        Outcome.CANCELLED,
        Outcome.SKIPPED,
        Outcome.CANCELLED,
    ]
    job = a_job(uploads=5).cancelled()
    job = job.with_events([ended(i, outcome) for i, outcome in enumerate(outcomes)]).retried()
    files = [
        a_file(0, status=FileStatus.SUCCEEDED, source=SOURCE, result=a_result(0)),
        a_file(1, status=FileStatus.FAILED, source=SOURCE, error=ERROR),
        a_file(2, status=FileStatus.CANCELLED, source=SOURCE),
        a_file(3, status=FileStatus.SKIPPED, source=SOURCE, error=ERROR),
        a_file(4, status=FileStatus.CANCELLED),
    ]
    cloud.services.jobs.create(job, files)
    return job


def stored(cloud: Cloud) -> list[File]:
    return list(cloud.services.jobs.files("j1"))


def test_failed_and_cancelled_files_go_again_and_no_other(cloud: Cloud) -> None:
    retried_job(cloud)
    assert run({"retry": "j1", "attempt": 2}) == []
    assert [(m.file_id, m.attempt) for m in messages(cloud)] == [("000001", 2), ("000002", 2)]
    assert [(file.status.value, file.attempt) for file in stored(cloud)] == [
        ("succeeded", 1),
        ("queued", 2),
        ("queued", 2),
        ("skipped", 1),
        ("failed", 2),
    ]
    assert stored(cloud)[1].error is None
    never = stored(cloud)[4].error
    assert never is not None
    assert never["code"] == "never_uploaded"


def test_a_repeated_retry_counts_no_attempt_twice(cloud: Cloud) -> None:
    retried_job(cloud)
    run({"retry": "j1", "attempt": 2})
    first = messages(cloud)
    cloud.services.jobs.ended(stored(cloud)[1], FileStatus.FAILED, error=ERROR)
    run({"retry": "j1", "attempt": 2}, {"retry": "j1", "attempt": 3})
    assert messages(cloud) == [message for message in first if message.file_id == "000002"]
    assert {file.attempt for file in stored(cloud)} == {1, 2}


def test_a_retry_out_of_time_goes_on(cloud: Cloud) -> None:
    retried_job(cloud)
    run({"retry": "j1", "attempt": 2}, milliseconds=1)
    [again] = cloud.received(cloud.services.settings.intake_queue_url)
    assert json.loads(again) == {"retry": "j1", "attempt": 2, "after": ""}


def test_a_zip_of_a_job_cancelled_while_it_is_dealt_out_is_counted_to_the_end(
    cloud: Cloud,
) -> None:
    make_job(cloud)
    event = uploaded(cloud, zip_of({"a.jpg": b"a", "b.jpg": b"b", "c.txt": b"c"}), name="a.zip")
    jobs = cloud.services.jobs
    jobs.change("j1", lambda job: job.archive_listed(0, 3, 3))
    jobs.change("j1", Job.cancelled)
    run(event)
    assert messages(cloud) == []
    assert [file.status.value for file in stored(cloud)] == [
        "expanded",
        "cancelled",
        "cancelled",
        "skipped",
    ]


def test_a_zip_that_comes_after_the_cancel_is_left_alone(cloud: Cloud) -> None:
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
    assert run({"forget": "j1"}, {"forget": "j1"}) == []
    assert cloud.keys() == ["uploads/j10/0/a"]
    left = {item["pk"] for item in cloud.table.scan()["Items"]}
    assert left == {"JOB#j10", "CONN#c1"}


def test_messages_of_a_forgotten_job_are_dropped(cloud: Cloud) -> None:
    assert run({"retry": "j9", "attempt": 2}) == []
    assert [ImageMessage.model_validate_json(body) for body in cloud.messages()] == []
