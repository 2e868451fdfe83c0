"""Photos from the image queue, a few at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from darkroom.aws.services import services
from darkroom.messages import ImageMessage
from functions.process.engine import Engine, Limits
from functions.process.models import Models
from functions.process.work import Work

logger = Logger(service="process")


@cache
def engine() -> Engine:
    """Built with the first photo and kept as long as the worker lives."""
    return Engine(Models(), Limits(max_pixels=services().settings.max_photo_pixels))


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Photos go side by side, so that one is decoded while another is in the model."""
    shared = services()
    work = Work(shared.settings, shared.jobs, shared.bucket, engine())

    def attempt(record: dict[str, Any]) -> str | None:
        """The id of a message that should come again."""
        try:
            work.do(ImageMessage.model_validate_json(record["body"]))
        except Exception:
            # Whatever it is, the other photos of the batch must not suffer for it.
            logger.exception("A photo was left on its queue", message_id=record["messageId"])
            return str(record["messageId"])
        return None

    with ThreadPoolExecutor(shared.settings.photos_at_once) as pool:
        again = [failed for failed in pool.map(attempt, event["Records"]) if failed]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in again]}
