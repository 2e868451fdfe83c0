"""Sending work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from darkroom.errors import RetryLater
from darkroom.jobs import Job
from darkroom.messages import Message

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

BATCH = 10
"""Messages one request holds at most."""


@dataclass(frozen=True, slots=True)
class Queue:
    client: SQSClient
    url: str

    def send(
        self, messages: Sequence[Message], *, group: str | None = None, delay: int = 0
    ) -> None:
        """Any number of messages. Raises RetryLater when SQS did not take all of them.

        group: whose they are, where SQS is to give several senders equal turns. delay: seconds
        until they can be received, up to 900.
        """
        for start in range(0, len(messages), BATCH):
            batch = messages[start : start + BATCH]
            entries = [_entry(place, message, group, delay) for place, message in enumerate(batch)]
            answer = self.client.send_message_batch(QueueUrl=self.url, Entries=entries)
            if answer.get("Failed"):
                raise RetryLater("queue_refused", "The queue did not take every message.")

    def waiting(self) -> int:
        """Messages nobody has taken yet, about as many as SQS says."""
        found = self.client.get_queue_attributes(
            QueueUrl=self.url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(found["Attributes"]["ApproximateNumberOfMessages"])


@dataclass(frozen=True, slots=True)
class Lanes:
    """The two ways of a photo to its worker (docs/decisions/0008-two-lanes.md)."""

    images: Queue
    bulk: Queue

    def send(self, job: Job, messages: Sequence[Message]) -> None:
        """Photos of one job. Raises RetryLater when SQS did not take all of them."""
        if job.bulk:
            self.bulk.send(messages, group=job.job_id)
        else:
            self.images.send(messages)


def _entry(
    place: int, message: Message, group: str | None, delay: int
) -> SendMessageBatchRequestEntryTypeDef:
    entry: SendMessageBatchRequestEntryTypeDef = {
        "Id": str(place),
        "MessageBody": message.model_dump_json(exclude_none=True),
    }
    if group:
        entry["MessageGroupId"] = group
    if delay:
        entry["DelaySeconds"] = delay
    return entry
