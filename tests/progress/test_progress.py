"""From the table's stream to the counts, the followers and the archive."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest

from darkroom.archives import Archive
from darkroom.aws import block_items, items
from darkroom.aws.services import services
from darkroom.aws.table import JobTable
from darkroom.counting import events_by_job
from darkroom.errors import RetryLater
from darkroom.jobs import Job
from darkroom.states import ArchiveStatus, FileStatus, JobStatus
from functions.progress import notify, tally
from functions.progress.job_changes import PAUSE_SECONDS, Change, archive_delay
from tests.conftest import Cloud, FakeContext
from tests.gateway import StandInGateway
from tests.making import a_file, a_job, arrived, recorded, store
from tests.streams import done, file_event, job_event, record, tally_event


def test_a_redelivered_batch_is_counted_once(cloud: Cloud) -> None:
    jobs = cloud.services.jobs
    zipped = a_file(0, status=FileStatus.EXPANDED)
    store(jobs, a_job().zip_listed(0, "e", 3, 3), zipped)
    failed = a_file(101, status=FileStatus.FAILED, error={"code": "damaged", "message": "It is."})
    late, early = file_event(failed, done(102)), file_event(zipped, done(100))
    for event in (late, early, late, early):
        tally.handler(event, FakeContext())
    job = jobs.require("j1")
    assert (job.counts.succeeded, job.counts.failed) == (2, 1)
    assert job.status is JobStatus.COMPLETED
    assert job.sequence == 5
    assert [entry["file_id"] for entry in job.recent] == ["000100", "000102", "000101"]


def test_a_batch_is_one_write_for_each_job(cloud: Cloud) -> None:
    jobs = cloud.services.jobs
    for name in ("j1", "j2"):
        jobs.create(a_job(job_id=name).zip_listed(0, "e", 50, 50), [])
    files = [done(100 + index, name) for index in range(50) for name in ("j1", "j2", "deleted")]
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
            jobs.change("j1", lambda other: other.zip_listed(1, "e", 5, 5))
        seen.append(job.sequence)
        return job.zip_listed(0, "e", 7, 7)

    job, changed = jobs.change("j1", change)
    assert (changed, [span.first for span in job.spans], seen) == (True, [100, 200], [1, 2])


def test_a_page_of_the_tally_that_its_job_does_not_know_is_counted_by_the_next_delivery(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function died after it had written the page, before it wrote the job."""
    jobs = cloud.services.jobs
    jobs.create(a_job(), [a_file(0)])
    with monkeypatch.context() as patched:
        patched.setattr(JobTable, "change", mock.Mock(side_effect=RetryLater("busy_job", "Later.")))
        with pytest.raises(RetryLater):
            tally.handler(file_event(done(0)), FakeContext())
    assert jobs.require("j1").counts.succeeded == 0
    tally.handler(file_event(done(0)), FakeContext())
    job = jobs.require("j1")
    assert (job.counts.succeeded, job.status) == (1, JobStatus.COMPLETED)
    assert [entry["file_id"] for entry in job.recent] == ["000000"]


def test_a_block_counts_the_files_in_it_that_have_ended(cloud: Cloud) -> None:
    """Entries of a ZIP that are no photos are skipped from the start."""
    jobs = cloud.services.jobs
    jobs.create(a_job().zip_listed(0, "e", 2, 2), [a_file(0)])
    skipped = a_file(101, status=FileStatus.SKIPPED, error={"code": "not_a_photo", "message": "x"})
    block = block_items.block_item([a_file(100, status=FileStatus.QUEUED), skipped], 1.0)
    assert block["ended"] == "yes"
    tally.handler({"Records": [record(None, block)]}, FakeContext())
    assert jobs.require("j1").counts.skipped == 1
    assert block_items.block_item([a_file(100, status=FileStatus.QUEUED)], 1.0)["ended"] == "no"


def test_each_follower_gets_the_newest_document_of_a_batch_once(gateway: StandInGateway) -> None:
    first = arrived(a_job(uploads=3), 0)
    second = arrived(first, 1)
    third = arrived(second, 2)
    event = job_event((first, second), (second, third), (None, first), (None, a_job(job_id="j2")))
    notify.handler(event, FakeContext())
    assert [(to, document["sequence"]) for to, document in gateway.sent] == [("c1", 4), ("c2", 4)]


def test_a_finished_job_requests_its_archive(cloud: Cloud, gateway: StandInGateway) -> None:
    before = arrived(a_job(), 0)
    after = recorded(before, tally_event())
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


@pytest.mark.parametrize("stop", [Job.cancelled, Job.expired])
def test_a_job_that_stops_has_its_uploads_cancelled(
    cloud: Cloud, gateway: StandInGateway, stop: Callable[[Job], Job]
) -> None:
    before = a_job(uploads=3)
    after = stop(before)
    notify.handler(job_event((before, after)), FakeContext())
    assert lifecycle(cloud) == [{"kind": "stop", "job_id": "j1", "block": 0}]
    notify.handler(job_event((after, after.nudged())), FakeContext())
    assert lifecycle(cloud) == []


def archives(cloud: Cloud) -> list[Any]:
    """The archive messages that can be received now."""
    return [json.loads(body) for body in cloud.received(cloud.services.settings.archive_queue_url)]


def test_an_archive_waits_until_corrections_pause(cloud: Cloud, gateway: StandInGateway) -> None:
    """Each correction begins another generation; whoever asks for the ZIP does not wait."""
    done_once = recorded(arrived(a_job(), 0), tally_event())
    done_once = done_once.with_archive(Archive(ArchiveStatus.READY, 1, 9))
    again = replace(tally_event(), attempt=2)
    corrected = recorded(done_once.retried(None, ["000000"]), again)
    corrected = corrected.retry_queued(corrected.retries[0].id)
    assert corrected.archive.builds(2)
    change = Change(done_once, corrected)
    assert (archive_delay(change), archive_delay(Change(None, done_once))) == (PAUSE_SECONDS, 0)
    notify.handler(job_event((done_once, corrected)), FakeContext())
    assert archives(cloud) == []
    notify.handler(job_event((corrected, corrected.archive_wanted())), FakeContext())
    assert archives(cloud) == [{"kind": "archive", "job_id": "j1", "generation": 2}]


def test_a_new_archive_has_the_old_ones_pruned_when_their_links_have_expired(
    cloud: Cloud, gateway: StandInGateway
) -> None:
    building = a_job(status=JobStatus.COMPLETED, archive=Archive(ArchiveStatus.BUILDING, 2))
    ready = building.with_archive(Archive(ArchiveStatus.READY, 2, 9))
    notify.handler(job_event((building, ready)), FakeContext())
    [message] = lifecycle(cloud)
    assert (message["kind"], message["generation"]) == ("prune", 2)
    assert message["at"] == pytest.approx(ready.updated_at + 3600)


def test_a_retry_is_sent_to_the_lifecycle_queue(cloud: Cloud, gateway: StandInGateway) -> None:
    failed = a_file(0, status=FileStatus.FAILED, error={"code": "x", "message": "y"})
    before = recorded(a_job(), *events_by_job([failed])["j1"])
    after = before.retried()
    notify.handler(job_event((before, after)), FakeContext())
    message = {"kind": "retry", "job_id": "j1", "retry": before.sequence, "block": 0}
    assert lifecycle(cloud) == [message]
    notify.handler(job_event((after, after.nudged())), FakeContext())
    assert lifecycle(cloud) == [], "it is asked for once"


def test_a_deletion_is_sent_to_the_lifecycle_queue(cloud: Cloud, gateway: StandInGateway) -> None:
    job = a_job(uploads=201, source="inbox/a.zip", source_etag="e")
    event = {"Records": [record(items.job_item(job), None)]}
    notify.handler(event, FakeContext())
    assert lifecycle(cloud) == [
        {
            "kind": "forget",
            "job_id": "j1",
            "blocks": 3,
            "source": "inbox/a.zip",
            "etag": "e",
            "block": 0,
            "last": False,
        }
    ]
    assert gateway.sent == []
