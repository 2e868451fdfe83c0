"""Sending work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from darkroom.errors import RetryLater
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

    def send(self, messages: Sequence[Message]) -> None:
        """Any number of messages. Raises RetryLater when SQS did not take all of them."""
        for start in range(0, len(messages), BATCH):
            batch = messages[start : start + BATCH]
            entries: list[SendMessageBatchRequestEntryTypeDef] = [
                {"Id": str(place), "MessageBody": message.model_dump_json(exclude_none=True)}
                for place, message in enumerate(batch)
            ]
            answer = self.client.send_message_batch(QueueUrl=self.url, Entries=entries)
            if answer.get("Failed"):
                raise RetryLater("queue_refused", "The queue did not take every message.")
