"""From the table's stream to the counts, the followers and the archive."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from darkroom.aws import items
from darkroom.aws.services import services
from darkroom.counting import events_by_job
from darkroom.jobs import Job
from darkroom.states import ArchiveStatus, FileStatus, JobStatus
from functions.progress import notify, tally
from tests.conftest import Cloud, FakeContext
from tests.gateway import StandInGateway
from tests.making import a_file, a_job
from tests.streams import done, file_event, image, job_event, tally_event


def test_a_redelivered_batch_is_counted_once(cloud: Cloud) -> None:
    jobs = cloud.services.jobs
    jobs.create(a_job().zip_listed(0, 3, 3), [])
    failed = a_file(2, status=FileStatus.FAILED, error={"code": "damaged", "message": "It is."})
    late, early = file_event(failed, done(3)), file_event(a_file(0), done(1))
    for event in (late, early, late, early):
        tally.handler(event, FakeContext())
    job = jobs.require("j1")
    assert (job.counts.succeeded, job.counts.failed) == (2, 1)
    assert job.status is JobStatus.COMPLETED
    assert job.sequence == 4
    assert [entry["file_id"] for entry in job.recent] == ["000001", "000003", "000002"]


def test_a_batch_is_one_write_for_each_job(cloud: Cloud) -> None:
    jobs = cloud.services.jobs
    for name in ("j1", "j2"):
        jobs.create(a_job(job_id=name).zip_listed(0, 50, 50), [])
    files = [done(1 + index, name) for index in range(50) for name in ("j1", "j2", "deleted")]
    tally.handler(file_event(*files), FakeContext())
    for name in ("j1", "j2"):
        assert jobs.require(name).counts.succeeded == 50
        assert jobs.require(name).sequence == 3


def test_the_second_of_two_writers_changes_the_newer_job(cloud: Cloud) -> None:
    """Two writers at once: after the first write, the second writer applies its change again."""
    jobs = cloud.services.jobs
    jobs.create(a_job(uploads=2), [])
    seen = []

    def change(job: Job) -> Job:
        if not seen:
            jobs.change("j1", lambda other: other.image_listed(1))
        seen.append(job.sequence)
        return job.image_listed(0)

    job, changed = jobs.change("j1", change)
    assert (changed, job.total, seen) == (True, 2, [1, 2])


def test_each_follower_gets_the_newest_document_of_a_batch_once(gateway: StandInGateway) -> None:
    first = a_job(uploads=3).image_listed(0)
    second = first.image_listed(1)
    third = second.image_listed(2)
    event = job_event((first, second), (second, third), (None, first), (None, a_job(job_id="j2")))
    notify.handler(event, FakeContext())
    assert [(to, document["sequence"]) for to, document in gateway.sent] == [("c1", 4), ("c2", 4)]


def test_a_finished_job_requests_its_archive(cloud: Cloud, gateway: StandInGateway) -> None:
    before = a_job().image_listed(0)
    after = before.with_events([tally_event()])
    assert after.archive.status is ArchiveStatus.BUILDING
    notify.handler(job_event((before, after)), FakeContext())
    url = cloud.services.settings.archive_queue_url
    assert [json.loads(body) for body in cloud.received(url)] == [
        {"kind": "archive", "job_id": "j1", "generation": 1}
    ]
    later = replace(after, sequence=after.sequence + 1)
    notify.handler(job_event((after, later)), FakeContext())
    assert cloud.received(url) == []


def test_a_follower_that_is_gone_does_not_stop_pushes_to_others(gateway: StandInGateway) -> None:
    gateway.gone.add("c1")
    notify.handler(job_event((None, a_job())), FakeContext())
    assert [to for to, _ in gateway.sent] == ["c2"]
    assert services().connections.followers("j1") == ["c2"]


def lifecycle(cloud: Cloud) -> list[Any]:
    bodies = cloud.received(cloud.services.settings.lifecycle_queue_url)
    return [json.loads(body) for body in bodies]


def test_a_cancel_cancels_uploads_that_have_not_arrived(
    cloud: Cloud, gateway: StandInGateway
) -> None:
    before = a_job(uploads=3).image_listed(1)
    files = [a_file(0), a_file(1, status=FileStatus.QUEUED), a_file(2)]
    cloud.services.jobs.create(before, files)
    notify.handler(job_event((before, before.cancelled())), FakeContext())
    stored = list(cloud.services.jobs.files("j1"))
    assert [file.status.value for file in stored] == ["cancelled", "queued", "cancelled"]
    tally.handler(file_event(*stored), FakeContext())
    assert cloud.services.jobs.require("j1").counts.skipped == 2


def test_a_cancel_leaves_out_a_zip_that_is_being_dispatched(
    cloud: Cloud, gateway: StandInGateway
) -> None:
    """Its photos are counted as cancelled files. The ZIP itself would be one too many."""
    before = a_job(uploads=2).zip_listed(0, 3, 3)
    cloud.services.jobs.create(before, [a_file(0), a_file(1)])
    notify.handler(job_event((before, before.cancelled())), FakeContext())
    stored = list(cloud.services.jobs.files("j1"))
    assert [file.status.value for file in stored] == ["awaiting_upload", "cancelled"]


def test_a_retry_is_sent_to_the_lifecycle_queue(cloud: Cloud, gateway: StandInGateway) -> None:
    failed = a_file(0, status=FileStatus.FAILED, error={"code": "x", "message": "y"})
    before = a_job().image_listed(0).with_events(events_by_job([failed])["j1"])
    notify.handler(job_event((before, before.retried())), FakeContext())
    assert lifecycle(cloud) == [{"kind": "retry", "job_id": "j1", "attempt": 2, "after": ""}]


def test_a_deletion_is_sent_to_the_lifecycle_queue(cloud: Cloud, gateway: StandInGateway) -> None:
    event = {"Records": [{"dynamodb": {"OldImage": image(items.job_item(a_job()))}}]}
    notify.handler(event, FakeContext())
    assert lifecycle(cloud) == [{"kind": "forget", "job_id": "j1"}]
    assert gateway.sent == []
