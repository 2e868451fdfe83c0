"""The table's stream, jobs only: acts on every change of a job."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from darkroom.aws import items
from darkroom.aws.services import services
from darkroom.jobs import Job
from functions.status.bookkeeping import keep_books
from functions.status.completion import Completions
from functions.status.telling import Change, Telling

logger = Logger(service="notify")


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> None:
    """Raises where the batch should come again; all that follows from it may repeat."""
    shared = services()
    completions = Completions(shared.events, shared.webhooks, shared.settings.bucket_name)
    telling = Telling(shared.jobs, shared.connections, shared.archives, shared.intake, completions)
    records = [record["dynamodb"] for record in event["Records"]]
    changes = [Change(_job(r.get("OldImage")), _job(r.get("NewImage"))) for r in records]
    telling.tell(changes)
    keep_books(changes, shared.ledger)


def _job(image: dict[str, Any] | None) -> Job | None:
    return items.job_from(items.from_stream(image)) if image else None
