"""Photos from the image queue, a few at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from darkroom.aws.services import services
from darkroom.messages import ImageMessage, expect
from functions.process.engine import Engine
from functions.process.models import Models
from functions.process.photo_worker import PhotoWorker

logger = Logger(service="process")


@cache
def engine() -> Engine:
    """Built with the first photo and kept as long as the worker lives."""
    return Engine(Models(), services().settings.limits)


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Photos go side by side, so that one is decoded while another is in the model."""
    shared = services()
    worker = PhotoWorker(shared.settings, shared.jobs, shared.bucket, engine())

    def attempt(record: dict[str, Any]) -> str | None:
        """The id of a message that should come again."""
        try:
            worker.process(expect(record["body"], ImageMessage))
        except Exception:
            # Whatever it is, the other photos of the batch must not suffer for it.
            logger.exception("A photo was left on its queue", message_id=record["messageId"])
            return str(record["messageId"])
        return None

    with ThreadPoolExecutor(shared.settings.photos_at_once) as pool:
        again = [failed for failed in pool.map(attempt, event["Records"]) if failed]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in again]}
