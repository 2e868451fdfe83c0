"""Bounded exponential backoff with full jitter, for the throttles that boto3 does not retry.

boto3 retries a request that was throttled as a whole; `services.py` sets how often. It does not
retry a cancelled transaction, nor the part of a batch that was not accepted: DynamoDB's unprocessed
items, and the entries that SQS or EventBridge report as failed in a successful answer.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from darkroom.errors import RetryLater

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

TRIES: Final = 12
FIRST: Final = 0.05
"""The longest pause before the second try, in seconds. It doubles with each try."""
MOST: Final = 5.0
"""The longest pause before any try, in seconds. All of a call's pauses take 26 seconds at most."""
CONDITION_FAILED: Final = "ConditionalCheckFailed"
PASSING: Final = frozenset(
    {"ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"}
)
"""The reasons for which a transaction is cancelled that may be gone when it is tried again."""
_BATCH: Final = 25
"""The most items in one BatchWriteItem."""


def tries(count: int = TRIES, *, first: float = FIRST, most: float = MOST) -> Iterator[int]:
    """Yield the numbers of up to `count` tries, from 0, and pause before each but the first.

    Each pause is a random time up to a limit: `first` seconds, doubled with each try, but not more
    than `most`. Randomness over the whole range ("full jitter") spreads the tries of many workers
    best: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    for number in range(count):
        if number:
            time.sleep(random.uniform(0, min(most, first * 2 ** (number - 1))))  # noqa: S311
        yield number


def cancellations(error: ClientError) -> list[str]:
    """The reason's code for each item of a cancelled transaction, `None` for one without a reason.

    Raises the error if it is another one, or if it has a reason for which no repeat would help: one
    that is neither in PASSING nor CONDITION_FAILED.
    """
    codes = reasons(error)
    known = set(codes) - {"None"}
    if not known or not known <= {CONDITION_FAILED, *PASSING}:
        raise error
    return codes


def reasons(error: ClientError) -> list[str]:
    """The same, whatever they are; none if the error is not that of a cancelled transaction."""
    given: Any = error.response.get("CancellationReasons", [])
    return [str(reason.get("Code")) for reason in given]


def delete_items(table: Table, keys: Iterable[dict[str, Any]]) -> None:
    """Delete any number of items. Raises RetryLater if DynamoDB keeps leaving some unprocessed.

    boto3's `batch_writer` sends unprocessed items again at once and without end.
    """
    for batch in _batches(list(keys)):
        requests: Any = [{"DeleteRequest": {"Key": key}} for key in batch]
        for _ in tries():
            answer = table.meta.client.batch_write_item(RequestItems={table.name: requests})
            requests = answer["UnprocessedItems"].get(table.name, [])
            if not requests:
                break
        else:
            raise RetryLater("busy_table", "The table is too busy to delete every item; try again.")


def _batches(keys: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    return (keys[start : start + _BATCH] for start in range(0, len(keys), _BATCH))
