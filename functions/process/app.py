"""Consumes the process queues: processes the photos of a batch in parallel."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from darkroom.aws.queue_consumer import left_on_queue
from darkroom.aws.services import services
from darkroom.messages import ImageMessage, expect
from functions.process.engine import Engine
from functions.process.models import Models
from functions.process.photo_worker import PhotoWorker

logger = Logger(service="process")


@cache
def engine() -> Engine:
    """The engine, built for the first photo and kept for the life of the worker."""
    return Engine(Models(), services().settings.limits)


def log_engine_error(message: ImageMessage) -> None:
    """Log the error that is being handled, with its trace, and the photo that caused it."""
    logger.exception(
        "The engine failed on a photo",
        job_id=message.job_id,
        file_id=message.file_id,
        options=message.options.model_dump(),
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Process photos in parallel, so that one is decoded while another is in the model."""
    shared = services()
    worker = PhotoWorker(
        shared.settings,
        shared.jobs,
        shared.bucket,
        engine(),
        log_engine_error,
        shared.backgrounds,
    )

    def attempt(record: SQSRecord) -> str | None:
        """Process one message. Returns its id if it should be redelivered."""
        try:
            worker.process(expect(record.body, ImageMessage))
        except Exception as error:  # noqa: BLE001 - logged there
            # One photo's failure must not affect the rest of the batch.
            left_on_queue(record, error, shared.sqs, logger)
            return record.message_id
        return None

    with ThreadPoolExecutor(shared.settings.photos_at_once) as pool:
        records = map(SQSRecord, event["Records"])
        failed = [message for message in pool.map(attempt, records) if message]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}
