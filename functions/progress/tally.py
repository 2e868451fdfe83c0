"""The consumer of the table's stream for files: counts the files that have ended."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from darkroom.aws.services import services
from darkroom.aws.stream_records import files_in
from darkroom.counting import count_files

logger = Logger(service="tally")


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> None:
    """An exception makes the stream redeliver the batch; counting is idempotent."""
    count_files(files_in(event["Records"]), services().jobs)
