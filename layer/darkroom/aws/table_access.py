"""Reading and writing single items of the table."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from boto3.dynamodb.conditions import Key
from botocore.exceptions import ClientError

from darkroom.aws.backoff import delete_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

TRIES: Final = 40
"""How often a write is tried that loses races against others."""


@dataclass(frozen=True, slots=True)
class TableAccess:
    table: Table

    def _get(self, pk: str, sk: str) -> dict[str, Any] | None:
        return self.table.get_item(Key={"pk": pk, "sk": sk}, ConsistentRead=True).get("Item")

    def _put(self, item: dict[str, Any], condition: Any) -> bool:
        try:
            self.table.put_item(Item=item, ConditionExpression=condition)
        except ClientError as error:
            return refused(error)
        return True

    def _query(self, condition: Any, **more: Any) -> Iterator[dict[str, Any]]:
        query = {"KeyConditionExpression": condition, "ConsistentRead": True, **more}
        while True:
            page = self.table.query(**query)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _delete_partition(self, pk: str) -> None:
        """Delete all items of a partition. Raises RetryLater if the table stays too busy."""
        delete_items(self.table, self._query(Key("pk").eq(pk), ProjectionExpression="pk, sk"))


def pause() -> None:
    """Wait before a write is tried again."""
    time.sleep(random.uniform(0.005, 0.1))  # noqa: S311 - jitter


def refused(error: ClientError) -> bool:
    """False if a condition failed. Raises any other error."""
    if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
        raise error
    return False
