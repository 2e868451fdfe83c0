"""The dead-letter queues: what killed its worker each time ends as failed, so that its job ends."""

from __future__ import annotations

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
from functions.status.giving_up import give_up

logger = Logger(service="dead-letters")
_processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """What nobody can end stays in its queue, for a person to look at."""
    shared = services()

    def bury(record: SQSRecord) -> None:
        work = record.json_body
        # Whoever knows a webhook's address may know how to get in there.
        logger.error("Given up", extra={"work": {k: v for k, v in work.items() if k != "url"}})
        give_up(work, shared.jobs, shared.intake)

    return process_partial_response(event, bury, _processor, context)
