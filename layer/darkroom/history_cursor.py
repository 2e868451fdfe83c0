"""Cursors into the list of all jobs, which is stored by day and read newest first."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from darkroom import clock

_TEXT: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?: (\d{1,11}(?:\.\d{1,3})?) ([0-9A-Za-z_-]{1,64}))?")


@dataclass(frozen=True, slots=True)
class HistoryCursor:
    """A position: the start of a day ("2026-11-24", UTC), or just after a job created on it.

    created_at: the job's, as text, so that it keeps the exact number stored in the table.
    """

    day: str
    created_at: str = ""
    job_id: str = ""

    def __str__(self) -> str:
        """The text that clients send as `cursor` to get the next page."""
        text = f"{self.day} {self.created_at} {self.job_id}".rstrip()
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, cursor: str) -> HistoryCursor:
        """Raises ValueError for text that is not a cursor."""
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
        match = _TEXT.fullmatch(text)
        if match is None:
            raise ValueError("this is not a cursor")
        parsed = cls(*(part or "" for part in match.groups()))
        date.fromisoformat(parsed.day)
        if parsed.created_at and day_of(float(parsed.created_at)) != parsed.day:
            raise ValueError("the time of the cursor is not on its day")
        return parsed

    def day_before(self) -> HistoryCursor:
        return HistoryCursor((date.fromisoformat(self.day) - timedelta(days=1)).isoformat())


def day_of(seconds: float) -> str:
    """The UTC day of a timestamp, such as "2026-11-24"."""
    return clock.iso(seconds)[:10]
