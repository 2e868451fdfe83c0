"""The states and counts of a job. Jobs are pure, so every path can be tested."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from bench._item_size import stored_bytes
from darkroom.archives import Archive
from darkroom.aws.items import from_stream, job_from, job_item
from darkroom.errors import Conflict
from darkroom.jobs import BULK, FileEvent, Job
from darkroom.outcomes import Counts, Outcome
from darkroom.progress import progress_document
from darkroom.spans import Span
from darkroom.states import JOB_MOVES, ArchiveStatus, JobStatus
from darkroom.tallies import Summary
from darkroom.usage import Usage
from tests.layer.walks import ENDED, Walk, ended, used
from tests.making import a_job, arrived, listed, recorded, requeued


def test_a_photo_goes_through_its_states() -> None:
    job = a_job()
    assert (job.status, job.total) == (JobStatus.AWAITING_UPLOAD, None)
    job = arrived(job, 0)
    assert (job.status, job.total) == (JobStatus.QUEUED, 1)
    job = recorded(job, ended(0))
    assert (job.status, job.counts.succeeded) == (JobStatus.COMPLETED, 1)
    assert (job.archive.status, job.archive.generation) == (ArchiveStatus.BUILDING, 1)


def test_the_total_is_unknown_until_every_upload_is_listed() -> None:
    job = listed(a_job(uploads=2), 1, length=5, files=3)
    assert job.total is None
    assert job.spans[0].first == 100, "each block of files belongs to one ZIP or to the uploads"
    job = recorded(job, ended(100), ended(102), ended(104))
    assert job.status is JobStatus.PROCESSING
    job = arrived(job, 0)
    assert (job.total, job.status) == (4, JobStatus.PROCESSING)
    assert recorded(job, ended(0)).status is JobStatus.COMPLETED


def test_two_zips_get_blocks_of_their_own() -> None:
    job = listed(listed(a_job(uploads=2), 1, 5, 5), 0, 240, 240)
    assert [(span.upload, span.first) for span in job.spans] == [(1, 100), (0, 200)]
    assert (job.total, job.blocks) == (245, 5)


@given(st.lists(st.integers(0, BULK), min_size=1, max_size=8))
def test_a_job_is_bulk_by_its_listed_files_and_stays_bulk(sizes: list[int]) -> None:
    job, files_listed = a_job(uploads=len(sizes)), len(sizes)
    for upload, files in enumerate(sizes):
        job = listed(job, upload, length=2 * files, files=files)
        files_listed += files - 1
        assert job.bulk == (files_listed > BULK)
        assert job.cancelled().bulk >= job.bulk


def test_listing_twice_changes_nothing() -> None:
    job = listed(a_job(uploads=2), 0, 5, 5)
    assert listed(job, 0, 5, 5) is job


def test_a_zip_that_is_uploaded_again_gets_a_span_of_its_own() -> None:
    job = a_job().zip_listed(0, "first", 5, 5).zip_listed(0, "second", 7, 7)
    assert [(span.first, span.etag) for span in job.spans] == [(100, "first"), (200, "second")]


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
    job = listed(a_job(), 0, len(outcomes), len(outcomes))
    job = recorded(job, *(ended(100 + index, outcome) for index, outcome in enumerate(outcomes)))
    assert job.status is status
    assert (job.error["code"] if job.error else None) == code


def test_a_zip_without_photos_fails_at_once() -> None:
    job = listed(a_job(), 0, 3, 0)
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert job.error["code"] == "no_photos"


def test_a_job_is_settled_when_all_work_is_done() -> None:
    job = recorded(arrived(a_job(uploads=2), 0), ended(0))
    assert not job.settled, "an upload has not arrived"
    job = job.cancelled()
    assert not job.settled, "the cancelled file is not counted"
    job = recorded(job, ended(1, Outcome.CANCELLED))
    assert not job.settled, "the archive is not built"
    assert job.with_archive(Archive(ArchiveStatus.READY, 1, 10)).settled
    assert job.with_archive(Archive(ArchiveStatus.FAILED, 1)).settled
    assert recorded(arrived(a_job(), 0), ended(0, Outcome.FAILED)).settled


def test_only_the_archive_that_is_being_built_can_be_ready() -> None:
    job = a_job(archive=Archive(ArchiveStatus.BUILDING, 2))
    assert job.with_archive(Archive(ArchiveStatus.READY, 1, 99)) is job
    assert job.with_archive(Archive(ArchiveStatus.READY, 2, 99)).archive.size == 99


def test_an_archive_begun_before_a_retry_is_not_the_jobs_archive() -> None:
    """The old builder finishes while the retried photo is processed."""
    job = recorded(arrived(a_job(uploads=2), 0, 1), ended(0), ended(1, Outcome.FAILED))
    assert job.archive.builds(1)
    job = requeued(job)
    assert job.with_archive(Archive(ArchiveStatus.READY, 1, 9)) is job
    job = recorded(job, ended(1, attempt=2))
    assert (job.counts.succeeded, job.archive.builds(2)) == (2, True)
    assert job.with_archive(Archive(ArchiveStatus.READY, 1, 9)) is job


outcomes = st.lists(st.sampled_from(ENDED), min_size=1, max_size=40)


@given(outcomes, st.data())
def test_any_repetition_and_order_of_events_gives_the_same_counts(
    truth: list[Outcome], data: st.DataObject
) -> None:
    """The counts are true however often, and in whatever batches, the stream delivers events."""
    job = listed(a_job(), 0, len(truth), len(truth))
    events = [ended(100 + index, outcome) for index, outcome in enumerate(truth)]
    repeats = data.draw(st.lists(st.sampled_from(events), max_size=40))
    delivered = data.draw(st.permutations(events + repeats))
    sizes = data.draw(st.lists(st.integers(1, 10), min_size=1, max_size=80))

    start, sequences = 0, [job.sequence]
    while start < len(delivered):
        size = sizes[len(sequences) % len(sizes)]
        job = recorded(job, *delivered[start : start + size])
        start += size
        sequences.append(job.sequence)

    assert job.counts.succeeded == truth.count(Outcome.SUCCEEDED)
    assert job.counts.failed == truth.count(Outcome.FAILED)
    assert job.counts.skipped == truth.count(Outcome.SKIPPED) + truth.count(Outcome.CANCELLED)
    succeeded = (i for i, outcome in enumerate(truth, 100) if outcome is Outcome.SUCCEEDED)
    assert job.usage == used(succeeded)
    late = Outcome.CANCELLED in truth  # then it is retried by itself
    assert job.status.final is not late
    assert sequences == sorted(sequences)
    assert recorded(job, *delivered) is job


@given(st.permutations([ended(100, Outcome.FAILED, 1), ended(100, Outcome.SUCCEEDED, 2)]))
def test_the_later_attempt_counts_in_any_order_of_events(events: list[FileEvent]) -> None:
    job = listed(a_job(), 0, 2, 2)
    for event in events:
        job = recorded(job, event)
    assert (job.counts.succeeded, job.counts.failed) == (1, 0)


def full_job() -> Job:
    job = arrived(listed(a_job(uploads=3), 1, 9, 7), 0, 2)
    return recorded(job, ended(104, Outcome.SKIPPED), ended(103, Outcome.FAILED), ended(0))


def test_the_document_has_the_specified_fields() -> None:
    document = progress_document(full_job())
    assert document["progress"] == {"processed": 3, "total": 9, "percentage": 33.3}
    assert document["summary"] == {
        "total": 9,
        "succeeded": 1,
        "failed": 1,
        "skipped": 1,
        "review": 0,
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
    job = listed(a_job(), 0, 500, 500)
    long = "ф" * 500
    events = [
        FileEvent(100 + index, 1, Outcome.FAILED, long, {"code": "x", "message": "y" * 300})
        for index in range(500)
    ]
    document = progress_document(recorded(job, *events))
    assert len(json.dumps(document, ensure_ascii=False).encode()) < 32 * 1024


def test_a_job_survives_the_table_and_the_stream() -> None:
    job = full_job()
    item = job_item(job)
    assert job_from(item) == job
    image = {name: TypeSerializer().serialize(value) for name, value in item.items()}
    assert job_from(from_stream(image)) == job


def test_the_item_of_a_job_of_200_000_files_stays_small() -> None:
    """Ten ZIPs, and every page of the tally with usage of three models."""
    usage = sum((ended(index).usage for index in range(3)), Usage())
    counts = Counts(1234, 1234, 1234, 1234, 1234, 1234)
    pages = {number: Summary(12345, counts, usage) for number in range(40)}
    spans = tuple(Span(upload, 100_000, 20_000, 20_000, "e" * 34) for upload in range(10))
    assert stored_bytes(job_item(a_job(pages=pages, spans=spans))) < 12_000


def test_usage_is_kept_through_a_retry() -> None:
    job = listed(a_job(), 0, 3, 3)
    job = requeued(recorded(job, ended(100), ended(101), ended(102, Outcome.FAILED)))
    job = recorded(job, ended(102, attempt=2), ended(100))
    assert job.usage == used([100, 101, 102])


# ---- the sweep's changes


def test_a_job_without_uploads_expires() -> None:
    job = a_job(uploads=2).expired()
    assert (job.status, job.settled) == (JobStatus.EXPIRED, False)
    assert job.error is not None
    assert job.error["code"] == "never_uploaded"
    job = recorded(job, ended(0, Outcome.CANCELLED), ended(1, Outcome.CANCELLED))
    assert (job.total, job.counts.skipped, job.settled) == (2, 2, True)


def test_a_job_with_an_upload_does_not_expire() -> None:
    for job in (arrived(a_job(uploads=2), 0), a_job().cancelled(), full_job()):
        assert job.expired() is job


def test_any_other_change_resets_the_nudges() -> None:
    job = arrived(a_job(uploads=2), 0).nudged()
    assert job.nudged().nudges == 2
    assert recorded(job, ended(0)).nudges == 0
    assert recorded(job).nudges == 1
    assert arrived(job, 1).nudges == 0


def test_photos_that_a_failed_zip_did_not_dispatch_are_not_waited_for() -> None:
    """Listed with 5 photos, failed after 3 were stored: those and the ZIP itself count."""
    job = listed(arrived(a_job(uploads=2), 1), 0, 7, 5)
    job = recorded(job, ended(1), ended(100), ended(101), ended(103), ended(0, Outcome.FAILED))
    assert (job.total, job.status) == (7, JobStatus.PROCESSING)
    job = job.zip_recounted(job.spans[0], 3)
    assert (job.total, job.counts.processed, job.status) == (5, 5, JobStatus.COMPLETED)
    assert job.zip_recounted(job.spans[0], 3) is job


# ---- cancel and retry


def test_a_cancelled_job_counts_files_in_progress_and_keeps_its_results() -> None:
    job = recorded(listed(a_job(), 0, 3, 3), ended(100)).cancelled()
    assert job.cancelled() is job
    assert job.archive.status is ArchiveStatus.NONE
    job = recorded(job, ended(101), ended(102, Outcome.CANCELLED))
    assert (job.status, job.counts.succeeded, job.counts.skipped) == (JobStatus.CANCELLED, 2, 1)
    assert (job.archive.status, job.archive.generation) == (ArchiveStatus.BUILDING, 1)


def test_a_retried_job_ends_when_its_files_have_ended_again() -> None:
    outcomes = [Outcome.SUCCEEDED, Outcome.FAILED, Outcome.SKIPPED]
    job = listed(a_job(), 0, 3, 3)
    job = recorded(job, *(ended(100 + index, outcome) for index, outcome in enumerate(outcomes)))
    job = job.with_archive(replace(job.archive, status=ArchiveStatus.READY, size=9))

    asked = job.retried('{"model": "silueta"}')
    assert (asked.status, asked.attempt, asked.settled) == (JobStatus.PROCESSING, 2, False)
    assert (asked.options, asked.archive.status) == ('{"model": "silueta"}', ArchiveStatus.NONE)
    job = requeued(job)
    assert (job.counts.succeeded, job.counts.failed, job.counts.skipped) == (1, 0, 1)
    late = recorded(job, ended(101, Outcome.FAILED))
    assert late is job, "an outcome of an earlier attempt changes nothing"
    job = recorded(job, ended(101, attempt=2))
    assert (job.status, job.counts.succeeded) == (JobStatus.COMPLETED, 2)
    assert (job.archive.status, job.archive.generation) == (ArchiveStatus.BUILDING, 2)


def test_a_retry_that_is_not_queued_yet_keeps_the_job_open() -> None:
    job = recorded(arrived(a_job(), 0), ended(0, Outcome.FAILED)).retried()
    assert (job.counts.processed, job.total, job.counted) == (1, 1, False)


def test_a_file_that_a_cancel_reaches_after_the_retry_is_retried_by_itself() -> None:
    """The worker saw the cancelled job, and records it only when the retry has gone by."""
    job = requeued(arrived(a_job(uploads=2), 0, 1).cancelled())
    assert job.status is JobStatus.PROCESSING
    job = recorded(job, ended(0), ended(1, Outcome.CANCELLED))
    assert job.status is JobStatus.PROCESSING
    assert [retry.cancelled_only for retry in job.retries] == [True]


def test_a_failed_job_can_be_retried_to_success() -> None:
    job = recorded(arrived(a_job(), 0), ended(0, Outcome.FAILED))
    assert job.status is JobStatus.FAILED
    job = recorded(requeued(job), ended(0, attempt=2))
    assert (job.status, job.error) == (JobStatus.COMPLETED, None)


def test_there_is_no_end_to_the_retries() -> None:
    job = recorded(arrived(a_job(), 0), ended(0, Outcome.FAILED))
    for attempt in range(2, 200):
        job = recorded(requeued(job), ended(0, Outcome.FAILED, attempt))
    assert (job.attempt, job.status) == (199, JobStatus.FAILED)


@pytest.mark.parametrize(
    "job",
    [
        a_job(),
        arrived(a_job(), 0),
        recorded(arrived(a_job(), 0), ended(0)),
        listed(a_job(), 0, 1, 0),
    ],
)
def test_a_job_without_failed_files_cannot_be_retried(job: Job) -> None:
    with pytest.raises(Conflict) as refused:
        job.retried()
    assert refused.value.code == "nothing_to_retry"


TestWalk = Walk.TestCase


@pytest.mark.parametrize(("before", "after"), list(product(JobStatus, JobStatus)))
def test_the_legal_moves_of_a_job(before: JobStatus, after: JobStatus) -> None:
    final = {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.EXPIRED}
    order = [JobStatus.AWAITING_UPLOAD, JobStatus.QUEUED, JobStatus.PROCESSING]
    if before in final:
        legal = after is JobStatus.PROCESSING
    elif after is JobStatus.EXPIRED:
        legal = before is JobStatus.AWAITING_UPLOAD
    else:
        legal = after in final or order.index(after) > order.index(before)
    assert (after in JOB_MOVES[before]) is legal
