"""Choosing the queue of a photo, so that small jobs do not wait behind large ones."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from darkroom.jobs import BULK, Span
from darkroom.messages import ImageMessage
from tests.conftest import Cloud
from tests.recovery.retries import queue_again, retried_job, retry_of
from tests.zip.ingest.uploads import make_job, run, uploaded, zip_of


def file_ids(bodies: list[str]) -> list[str]:
    return sorted(ImageMessage.model_validate_json(body).file_id for body in bodies)


@pytest.mark.parametrize(("photos", "small", "large"), [(BULK, BULK, 0), (BULK + 1, 0, BULK + 1)])
def test_all_photos_of_a_zip_use_the_same_queue(
    cloud: Cloud, photos: int, small: int, large: int
) -> None:
    make_job(cloud)
    run(uploaded(cloud, zip_of({f"{n}.jpg": b"x" for n in range(photos)}), name="a.zip"))
    assert len(cloud.messages()) == small
    assert len(cloud.bulk_messages()) == large


@pytest.mark.parametrize("uploads", [BULK, BULK + 1])
def test_single_uploads_use_the_queue_of_their_number(cloud: Cloud, uploads: int) -> None:
    """How many there will be is known from the first."""
    make_job(cloud, uploads=uploads)
    run(uploaded(cloud, b"photo", 0))
    expected, others = cloud.messages(), cloud.bulk_messages()
    if uploads > BULK:
        expected, others = others, expected
    assert (file_ids(expected), others) == (["000000"], [])


def test_skipped_files_count_towards_the_limit_and_system_files_do_not(cloud: Cloud) -> None:
    make_job(cloud)
    photos = {f"{n}.jpg": b"x" for n in range(BULK)}
    ignored = {f"__MACOSX/._{n}.jpg": b"x" for n in range(BULK)}
    run(uploaded(cloud, zip_of(photos | ignored), name="a.zip"))
    assert len(cloud.messages()) == BULK
    make_job(cloud, job_id="j2")
    run(uploaded(cloud, zip_of(photos | {"read me.txt": b"x"}), name="a.zip", job_id="j2"))
    assert len(cloud.bulk_messages()) == BULK


def test_large_jobs_get_equal_turns(cloud: Cloud) -> None:
    """SQS gives message groups equal turns, and the group of a bulk message is its job."""
    for job_id in ("j1", "j2"):
        make_job(cloud, job_id=job_id)
        photos = zip_of({f"{n}.jpg": b"x" for n in range(BULK + 1)})
        run(uploaded(cloud, photos, name="a.zip", job_id=job_id))
    seen: set[tuple[str, str]] = set()
    url = cloud.services.settings.process_bulk_queue_url
    while received := cloud.sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
    ).get("Messages"):
        for message in received:
            group = message["Attributes"]["MessageGroupId"]
            seen.add((json.loads(message["Body"])["job_id"], group))
    assert seen == {("j1", "j1"), ("j2", "j2")}


@pytest.mark.parametrize("large", [False, True])
def test_a_retry_uses_the_queue_of_its_job(cloud: Cloud, large: bool) -> None:
    """A large job's retried files use the bulk queue, however few they are."""
    job = retried_job(cloud)
    if large:
        more = Span(2, 200, BULK, BULK, "e")
        cloud.services.jobs.change("j1", lambda job: replace(job, spans=(*job.spans, more))._next())
    queue_again(cloud, retry_of(job))
    expected, others = cloud.messages(), cloud.bulk_messages()
    if large:
        expected, others = others, expected
    assert (sorted(file_ids(expected)), others) == (["000001", "000100", "000101"], [])
