"""The intake queue: uploads and drops become a message a photo; retries, nudges, forgotten jobs."""

from __future__ import annotations

import json
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from darkroom.aws.services import services
from darkroom.messages import ForgetMessage, NudgeMessage, RetryMessage, arrivals
from functions.zip.intake import Intake
from functions.zip.rework import Rework

logger = Logger(service="fanout")
_processor = BatchProcessor(event_type=EventType.SQS)

STOP_MILLISECONDS = 10_000
"""A fan-out with less time than this left goes on in a new message."""


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    shared = services()

    def out_of_time() -> bool:
        return context.get_remaining_time_in_millis() < STOP_MILLISECONDS

    work = (shared.jobs, shared.bucket, shared.lanes, shared.intake, out_of_time)
    intake, rework = Intake(shared.settings, *work), Rework(*work)

    def receive(record: SQSRecord) -> None:
        match json.loads(record.body):
            case {"retry": _} as body:
                rework.retry(RetryMessage.model_validate(body))
            case {"nudge": _} as body:
                rework.nudge(NudgeMessage.model_validate(body))
            case {"forget": _} as body:
                rework.forget(ForgetMessage.model_validate(body))
            case body:
                for arrival in arrivals(body):
                    dealt = intake.receive(arrival)
                    logger.info("Dealt out", extra={"key": arrival.key, **dealt._asdict()})

    return process_partial_response(event, receive, _processor, context)
