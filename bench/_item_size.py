"""What an item takes in DynamoDB, for its bill. Source: its guide, "Item sizes and formats"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boto3.dynamodb.types import Binary


def stored_bytes(item: Mapping[str, Any]) -> int:
    """Names and values, and 100 bytes that DynamoDB adds for each item.

    item: as boto3's resource gives it.
    """
    return 100 + sum(len(name.encode()) + _measure(value) for name, value in item.items())


def _measure(value: Any) -> int:
    if isinstance(value, dict):
        return 3 + sum(1 + len(name.encode()) + _measure(inner) for name, inner in value.items())
    if isinstance(value, list | tuple):
        return 3 + sum(1 + _measure(inner) for inner in value)
    if isinstance(value, Binary):
        return len(value.value)
    if value is None or isinstance(value, bool):
        return 1
    if isinstance(value, str):
        return len(value.encode())
    return len(str(value)) // 2 + 2  # a number: a byte for two digits
