"""A job whose failed files were retried."""

from __future__ import annotations

from darkroom.jobs import Job
from darkroom.messages import Message, RetryMessage, Source
from darkroom.states import FileStatus
from functions.recovery import lifecycle_queue
from functions.zip.ingest import app as ingest
from tests.conftest import Cloud, FakeContext, sqs_event
from tests.making import a_file, a_job, a_result, store

ERROR = {"code": "damaged_photo", "message": "It is."}


def retried_job(cloud: Cloud) -> Job:
    """A retried job: of its uploads, one each has succeeded, failed and never arrived; of the
    entries of its ZIP, one each has failed, was cancelled and was skipped."""
    jobs = cloud.services.jobs
    key = "uploads/j1/000001/a.jpg"
    etag = cloud.put(key, b"photo")["Records"][0]["s3"]["object"]["eTag"]
    photo = Source(key=key, etag=etag, size=5)
    zipped = Source(key="uploads/j1/000003/a.zip", etag="e", size=9)
    store(
        jobs,
        a_job(uploads=4).zip_listed(3, "e", 3, 3).cancelled(),
        a_file(0, status=FileStatus.SUCCEEDED, source=photo, result=a_result(0, bytes_in=10)),
        a_file(1, status=FileStatus.FAILED, source=photo, error=ERROR),
        a_file(2, status=FileStatus.CANCELLED),
        a_file(3, status=FileStatus.EXPANDED, source=zipped),
        a_file(100, status=FileStatus.FAILED, source=zipped, error=ERROR),
        a_file(101, status=FileStatus.CANCELLED, source=zipped),
        a_file(102, status=FileStatus.SKIPPED, source=zipped, error=ERROR),
    )
    job, _ = jobs.change("j1", Job.retried)
    return job


def retry_of(job: Job) -> RetryMessage:
    """The message that queues the files of the job's latest retry again."""
    return RetryMessage(job_id=job.job_id, retry=job.retries[-1].id)


def follow_up(*messages: Message, milliseconds: int = 60_000) -> list[str]:
    """Deliver messages to the lifecycle function. Returns the ids of those that failed."""
    bodies = [message.model_dump_json() for message in messages]
    answer = lifecycle_queue.handler(sqs_event(*bodies), FakeContext(milliseconds))
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def queue_again(cloud: Cloud, *messages: Message) -> None:
    """Deliver messages to the lifecycle function, and the uploads that it sends to the fan-out."""
    assert follow_up(*messages) == []
    for body in cloud.received(cloud.services.settings.ingest_queue_url):
        assert ingest.handler(sqs_event(body), FakeContext()) == {"batchItemFailures": []}
