"""The consumer of the dead-letter queues: records work as failed, so that its job can end."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from darkroom.aws.queue_consumer import QueueConsumer
from darkroom.aws.s3_events import messages_in
from darkroom.aws.services import services
from functions.recovery.failures import Failures

logger = Logger(service="dead-letters")


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Record the failures. A body that is not one of our messages stays on its queue, for a person
    to inspect."""
    shared = services()
    failures = Failures(shared.jobs, shared.lifecycle)

    def end(record: SQSRecord) -> None:
        for message in messages_in(record.body):
            # A webhook's URL may hold a secret.
            logger.error("Dead letter", extra={"work": message.model_dump(exclude={"url"})})
            failures.end(message)

    return process_partial_response(event, end, QueueConsumer(shared.sqs, logger), context)
