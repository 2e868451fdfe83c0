"""The consumer of the lifecycle queue: retries, stops, repairs and deletes existing jobs."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from darkroom.aws.queue_consumer import QueueConsumer
from darkroom.aws.services import services
from darkroom.messages import (
    ForgetMessage,
    NudgeMessage,
    PruneMessage,
    RetryMessage,
    StopMessage,
    parse_message,
    wrong_queue,
)
from functions.recovery.lifecycle import Lifecycle

logger = Logger(service="lifecycle")

STOP_MILLISECONDS = 10_000
"""With less time than this left, a walk over a job's files continues in a new message."""


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    shared = services()

    def out_of_time() -> bool:
        return context.get_remaining_time_in_millis() < STOP_MILLISECONDS

    lifecycle = Lifecycle(
        shared.jobs, shared.bucket, shared.lanes, shared.ingest, shared.lifecycle, out_of_time
    )

    def receive(record: SQSRecord) -> None:
        match parse_message(record.body):
            case RetryMessage() as message:
                lifecycle.retry(message)
            case StopMessage() as message:
                lifecycle.stop(message)
            case NudgeMessage() as message:
                lifecycle.nudge(message)
            case ForgetMessage() as message:
                lifecycle.forget(message)
            case PruneMessage() as message:
                lifecycle.prune(message)
            case other:
                raise wrong_queue(other)

    return process_partial_response(event, receive, QueueConsumer(shared.sqs, logger), context)
