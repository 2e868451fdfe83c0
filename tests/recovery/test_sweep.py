"""The sweep: every job ends, even if its events, messages and stream records are lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from darkroom import clock
from darkroom.archives import Archive
from darkroom.counting import count_files
from darkroom.files import File, image_message
from darkroom.jobs import Job
from darkroom.messages import Source
from darkroom.options import Options
from darkroom.outcomes import Outcome
from darkroom.states import ArchiveStatus, FileStatus, JobStatus
from functions.progress import notify
from functions.recovery import lifecycle_queue, sweep
from functions.recovery.due import Action
from functions.recovery.reconcile import Reconciler
from functions.zip.ingest import app as ingest
from tests.conftest import Cloud, FakeContext, sqs_event
from tests.gateway import StandInGateway
from tests.making import a_file, a_job, a_result, arrived, event_of, recorded, store
from tests.streams import job_event

CREATED = 1_700_000_000.0
HOUR = 3600
SOURCE = Source(key="uploads/j1/000000/a.jpg", etag="e", size=9)


class Clock:
    now = CREATED

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def time(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    moved = Clock()
    monkeypatch.setattr(clock, "now", lambda: moved.now)
    object.__setattr__(cloud.services.connections, "gateway", StandInGateway())
    yield moved


def swept(milliseconds: int = 60_000) -> dict[str, int]:
    taken = sweep.handler({}, FakeContext(milliseconds))
    return {action: times for action, times in taken.items() if times}


def queued(index: int) -> File:
    return a_file(index, status=FileStatus.QUEUED, source=SOURCE)


def failed(index: int, source: Source | None = SOURCE) -> File:
    error = {"code": "damaged", "message": "It is."}
    return a_file(index, status=FileStatus.FAILED, source=source, error=error)


def succeeded(index: int) -> File:
    return a_file(index, status=FileStatus.SUCCEEDED, source=SOURCE, result=a_result(index))


def make(cloud: Cloud, job: Job, *files: File) -> None:
    """Store a job and its files, none of which it has counted yet."""
    store(cloud.services.jobs, job, *files, counted=False)


def a_new_job(**changes: Any) -> Job:
    return a_job(**{"created_at": clock.now(), "updated_at": clock.now()} | changes)


def stored(cloud: Cloud) -> Job:
    return cloud.services.jobs.require("j1")


def files(cloud: Cloud) -> list[tuple[str, str | None]]:
    """Each file's status, and the code of its error."""
    return [
        (file.status.value, file.error["code"] if file.error else None)
        for file in cloud.services.jobs.files("j1")
    ]


def sent(cloud: Cloud) -> list[Any]:
    """The messages in the ingest and lifecycle queues, which are empty afterwards."""
    settings = cloud.services.settings
    urls = (settings.ingest_queue_url, settings.lifecycle_queue_url)
    return [json.loads(body) for url in urls for body in cloud.received(url)]


def deliver(*bodies: Any, milliseconds: int = 60_000) -> None:
    """Deliver messages to the functions that consume their queues."""
    for body in bodies:
        handler = ingest.handler if body["kind"] == "upload" else lifecycle_queue.handler
        answer = handler(sqs_event(json.dumps(body)), FakeContext(milliseconds))
        assert answer == {"batchItemFailures": []}


def stream(cloud: Cloud, before: Job) -> None:
    """Deliver the job's stream records to notify and the files' to tally."""
    notify.handler(job_event((before, stored(cloud))), FakeContext())
    deliver(*sent(cloud))
    count_files(cloud.services.jobs.files("j1"), cloud.services.jobs)


# ---- uploads


def test_a_job_without_uploads_expires(cloud: Cloud, time: Clock) -> None:
    make(cloud, a_new_job(uploads=2), a_file(0), a_file(1))
    time.pass_by(2 * HOUR - 1)
    assert swept() == {}
    time.pass_by(1)
    before = stored(cloud)
    assert swept() == {"look_for_uploads": 1}
    job = stored(cloud)
    assert (job.status, job.error and job.error["code"]) == (JobStatus.EXPIRED, "never_uploaded")
    stream(cloud, before)
    assert files(cloud) == [("cancelled", None)] * 2
    job = stored(cloud)
    assert (job.total, job.counts.skipped, job.settled) == (2, 2, True)
    time.pass_by(100 * HOUR)
    assert swept() == {}
    assert sent(cloud) == []


def test_missing_uploads_fail_and_the_rest_of_the_job_completes(cloud: Cloud, time: Clock) -> None:
    make(cloud, a_new_job(uploads=3), a_file(0), succeeded(1), a_file(2))
    count_files([succeeded(1)], cloud.services.jobs)
    time.pass_by(2 * HOUR)
    assert swept() == {"look_for_uploads": 1}
    deliver(*sent(cloud))
    assert files(cloud) == [
        ("failed", "never_uploaded"),
        ("succeeded", None),
        ("failed", "never_uploaded"),
    ]
    count_files(cloud.services.jobs.files("j1"), cloud.services.jobs)
    job = stored(cloud)
    assert (job.status, job.counts.succeeded, job.counts.failed) == (JobStatus.COMPLETED, 1, 2)
    assert job.archive.status is ArchiveStatus.BUILDING


def test_an_upload_whose_event_was_lost_is_dispatched_once(cloud: Cloud, time: Clock) -> None:
    make(cloud, a_new_job(uploads=2), a_file(0), a_file(1))
    key = "uploads/j1/000000/ä b.jpg"
    etag = cloud.put(key, b"\xff\xd8\xff photo")["Records"][0]["s3"]["object"]["eTag"]
    time.pass_by(2 * HOUR)
    assert swept() == {"look_for_uploads": 1}
    deliver(*sent(cloud))
    [arrival] = sent(cloud)
    assert (arrival["key"], arrival["etag"], arrival["size"]) == (key, etag, 9)
    assert files(cloud) == [("awaiting_upload", None), ("failed", "never_uploaded")]
    time.pass_by(HOUR)
    deliver(arrival)
    assert files(cloud)[0] == ("queued", None)
    assert len(cloud.messages()) == 1
    count_files(cloud.services.jobs.files("j1"), cloud.services.jobs)
    assert (stored(cloud).total, stored(cloud).nudges) == (2, 0)


def test_an_upload_that_stays_unlisted_after_a_nudge_fails(cloud: Cloud, time: Clock) -> None:
    make(cloud, a_new_job(), a_file(0))
    cloud.put("uploads/j1/000000/a.jpg", b"x")
    time.pass_by(2 * HOUR)
    swept()
    time.pass_by(2 * HOUR)
    assert swept() == {}, "its message is still waiting in the lifecycle queue"
    sent(cloud)
    assert swept() == {"fail": 1}
    deliver(*sent(cloud))
    assert files(cloud) == [("failed", "processing_stalled")]
    count_files(cloud.services.jobs.files("j1"), cloud.services.jobs)
    job = stored(cloud)
    assert (job.status, job.total, job.settled) == (JobStatus.FAILED, 1, True)


def test_a_drop_is_not_reported_as_never_uploaded(cloud: Cloud, time: Clock) -> None:
    make(cloud, a_new_job(job_type="drop", source="inbox/a.jpg"), a_file(0))
    cloud.put("inbox/a.jpg", b"x")
    for action in ("look_for_uploads", "fail"):
        time.pass_by(2 * HOUR)
        assert swept() == {action: 1}
        deliver(*sent(cloud))
        sent(cloud)
    assert files(cloud) == [("failed", "processing_stalled")]


def test_pages_of_files_that_were_never_declared_end_like_missing_uploads(
    cloud: Cloud, time: Clock
) -> None:
    """Of 250 files, the first hundred were declared and one has arrived."""
    declared = [succeeded(0), *(a_file(index) for index in range(1, 100))]
    make(cloud, a_new_job(uploads=250), *declared)
    count_files([succeeded(0)], cloud.services.jobs)
    time.pass_by(2 * HOUR)
    assert swept() == {"look_for_uploads": 1}
    deliver(*sent(cloud))
    count_files(cloud.services.jobs.files("j1"), cloud.services.jobs)
    job = stored(cloud)
    assert (job.total, job.counts.succeeded, job.counts.failed) == (250, 1, 249)
    assert set(files(cloud)[1:]) == {("failed", "never_uploaded")}


def test_uploads_may_arrive_until_the_latest_grant_has_ended(cloud: Cloud, time: Clock) -> None:
    make(cloud, a_new_job(grants_until=CREATED + 30 * HOUR), a_file(0))
    time.pass_by(30 * HOUR)
    assert swept() == {}
    time.pass_by(HOUR)
    assert swept() == {"look_for_uploads": 1}


def test_an_upload_that_arrives_during_the_sweep_is_kept(cloud: Cloud, time: Clock) -> None:
    """The upload arrives after the sweep has read the job."""
    make(cloud, a_new_job(), a_file(0))
    time.pass_by(2 * HOUR)
    seen = stored(cloud)
    count_files([replace(queued(0), stored=True)], cloud.services.jobs)
    a_reconciler(cloud).act(seen, Action.LOOK_FOR_UPLOADS)
    assert stored(cloud).status is JobStatus.QUEUED


def a_reconciler(cloud: Cloud) -> Reconciler:
    shared = cloud.services
    return Reconciler(
        jobs=shared.jobs,
        index=shared.index,
        bucket=shared.bucket,
        lifecycle=shared.lifecycle,
        archives=shared.archives,
        grant_seconds=3600,
        now=clock.now(),
        waiting=False,
        out_of_time=lambda: False,
    )


# ---- stalled jobs


def stalled_job(cloud: Cloud) -> None:
    """A job of three photos: one counted, one whose record was lost, one whose message was lost."""
    job = a_new_job().zip_listed(0, "e", 3, 3)
    expanded = a_file(0, status=FileStatus.EXPANDED)
    make(cloud, job, expanded, succeeded(100), succeeded(101), queued(102))
    count_files([expanded, succeeded(100)], cloud.services.jobs)


def test_a_stalled_job_is_nudged(cloud: Cloud, time: Clock) -> None:
    stalled_job(cloud)
    time.pass_by(2 * HOUR)
    assert swept() == {"nudge": 1}
    assert stored(cloud).nudges == 1
    bodies = sent(cloud)
    assert [(body["kind"], body["job_id"]) for body in bodies] == [("nudge", "j1")]
    deliver(*bodies)
    [message] = cloud.messages()
    assert message == image_message(queued(102), a_options()).model_dump_json(exclude_none=True)
    job = stored(cloud)
    assert (job.counts.succeeded, job.nudges) == (2, 0), "the lost record is counted"


def a_options() -> str:
    return Options(model="u2netp").model_dump_json()


def test_files_left_after_a_nudge_fail(cloud: Cloud, time: Clock) -> None:
    stalled_job(cloud)
    count_files([succeeded(101)], cloud.services.jobs)
    time.pass_by(2 * HOUR)
    swept()
    deliver(*sent(cloud))
    cloud.messages()
    time.pass_by(2 * HOUR - 1)
    assert swept() == {}
    time.pass_by(1)
    assert swept() == {"fail": 1}
    bodies = sent(cloud)
    assert [(body["kind"], body["fail"]) for body in bodies] == [("nudge", 2)]
    for _ in range(2):
        deliver(*bodies)
    assert files(cloud)[1:] == [
        ("succeeded", None),
        ("succeeded", None),
        ("failed", "processing_stalled"),
    ]
    job = stored(cloud)
    assert (job.status, job.counts.succeeded, job.counts.failed) == (JobStatus.COMPLETED, 2, 1)
    assert (job.archive.status, job.archive.generation) == (ArchiveStatus.BUILDING, 1)


def test_a_job_that_moves_before_its_files_fail_is_not_failed(cloud: Cloud, time: Clock) -> None:
    stalled_job(cloud)
    time.pass_by(2 * HOUR)
    swept()
    time.pass_by(2 * HOUR)
    swept()
    bodies = sent(cloud)
    count_files([succeeded(101)], cloud.services.jobs)
    deliver(bodies[-1])
    assert files(cloud)[3] == ("queued", None)


def test_a_sweep_that_read_an_outdated_job_fails_nothing(cloud: Cloud, time: Clock) -> None:
    stalled_job(cloud)
    time.pass_by(2 * HOUR)
    swept()
    sent(cloud)
    seen = stored(cloud)
    count_files([succeeded(101)], cloud.services.jobs)
    a_reconciler(cloud).act(seen, Action.FAIL)
    assert sent(cloud) == []
    assert stored(cloud).nudges == 0


def test_a_job_in_a_backlog_stalls_after_a_day(cloud: Cloud, time: Clock) -> None:
    stalled_job(cloud)
    cloud.services.process_alone.send([image_message(queued(9), a_options())])
    time.pass_by(24 * HOUR - 1)
    assert swept() == {}
    time.pass_by(1)
    assert swept() == {"nudge": 1}


def test_a_partly_dispatched_zip_is_dispatched_again_and_then_fails(
    cloud: Cloud, time: Clock
) -> None:
    """Five photos were listed and one was dispatched and succeeded; then the fan-out was lost."""
    source = Source(key="uploads/j1/000000/a.zip", etag="e", size=1)
    zip_file = a_file(0, status=FileStatus.EXPANDING, source=source)
    make(cloud, a_new_job().zip_listed(0, "e", 5, 5), zip_file, succeeded(100))
    count_files([zip_file, succeeded(100)], cloud.services.jobs)
    time.pass_by(2 * HOUR)
    swept()
    deliver(*sent(cloud))
    [arrival] = sent(cloud)
    assert (arrival["key"], arrival["etag"]) == ("uploads/j1/000000/a.zip", "e")
    time.pass_by(2 * HOUR)
    swept()
    deliver(*sent(cloud))
    job = stored(cloud)
    assert files(cloud) == [("failed", "processing_stalled"), ("succeeded", None)]
    assert (job.total, job.counts.succeeded, job.counts.failed) == (2, 1, 1)
    assert job.status is JobStatus.COMPLETED


def test_a_nudge_out_of_time_continues_in_a_message(cloud: Cloud, time: Clock) -> None:
    stalled_job(cloud)
    deliver({"kind": "nudge", "job_id": "j1", "block": 0}, milliseconds=1)
    [rest] = sent(cloud)
    assert (rest["kind"], rest["block"]) == ("nudge", 0)
    deliver(rest | {"block": 1})
    assert [json.loads(body)["file_id"] for body in cloud.messages()] == ["000102"]
    assert stored(cloud).counts.succeeded == 2


def test_a_lost_retry_is_completed_by_a_nudge(cloud: Cloud, time: Clock) -> None:
    """The job was retried, but the message that queues its files again was lost."""
    photos = [failed(100), failed(101)]
    expanded = a_file(0, status=FileStatus.EXPANDED)
    make(cloud, a_new_job().zip_listed(0, "e", 2, 2), expanded, *photos)
    count_files([expanded, *photos], cloud.services.jobs)
    cloud.services.jobs.change("j1", Job.retried)
    time.pass_by(2 * HOUR)
    assert swept() == {"nudge": 1}
    deliver(*sent(cloud))
    deliver(*sent(cloud))
    sent_again = [json.loads(body) for body in cloud.messages()]
    assert {(m["file_id"], m["attempt"]) for m in sent_again} == {("000100", 2), ("000101", 2)}
    assert stored(cloud).retries == ()
    for action in ("nudge", "fail"):
        time.pass_by(2 * HOUR)
        assert swept() == {action: 1}
        deliver(*sent(cloud))
        cloud.messages()
    assert set(files(cloud)[1:]) == {("failed", "processing_stalled")}
    assert (stored(cloud).status, stored(cloud).settled) == (JobStatus.FAILED, True)


def test_a_retry_that_never_gets_through_is_given_up(cloud: Cloud, time: Clock) -> None:
    make(cloud, a_new_job(), failed(0))
    count_files([failed(0)], cloud.services.jobs)
    cloud.services.jobs.change("j1", Job.retried)
    for action in ("nudge", "fail"):
        time.pass_by(2 * HOUR)
        assert swept() == {action: 1}
        bodies = sent(cloud)
    deliver(*bodies)
    assert (stored(cloud).status, stored(cloud).settled) == (JobStatus.FAILED, True)


def test_a_cancelled_job_with_uncounted_files_ends(cloud: Cloud, time: Clock) -> None:
    """Its uploads were not cancelled, and no worker has received its queued photo."""
    make(cloud, a_new_job(uploads=3), a_file(0), queued(1), a_file(2))
    cloud.services.jobs.change("j1", Job.cancelled)
    time.pass_by(2 * HOUR)
    assert swept() == {"look_for_uploads": 1}
    deliver(*sent(cloud))
    assert files(cloud) == [("cancelled", None), ("queued", None), ("cancelled", None)]
    assert stored(cloud).counts.skipped == 2
    for action in ("nudge", "fail"):
        time.pass_by(2 * HOUR)
        assert swept() == {action: 1}
        deliver(*sent(cloud))
        cloud.messages()
    assert files(cloud)[1] == ("cancelled", None)
    job = stored(cloud)
    assert (job.status, job.counts.skipped, job.settled) == (JobStatus.CANCELLED, 3, True)


# ---- archives and multipart uploads


def archives(cloud: Cloud) -> list[Any]:
    bodies = cloud.received(cloud.services.settings.archive_queue_url)
    return [json.loads(body) for body in bodies]


def test_a_stalled_archive_is_requested_once_more_and_then_fails(cloud: Cloud, time: Clock) -> None:
    make(cloud, a_new_job(), succeeded(0))
    count_files([succeeded(0)], cloud.services.jobs)
    time.pass_by(6 * HOUR - 1)
    assert (swept(), archives(cloud)) == ({}, [])
    time.pass_by(1)
    assert swept() == {"build_again": 1}
    assert archives(cloud) == [{"kind": "archive", "job_id": "j1", "generation": 1}]
    assert (swept(), archives(cloud)) == ({}, [])
    time.pass_by(6 * HOUR)
    assert swept() == {"fail_archive": 1}
    assert archives(cloud) == []
    job = stored(cloud)
    assert (job.archive.status, job.archive.generation) == (ArchiveStatus.FAILED, 1)
    assert (job.status, job.settled) == (JobStatus.COMPLETED, True)


def test_an_archive_that_is_ready_meanwhile_stays_ready(cloud: Cloud, time: Clock) -> None:
    building = Archive(ArchiveStatus.BUILDING, 1)
    make(cloud, a_new_job(status=JobStatus.COMPLETED, archive=building))
    seen = stored(cloud)
    ready = Archive(ArchiveStatus.READY, 1, 9)
    cloud.services.jobs.change("j1", lambda job: job.with_archive(ready))
    a_reconciler(cloud).act(seen, Action.FAIL_ARCHIVE)
    assert stored(cloud).archive == ready


def test_old_multipart_uploads_are_aborted(cloud: Cloud, time: Clock) -> None:
    """moto dates all of them 2010, so that only a time before that leaves them alone."""
    for key in ("archives/j1/1.zip", "inbox/big.zip"):
        cloud.services.bucket.begin_upload(key, "application/zip")
    assert cloud.services.bucket.abort_uploads(before=CREATED - 20 * 365 * 24 * HOUR) == 0
    assert swept() == {"aborted_uploads": 2}
    listed = cloud.s3.list_multipart_uploads(Bucket="darkroom-photos")
    assert listed.get("Uploads", []) == []


# ---- the sweep as a whole


def many(cloud: Cloud, number: int) -> None:
    for index in range(number):
        job_id = f"j{index}"
        created = CREATED + index
        job = a_job(job_id=job_id, created_at=created, updated_at=created)
        make(cloud, job, a_file(0, job_id=job_id))


def test_an_exception_for_one_job_does_not_stop_the_others(
    cloud: Cloud, time: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(cloud, 3)
    act = Reconciler.act

    def broken(self: Reconciler, job: Job, action: Action) -> None:
        if job.job_id == "j0":
            raise RuntimeError("it is broken")
        act(self, job, action)

    monkeypatch.setattr(Reconciler, "act", broken)
    time.pass_by(3 * HOUR)
    assert swept() == {"look_for_uploads": 2, "crashed": 1}
    statuses = [cloud.services.jobs.require(f"j{index}").status.value for index in range(3)]
    assert statuses == ["awaiting_upload", "expired", "expired"]


def test_a_sweep_stops_at_its_limit_and_the_next_continues(
    cloud: Cloud, time: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "MOST_JOBS", 2)
    many(cloud, 5)
    time.pass_by(3 * HOUR)
    assert [swept().get("look_for_uploads", 0) for _ in range(4)] == [2, 2, 1, 0]


def test_a_sweep_out_of_time_leaves_its_jobs_to_the_next(cloud: Cloud, time: Clock) -> None:
    many(cloud, 2)
    time.pass_by(3 * HOUR)
    assert swept(milliseconds=1) == {}
    assert swept() == {"look_for_uploads": 2}


def test_jobs_that_are_not_due_do_not_block_others(cloud: Cloud, time: Clock) -> None:
    """More than a page of jobs are in a backlog, and the job after them is due."""
    for index in range(120):
        job = arrived(a_new_job(job_id=f"waiting{index}"), 0)
        make(cloud, job)
    cloud.services.lanes.bulk.send([image_message(queued(9), a_options())])
    time.pass_by(HOUR)
    make(cloud, a_new_job(), a_file(0))
    time.pass_by(3 * HOUR)
    assert swept() == {"look_for_uploads": 1}
    assert stored(cloud).status is JobStatus.EXPIRED


def test_busy_and_settled_jobs_are_not_read(cloud: Cloud, time: Clock) -> None:
    make(cloud, arrived(a_new_job(), 0))
    make(cloud, recorded(a_new_job(job_id="j2"), event_of(0, Outcome.SKIPPED)))
    time.pass_by(10 * 60)
    assert list(cloud.services.index.unfinished(clock.now() - 15 * 60)) == [[]]
    time.pass_by(10 * 60)
    [page] = cloud.services.index.unfinished(clock.now() - 15 * 60)
    assert [job.job_id for job in page] == ["j1"]
