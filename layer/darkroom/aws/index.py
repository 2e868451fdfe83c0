"""Finding jobs without their ids, through the table's two sparse indexes and without scans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Key

from darkroom.aws import items
from darkroom.aws.backoff import tries
from darkroom.errors import RetryLater
from darkroom.history_cursor import HistoryCursor
from darkroom.jobs import Job

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

HISTORY = "history"
UNFINISHED = "unfinished"
BATCH = 100
"""The most items in one BatchGetItem."""


@dataclass(frozen=True, slots=True)
class JobIndex:
    """The indexes are eventually consistent, so the jobs themselves are read from the table."""

    table: Table

    def day(self, cursor: HistoryCursor, *, limit: int) -> tuple[list[HistoryCursor], bool]:
        """A cursor for each of the day's next jobs, newest first, and whether there are more."""
        query: dict[str, Any] = {
            "IndexName": HISTORY,
            "KeyConditionExpression": Key("day").eq(cursor.day),
            "ScanIndexForward": False,
            "Limit": limit,
        }
        if cursor.job_id:
            query["ExclusiveStartKey"] = {
                "pk": items.partition(cursor.job_id),
                "sk": items.JOB,
                "day": cursor.day,
                "created_at": Decimal(cursor.created_at),
            }
        page = self.table.query(**query)
        cursors = [
            HistoryCursor(cursor.day, str(item["created_at"]), items.job_of(str(item["pk"])))
            for item in page["Items"]
        ]
        return cursors, "LastEvaluatedKey" in page

    def unfinished(self, until: float) -> Iterator[list[Job]]:
        """Pages of jobs that are not settled and have not changed since `until`, oldest first."""
        query: dict[str, Any] = {
            "IndexName": UNFINISHED,
            "KeyConditionExpression": Key("open").eq(items.OPEN)
            & Key("stirred").lte(items.stirred(until)),
            "Limit": BATCH,
        }
        while True:
            page = self.table.query(**query)
            yield self.fetch([items.job_of(str(item["pk"])) for item in page["Items"]])
            if "LastEvaluatedKey" not in page:
                return
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def fetch(self, job_ids: Sequence[str]) -> list[Job]:
        """Up to 100 jobs, in the order of `job_ids`, without those that no longer exist.

        Raises RetryLater if DynamoDB keeps leaving some unprocessed.
        """
        keys: Any = [{"pk": items.partition(job_id), "sk": items.JOB} for job_id in job_ids]
        jobs: dict[str, Job] = {}
        for _ in tries():
            if not keys:
                break
            response: Any = self.table.meta.client.batch_get_item(
                RequestItems={self.table.name: {"Keys": keys, "ConsistentRead": True}}
            )
            for item in response["Responses"].get(self.table.name, []):
                job = items.job_from(item)
                jobs[job.job_id] = job
            # Keys over 16 MB, or over the table's throughput.
            keys = response.get("UnprocessedKeys", {}).get(self.table.name, {}).get("Keys", [])
        if keys:
            raise RetryLater("busy_table", "The table is too busy to return every job; try again.")
        return [jobs[job_id] for job_id in job_ids if job_id in jobs]
