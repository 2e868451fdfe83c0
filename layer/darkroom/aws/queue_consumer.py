"""Consuming a queue. A message that meets a passing fault is received again within seconds.

A queue counts every receive towards its `maxReceiveCount`, also one that Lambda throttled. So each
queue allows more receives than an operation needs tries, and a message returns after a pause that
grows: 4 seconds, 16, 64, then up to a quarter of an hour. Without a shorter visibility it would
stay hidden until the time-out that is meant for a worker that was killed.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from botocore.exceptions import BotoCoreError, ClientError

from darkroom.aws.transient import is_transient

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from mypy_boto3_sqs import SQSClient

FIRST: Final = 4
"""The longest pause after the first receive, in seconds; each receive multiplies it by this."""
MOST: Final = 900
"""The longest pause, in seconds."""


class QueueConsumer(BatchProcessor):
    """Powertools' batch processor, which gives a failed message the visibility it needs.

    It never raises: the answer names the messages that failed, and the log says why.
    """

    def __init__(self, sqs: SQSClient, logger: Logger) -> None:
        super().__init__(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
        self._sqs, self._logger = sqs, logger

    def failure_handler(self, record: Any, exception: Any) -> Any:
        left_on_queue(record, exception[1], self._sqs, self._logger)
        return super().failure_handler(record, exception)


def left_on_queue(record: SQSRecord, error: BaseException, sqs: SQSClient, logger: Logger) -> None:
    """Log a message that failed, and let it be received again soon if the fault may pass.

    Call it while the error is being handled.
    """
    receives = int(record.attributes.approximate_receive_count or 1)
    extra = {"message_id": record.message_id, "receives": receives}
    if not is_transient(error):
        logger.exception("A message was left on its queue", extra=extra)
        return
    seconds = pause(receives)
    logger.warning("A message is tried again: %s", error, extra={**extra, "in_seconds": seconds})
    try:
        sqs.change_message_visibility(
            QueueUrl=_url(record, sqs),
            ReceiptHandle=record.receipt_handle,
            VisibilityTimeout=seconds,
        )
    except (ClientError, BotoCoreError) as fault:
        # It is received again all the same, when its time-out ends.
        logger.warning("The visibility stays as it is: %s", fault, extra=extra)


def pause(receives: int) -> int:
    """Seconds until a message is received again: random, at most `FIRST ** receives` and MOST."""
    limit = min(MOST, FIRST ** min(receives, 8))
    return round(random.uniform(limit / 2, limit))  # noqa: S311


def _url(record: SQSRecord, sqs: SQSClient) -> str:
    """The URL of the queue that a record came from."""
    _, _, _, _, account, name = record.event_source_arn.split(":")
    return f"{sqs.meta.endpoint_url}/{account}/{name}"
