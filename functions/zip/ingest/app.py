"""Consumes the ingest queue: turns each uploaded object into one message per photo."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from darkroom.aws.queue_consumer import QueueConsumer
from darkroom.aws.s3_events import messages_in
from darkroom.aws.services import services
from darkroom.messages import UploadMessage, wrong_queue
from functions.zip.ingest.intake import Intake

logger = Logger(service="ingest")

STOP_MILLISECONDS = 10_000
"""With less time than this left, the fan-out sends itself a message for the rest."""


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    shared = services()

    def out_of_time() -> bool:
        return context.get_remaining_time_in_millis() < STOP_MILLISECONDS

    intake = Intake(
        shared.settings, shared.jobs, shared.bucket, shared.lanes, shared.ingest, out_of_time
    )

    def receive(record: SQSRecord) -> None:
        for message in messages_in(record.body):
            if not isinstance(message, UploadMessage):
                raise wrong_queue(message)
            dispatched = intake.receive(message)
            logger.info("Dispatched", extra={"key": message.key, **dispatched._asdict()})

    return process_partial_response(event, receive, QueueConsumer(shared.sqs, logger), context)
