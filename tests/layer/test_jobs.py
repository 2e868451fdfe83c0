"""The states and counts of a job. Jobs are pure, so every path can be tested."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from itertools import product

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from darkroom.archives import Archive
from darkroom.aws.items import from_stream, job_from, job_item
from darkroom.errors import Conflict
from darkroom.jobs import BULK, FileEvent, Job
from darkroom.outcomes import Outcome, mark, pack, unpack
from darkroom.progress import progress_document
from darkroom.states import JOB_MOVES, ArchiveStatus, JobStatus
from darkroom.usage import Timing
from tests.layer.walks import ENDED, Walk, ended, used
from tests.making import a_job


def test_a_photo_goes_through_its_states() -> None:
    job = a_job()
    assert (job.status, job.total) == (JobStatus.AWAITING_UPLOAD, None)
    job = job.image_listed(0)
    assert (job.status, job.total) == (JobStatus.QUEUED, 1)
    job = job.with_events([ended(0)])
    assert (job.status, job.counts.succeeded) == (JobStatus.COMPLETED, 1)
    assert (job.archive.status, job.archive.generation) == (ArchiveStatus.BUILDING, 1)


def test_the_total_is_unknown_until_every_upload_is_listed() -> None:
    job = a_job(uploads=2).zip_listed(1, length=5, files=3)
    assert job.total is None
    assert job.spans[1].first == 2
    job = job.with_events([ended(2), ended(4), ended(6)])
    assert job.status is JobStatus.PROCESSING
    job = job.image_listed(0)
    assert (job.total, job.status) == (4, JobStatus.PROCESSING)
    assert job.with_events([ended(0)]).status is JobStatus.COMPLETED


def test_two_zips_get_separate_indices() -> None:
    job = a_job(uploads=2).zip_listed(1, 5, 5).zip_listed(0, 4, 4)
    first, second = job.spans[1], job.spans[0]
    assert (first.first, second.first, job.total) == (2, 7, 9)


@given(st.lists(st.integers(0, BULK), min_size=1, max_size=8))
def test_a_job_is_bulk_by_its_listed_files_and_stays_bulk(sizes: list[int]) -> None:
    job, listed = a_job(uploads=len(sizes)), 0
    for upload, files in enumerate(sizes):
        job = job.zip_listed(upload, length=2 * files, files=files)
        listed += files
        assert job.bulk == (listed > BULK)
        assert job.cancelled().bulk >= job.bulk


def test_listing_twice_changes_nothing() -> None:
    job = a_job(uploads=2).zip_listed(0, 5, 5)
    assert job.zip_listed(0, 5, 5) is job
    assert job.image_listed(0) is job


@pytest.mark.parametrize(
    ("outcomes", "status", "code"),
    [
        ([Outcome.FAILED], JobStatus.FAILED, "damaged"),
        ([Outcome.FAILED] * 2, JobStatus.FAILED, "all_photos_failed"),
        ([Outcome.SKIPPED] * 2, JobStatus.FAILED, "no_photos"),
        ([Outcome.FAILED, Outcome.SKIPPED], JobStatus.FAILED, "all_photos_failed"),
        ([Outcome.SUCCEEDED, Outcome.FAILED, Outcome.SKIPPED], JobStatus.COMPLETED, None),
    ],
)
def test_the_final_status_of_a_job(
    outcomes: list[Outcome], status: JobStatus, code: str | None
) -> None:
    job = a_job().zip_listed(0, len(outcomes), len(outcomes))
    job = job.with_events([ended(1 + index, outcome) for index, outcome in enumerate(outcomes)])
    assert job.status is status
    assert (job.error["code"] if job.error else None) == code


def test_a_zip_without_photos_fails_at_once() -> None:
    job = a_job().zip_listed(0, 3, 0)
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert job.error["code"] == "no_photos"


def test_a_job_is_settled_when_all_work_is_done() -> None:
    job = a_job(uploads=2).image_listed(0).with_events([ended(0)])
    assert not job.settled, "an upload has not arrived"
    job = job.cancelled()
    assert not job.settled, "the cancelled file is not counted"
    job = job.with_events([ended(1, Outcome.CANCELLED)])
    assert not job.settled, "the archive is not built"
    assert job.with_archive(Archive(ArchiveStatus.READY, 1, 10)).settled
    assert job.with_archive(Archive(ArchiveStatus.FAILED, 1)).settled
    assert a_job().image_listed(0).with_events([ended(0, Outcome.FAILED)]).settled


def test_an_archive_of_an_earlier_generation_is_ignored() -> None:
    job = a_job(archive=Archive(ArchiveStatus.BUILDING, 2))
    assert job.with_archive(Archive(ArchiveStatus.READY, 1, 99)) is job
    assert job.with_archive(Archive(ArchiveStatus.READY, 2, 99)).archive.size == 99


outcomes = st.lists(st.sampled_from(ENDED), min_size=1, max_size=40)


@given(outcomes, st.data())
def test_any_repetition_and_order_of_events_gives_the_same_counts(
    truth: list[Outcome], data: st.DataObject
) -> None:
    """The counts are true however often, and in whatever batches, the stream delivers events."""
    listed = a_job().zip_listed(0, len(truth), len(truth))
    events = [ended(1 + index, outcome) for index, outcome in enumerate(truth)]
    repeats = data.draw(st.lists(st.sampled_from(events), max_size=40))
    delivered = data.draw(st.permutations(events + repeats))
    sizes = data.draw(st.lists(st.integers(1, 10), min_size=1, max_size=80))

    job, start, sequences = listed, 0, [listed.sequence]
    while start < len(delivered):
        size = sizes[len(sequences) % len(sizes)]
        job = job.with_events(delivered[start : start + size])
        start += size
        sequences.append(job.sequence)

    assert job.counts.succeeded == truth.count(Outcome.SUCCEEDED)
    assert job.counts.failed == truth.count(Outcome.FAILED)
    assert job.counts.skipped == truth.count(Outcome.SKIPPED) + truth.count(Outcome.CANCELLED)
    assert job.usage == used(index for index, outcome in enumerate(truth, 1) if outcome == 1)
    assert job.status.final
    assert sequences == sorted(sequences)
    assert job.with_events(delivered) is job


@given(st.permutations([ended(1, Outcome.FAILED, 1), ended(1, Outcome.SUCCEEDED, 2)]))
def test_the_later_attempt_counts_in_any_order_of_events(events: list[FileEvent]) -> None:
    job = a_job().zip_listed(0, 2, 2)
    for event in events:
        job = job.with_events([event])
    assert (job.counts.succeeded, job.counts.failed) == (1, 0)


def full_job() -> Job:
    job = a_job(uploads=3).zip_listed(1, 9, 7).image_listed(0).image_listed(2)
    return job.with_events([ended(0), ended(4, Outcome.FAILED), ended(5, Outcome.SKIPPED)])


def test_the_document_has_the_specified_fields() -> None:
    document = progress_document(full_job())
    assert document["progress"] == {"processed": 3, "total": 9, "percentage": 33.3}
    assert document["summary"] == {
        "total": 9,
        "succeeded": 1,
        "failed": 1,
        "skipped": 1,
        "success_percentage": 11.1,
    }
    assert document["metadata"] == {
        "created_at": "2023-11-14T22:13:20.000Z",
        "updated_at": document["metadata"]["updated_at"],
        "job_type": "batch",
        "file_count": 3,
    }
    assert document["recent"][0] == {
        "file_id": "000000",
        "name": "photo-0.jpg",
        "status": "succeeded",
        "error": None,
    }
    assert list(document) == [
        "type",
        "job_id",
        "status",
        "sequence",
        "progress",
        "summary",
        "metadata",
        "archive",
        "recent",
        "error",
    ]


def test_a_document_stays_small() -> None:
    job = a_job().zip_listed(0, 500, 500)
    long = "ф" * 500
    events = [
        FileEvent(1 + index, 1, Outcome.FAILED, long, {"code": "x", "message": "y" * 300})
        for index in range(500)
    ]
    document = progress_document(job.with_events(events))
    assert len(json.dumps(document, ensure_ascii=False).encode()) < 32 * 1024


def test_a_job_survives_the_table_and_the_stream() -> None:
    job = full_job()
    item = job_item(job)
    assert job_from(item) == job
    image = {name: TypeSerializer().serialize(value) for name, value in item.items()}
    image["tally"] = {"B": b64encode(item["tally"]).decode()}
    assert job_from(from_stream(image)) == job


def test_the_tally_of_a_large_finished_job_is_small() -> None:
    done = bytes([mark(1, Outcome.SUCCEEDED)]) * 100_000
    assert len(pack(done)) < 300
    assert unpack(pack(done)) == done


def test_usage_is_kept_through_a_retry() -> None:
    job = a_job().zip_listed(0, 3, 3)
    job = job.with_events([ended(1), ended(2), ended(3, Outcome.FAILED)]).retried()
    job = job.with_events([ended(3, attempt=2), ended(1)])
    assert (job.usage.bytes_in, job.usage.bytes_out) == (3006, 36)
    assert job.usage.models == {
        "u2netp": Timing(1, 101),
        "silueta": Timing(1, 102),
        "none": Timing(1, 103),
    }


# ---- the sweep's changes


def test_a_job_without_uploads_expires() -> None:
    job = a_job(uploads=2).expired()
    assert (job.status, job.total, job.settled) == (JobStatus.EXPIRED, 2, False)
    assert job.error is not None
    assert job.error["code"] == "never_uploaded"
    job = job.with_events([ended(0, Outcome.CANCELLED), ended(1, Outcome.CANCELLED)])
    assert (job.counts.skipped, job.settled) == (2, True)


def test_a_job_with_an_upload_does_not_expire() -> None:
    for job in (a_job(uploads=2).image_listed(0), a_job().cancelled(), full_job()):
        assert job.expired() is job


def test_any_other_change_resets_the_nudges() -> None:
    job = a_job(uploads=2).image_listed(0).nudged()
    assert job.nudged().nudges == 2
    assert job.with_events([ended(0)]).nudges == 0
    assert job.with_events([]).nudges == 1
    assert job.image_listed(1).nudges == 0


def test_photos_that_a_failed_zip_did_not_dispatch_are_not_waited_for() -> None:
    """Listed with 5 photos, failed after 2 were dispatched: those and the ZIP itself count."""
    job = a_job(uploads=2).image_listed(1).zip_listed(0, 7, 5)
    job = job.with_events([ended(0, Outcome.FAILED), ended(1), ended(2), ended(4)])
    assert (job.total, job.status) == (6, JobStatus.PROCESSING)
    job = job.closed()
    assert (job.total, job.counts.processed, job.status) == (4, 4, JobStatus.COMPLETED)
    assert job.closed() is job
    retried = job.retried()
    assert (retried.total, retried.counts.processed) == (4, 3)
    assert retried.with_events([ended(0, Outcome.FAILED, 2)]).status is JobStatus.COMPLETED


def test_closing_a_complete_job_changes_nothing() -> None:
    job = a_job(uploads=2).zip_listed(0, 9, 2).image_listed(1)
    job = job.with_events([ended(1), ended(2), ended(8)])
    assert job.closed() is job


# ---- cancel and retry


def test_a_cancelled_job_does_not_wait_for_missing_uploads() -> None:
    job = a_job(uploads=3).zip_listed(0, 5, 4).cancelled()
    assert (job.status, job.total) == (JobStatus.CANCELLED, 6)
    assert job.cancelled() is job
    assert job.zip_listed(1, 9, 9) is job


def test_a_cancelled_job_counts_files_in_progress_and_keeps_its_results() -> None:
    job = a_job().zip_listed(0, 3, 3).with_events([ended(1)]).cancelled()
    assert job.archive.status is ArchiveStatus.NONE
    job = job.with_events([ended(2), ended(3, Outcome.CANCELLED)])
    assert (job.status, job.counts.succeeded, job.counts.skipped) == (JobStatus.CANCELLED, 2, 1)
    assert (job.archive.status, job.archive.generation) == (ArchiveStatus.BUILDING, 1)


def test_a_retry_requeues_only_failed_and_cancelled_files() -> None:
    outcomes = [Outcome.SUCCEEDED, Outcome.FAILED, Outcome.SKIPPED, Outcome.CANCELLED]
    job = a_job().zip_listed(0, 4, 4)
    job = job.with_events([ended(1 + index, outcome) for index, outcome in enumerate(outcomes)])
    job = job.with_archive(replace(job.archive, status=ArchiveStatus.READY, size=9))

    job = job.retried('{"model": "silueta"}')
    assert (job.status, job.attempt) == (JobStatus.PROCESSING, 2)
    assert (job.counts.succeeded, job.counts.failed, job.counts.skipped) == (1, 0, 1)
    assert job.options == '{"model": "silueta"}'
    assert job.archive.status is ArchiveStatus.NONE

    late = job.with_events([ended(2, Outcome.FAILED)])
    assert late is job, "an outcome of an earlier attempt changes nothing"
    job = job.with_events([ended(2, attempt=2), ended(4, attempt=2)])
    assert (job.status, job.counts.succeeded) == (JobStatus.COMPLETED, 3)
    assert (job.archive.status, job.archive.generation) == (ArchiveStatus.BUILDING, 2)


def test_a_failed_job_can_be_retried_to_success() -> None:
    job = a_job().image_listed(0).with_events([ended(0, Outcome.FAILED)])
    assert job.status is JobStatus.FAILED
    job = job.retried().with_events([ended(0, attempt=2)])
    assert (job.status, job.error) == (JobStatus.COMPLETED, None)


@pytest.mark.parametrize(
    ("job", "code"),
    [
        (a_job(), "not_ended"),
        (a_job().image_listed(0), "not_ended"),
        (a_job().image_listed(0).with_events([ended(0)]), "nothing_to_retry"),
        (a_job().zip_listed(0, 1, 0), "nothing_to_retry"),
        (
            replace(a_job().image_listed(0).with_events([ended(0, Outcome.FAILED)]), attempt=31),
            "too_many_attempts",
        ),
    ],
)
def test_a_job_that_cannot_be_retried_raises_a_conflict(job: Job, code: str) -> None:
    with pytest.raises(Conflict) as refused:
        job.retried()
    assert refused.value.code == code


TestWalk = Walk.TestCase


@pytest.mark.parametrize(("before", "after"), list(product(JobStatus, JobStatus)))
def test_the_legal_moves_of_a_job(before: JobStatus, after: JobStatus) -> None:
    final = {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.EXPIRED}
    order = [JobStatus.AWAITING_UPLOAD, JobStatus.QUEUED, JobStatus.PROCESSING]
    if before in final:
        legal = after is JobStatus.PROCESSING and before is not JobStatus.EXPIRED
    elif after is JobStatus.EXPIRED:
        legal = before is JobStatus.AWAITING_UPLOAD
    else:
        legal = after in final or order.index(after) > order.index(before)
    assert (after in JOB_MOVES[before]) is legal
