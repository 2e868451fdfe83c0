"""Time as the items and documents carry it."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> float:
    """Seconds since 1970, UTC, to the millisecond."""
    return round(time.time(), 3)


def iso(seconds: float) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    stamp = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return stamp.replace("+00:00", "Z")
