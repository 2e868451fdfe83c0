"""Deletes many objects, 1,000 in a request, and checks what became of each."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ErrorTypeDef

_TRIES = 4
# The errors that S3 asks to retry more slowly:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/ErrorBestPractices.html
_TEMPORARY = frozenset({"InternalError", "ServiceUnavailable", "SlowDown"})


def delete_objects(client: S3Client, bucket: str, keys: Sequence[str]) -> list[ErrorTypeDef]:
    """Delete up to 1,000 objects. Returns the errors of those that are still there.

    DeleteObjects answers 200 even if it deleted nothing: the response names the keys that failed,
    which boto3 does not retry. Keys with a temporary error are sent again up to three times, with
    jittered backoff of 0.7 s in all at most.
    """
    refused: list[ErrorTypeDef] = []
    for attempt in range(_TRIES):
        time.sleep(random.uniform(0, 0.1) * (2**attempt - 1))  # noqa: S311 - jitter
        response = client.delete_objects(
            Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
        )
        errors = response.get("Errors", [])
        refused += [error for error in errors if error.get("Code") not in _TEMPORARY]
        temporary = [error for error in errors if error.get("Code") in _TEMPORARY]
        if not temporary:
            return refused
        keys = [error["Key"] for error in temporary]
    return refused + temporary
