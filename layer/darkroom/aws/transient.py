"""Telling faults that pass from those that stay."""

from __future__ import annotations

from typing import Final

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004

from darkroom.aws.backoff import PASSING, reasons
from darkroom.errors import RetryLater

_THROTTLES: Final = frozenset(
    {
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
"""The codes of throttles and of conflicts, most of which AWS sends with status 400."""


def is_transient(error: BaseException) -> bool:
    """Whether an error may be gone in seconds: a throttle, a fault of AWS, a broken connection."""
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return code in _THROTTLES or status == 429 or status >= 500 or _cancelled(error)
    return isinstance(error, (RetryLater, ConnectionError, HTTPClientError))


def _cancelled(error: ClientError) -> bool:
    """Whether a transaction was cancelled for reasons that pass."""
    codes = set(reasons(error)) - {"None"}
    return bool(codes) and codes <= PASSING
