"""Timestamps: numbers in the table's items, text in documents."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> float:
    """Seconds since 1970, UTC, to the millisecond."""
    return round(time.time(), 3)


def iso(seconds: float) -> str:
    """A timestamp as RFC 3339 text in UTC, to the millisecond."""
    stamp = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return stamp.replace("+00:00", "Z")
