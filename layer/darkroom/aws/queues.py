"""Sending messages to the queues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from darkroom.aws.backoff import tries
from darkroom.errors import RetryLater
from darkroom.jobs import Job
from darkroom.messages import Message

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

BATCH = 10
"""The most messages in one request."""


@dataclass(frozen=True, slots=True)
class Queue:
    client: SQSClient
    url: str

    def send(
        self, messages: Sequence[Message], *, group: str | None = None, delay: int = 0
    ) -> None:
        """Send any number of messages. Raises RetryLater if SQS does not accept all of them.

        SQS may accept a part of a request. The rest is sent again, unless it is at fault itself.
        group: the message group; SQS gives the groups of a queue equal turns. delay: seconds until
        the messages can be received, up to 900.
        """
        for start in range(0, len(messages), BATCH):
            batch = messages[start : start + BATCH]
            self._send(
                [_entry(index, message, group, delay) for index, message in enumerate(batch)]
            )

    def _send(self, entries: list[SendMessageBatchRequestEntryTypeDef]) -> None:
        for _ in tries():
            response = self.client.send_message_batch(QueueUrl=self.url, Entries=entries)
            failed = {
                failure["Id"]: failure["SenderFault"] for failure in response.get("Failed", [])
            }
            entries = [entry for entry in entries if entry["Id"] in failed]
            if not entries:
                return
            if any(failed.values()):
                break
        raise RetryLater("queue_refused", "The queue did not accept every message; try again.")

    def waiting(self) -> int:
        """The approximate number of messages that are waiting to be received."""
        response = self.client.get_queue_attributes(
            QueueUrl=self.url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(response["Attributes"]["ApproximateNumberOfMessages"])


@dataclass(frozen=True, slots=True)
class Lanes:
    """The photo queues of small and of large jobs (docs/decisions/0008-two-lanes.md)."""

    images: Queue
    bulk: Queue

    def send(self, job: Job, messages: Sequence[Message]) -> None:
        """Send photos of one job. Raises RetryLater if SQS did not accept all of them."""
        if job.bulk:
            self.bulk.send(messages, group=job.job_id)
        else:
            self.images.send(messages)


def _entry(
    index: int, message: Message, group: str | None, delay: int
) -> SendMessageBatchRequestEntryTypeDef:
    entry: SendMessageBatchRequestEntryTypeDef = {
        "Id": str(index),
        "MessageBody": message.model_dump_json(exclude_none=True),
    }
    if group:
        entry["MessageGroupId"] = group
    if delay:
        entry["DelaySeconds"] = delay
    return entry
