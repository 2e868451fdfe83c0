"""Consumes the archive queue: builds the ZIP of a job's results."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from darkroom.aws.queue_consumer import QueueConsumer
from darkroom.aws.services import services
from darkroom.errors import ArchiveError
from darkroom.messages import ArchiveMessage, expect
from functions.zip.archive.building import Builder

logger = Logger(service="archive")


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    shared = services()
    builder = Builder(shared.jobs, shared.bucket, shared.archives, shared.results.read_range)

    def build(record: SQSRecord) -> None:
        try:
            builder.build(expect(record.body, ArchiveMessage))
        except ArchiveError:  # recorded on the job; a retry would fail the same way
            logger.exception("Archive failed", extra={"work": record.body})

    return process_partial_response(event, build, QueueConsumer(shared.sqs, logger), context)
