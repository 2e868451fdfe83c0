"""Finding jobs without their ids, by the table's two sparse indexes. Neither read is a scan."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Key

from darkroom.aws import items
from darkroom.errors import RetryLater
from darkroom.history_cursor import HistoryCursor
from darkroom.jobs import Job

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

HISTORY = "history"
UNFINISHED = "unfinished"
BATCH = 100
"""Items one BatchGetItem holds at most."""
_TRIES = 8


@dataclass(frozen=True, slots=True)
class JobIndex:
    """The indexes follow the table within moments; what they name is read from the table itself."""

    table: Table

    def day(self, place: HistoryCursor, *, limit: int) -> tuple[list[HistoryCursor], bool]:
        """The places of the next jobs of a day, newest first, and whether there are more."""
        query: dict[str, Any] = {
            "IndexName": HISTORY,
            "KeyConditionExpression": Key("day").eq(place.day),
            "ScanIndexForward": False,
            "Limit": limit,
        }
        if place.job_id:
            query["ExclusiveStartKey"] = {
                "pk": items.partition(place.job_id),
                "sk": items.JOB,
                "day": place.day,
                "created_at": Decimal(place.created_at),
            }
        found = self.table.query(**query)
        places = [
            HistoryCursor(place.day, str(item["created_at"]), items.job_of(str(item["pk"])))
            for item in found["Items"]
        ]
        return places, "LastEvaluatedKey" in found

    def unfinished(self, until: float) -> Iterator[list[Job]]:
        """Jobs that are not settled and have not stirred since `until`, longest first, in pages."""
        query: dict[str, Any] = {
            "IndexName": UNFINISHED,
            "KeyConditionExpression": Key("open").eq(items.OPEN)
            & Key("stirred").lte(items.stirred(until)),
            "Limit": BATCH,
        }
        while True:
            found = self.table.query(**query)
            yield self.fetch([items.job_of(str(item["pk"])) for item in found["Items"]])
            if "LastEvaluatedKey" not in found:
                return
            query["ExclusiveStartKey"] = found["LastEvaluatedKey"]

    def fetch(self, job_ids: Sequence[str]) -> list[Job]:
        """The jobs themselves, up to 100, in the order asked for; those that are gone are left out.

        Raises RetryLater where DynamoDB keeps holding some back.
        """
        keys: Any = [{"pk": items.partition(job_id), "sk": items.JOB} for job_id in job_ids]
        found: dict[str, Job] = {}
        for attempt in range(_TRIES):
            if not keys:
                break
            time.sleep(random.uniform(0, 0.05) * (2**attempt - 1))  # noqa: S311 - jitter
            answer: Any = self.table.meta.client.batch_get_item(
                RequestItems={self.table.name: {"Keys": keys, "ConsistentRead": True}}
            )
            for item in answer["Responses"].get(self.table.name, []):
                job = items.job_from(item)
                found[job.job_id] = job
            # More than 16 MB, or more than the table gives at once.
            keys = answer.get("UnprocessedKeys", {}).get(self.table.name, {}).get("Keys", [])
        if keys:
            raise RetryLater("busy_table", "The table did not give every job; try again.")
        return [found[job_id] for job_id in job_ids if job_id in found]
