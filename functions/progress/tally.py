"""The table's stream, files only: counts the photos that have ended."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from darkroom.aws import items
from darkroom.aws.services import services
from functions.progress.counting import count_files

logger = Logger(service="tally")


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> None:
    """Raises where the batch should come again: counting it twice changes nothing."""
    images = [record["dynamodb"].get("NewImage") for record in event["Records"]]
    files = [items.file_from(items.from_stream(image)) for image in images if image]
    count_files(files, services().jobs)
