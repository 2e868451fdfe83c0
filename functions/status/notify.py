"""The table's stream, jobs only: tells who needs to know that a job has moved on."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from darkroom.aws import items
from darkroom.aws.services import services
from functions.status.telling import Change, tell

logger = Logger(service="notify")


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> None:
    """Raises where the batch should come again; documents and archive requests may repeat."""
    shared = services()
    tell(
        [
            _change(record["dynamodb"])
            for record in event["Records"]
            if "NewImage" in record["dynamodb"]
        ],
        shared.connections,
        shared.archives,
    )


def _change(record: dict[str, Any]) -> Change:
    old = record.get("OldImage")
    return Change(
        items.job_from(items.from_stream(old)) if old else None,
        items.job_from(items.from_stream(record["NewImage"])),
    )
