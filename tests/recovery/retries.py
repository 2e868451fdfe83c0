"""A job whose failed files were retried."""

from __future__ import annotations

from darkroom.jobs import FileEvent, Job
from darkroom.messages import Message, RetryMessage, Source
from darkroom.outcomes import Outcome
from darkroom.states import FileStatus
from functions.recovery import lifecycle_queue
from tests.conftest import Cloud, FakeContext, sqs_event
from tests.making import a_file, a_job, a_result

ERROR = {"code": "damaged_photo", "message": "It is."}


SOURCE = Source(key="uploads/j1/000000/a.zip", etag="e", size=9)


def ended(index: int, outcome: Outcome) -> FileEvent:
    return FileEvent(index, 1, outcome, f"{index}.jpg", ERROR)


def retried_job(cloud: Cloud) -> Job:
    """A retried job: one file succeeded, failed, was cancelled, was skipped, and never arrived."""
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


RETRY = RetryMessage(job_id="j1", attempt=2)
"""The message that requeues the files of `retried_job`."""


def follow_up(*messages: Message, milliseconds: int = 60_000) -> list[str]:
    """Deliver messages to the lifecycle function. Returns the ids of those that failed."""
    bodies = [message.model_dump_json() for message in messages]
    answer = lifecycle_queue.handler(sqs_event(*bodies), FakeContext(milliseconds))
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
