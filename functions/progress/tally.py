"""The consumer of the table's stream for files: counts the files that have ended."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from darkroom.aws import block_items
from darkroom.aws.services import services
from darkroom.counting import count_files

logger = Logger(service="tally")


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> None:
    """An exception makes the stream redeliver the batch; counting is idempotent."""
    images = [record["dynamodb"].get("NewImage") for record in event["Records"]]
    files = [file for image in images if image for file in block_items.files_from_stream(image)]
    count_files(files, services().jobs)
