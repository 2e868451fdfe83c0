"""The consumer of the webhooks queue: announces settled jobs to their callback URLs."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from darkroom.aws.queue_consumer import QueueConsumer
from darkroom.aws.services import services
from darkroom.messages import WebhookMessage, expect
from darkroom.safe_http import SafeHttpClient
from functions.webhooks.delivery import Attempt, Deliverer, DeliveryResult
from functions.webhooks.signing import signing_key

logger = Logger(service="webhooks")


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    shared = services()
    deliverer = Deliverer(
        shared.webhooks, signing_key(shared.webhook_secret), SafeHttpClient().post
    )

    def deliver(record: SQSRecord) -> None:
        message = expect(record.body, WebhookMessage)
        _log(message, deliverer.deliver(message))

    return process_partial_response(event, deliver, QueueConsumer(shared.sqs, logger), context)


def _log(message: WebhookMessage, attempt: Attempt) -> None:
    """Log an attempt without the URL, which may contain a secret."""
    extra = {"job_id": message.job_id, "webhook_id": message.id, **attempt._asdict()}
    match attempt.result:
        case DeliveryResult.LATER:
            logger.warning("Webhook failed, will be retried", extra=extra)
        case DeliveryResult.GIVEN_UP:
            logger.error("Webhook failed, no retries left", extra=extra)
        case result:
            logger.info("Webhook %s", result.value, extra=extra)
