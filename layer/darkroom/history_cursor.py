"""Places in the list of all jobs, which is kept by day, newest first."""

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
    """The beginning of a day ("2026-11-24", UTC), or right behind a job that was made on it.

    created_at: the job's, as text, so that it stays the number that the table has.
    """

    day: str
    created_at: str = ""
    job_id: str = ""

    def __str__(self) -> str:
        """The cursor that a page is asked for with."""
        text = f"{self.day} {self.created_at} {self.job_id}".rstrip()
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, cursor: str) -> HistoryCursor:
        """Raises ValueError for what is no cursor of ours."""
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
        found = _TEXT.fullmatch(text)
        if found is None:
            raise ValueError("this is no cursor")
        place = cls(*(part or "" for part in found.groups()))
        date.fromisoformat(place.day)
        if place.created_at and day_of(float(place.created_at)) != place.day:
            raise ValueError("no job was made at that time on that day")
        return place

    def day_before(self) -> HistoryCursor:
        return HistoryCursor((date.fromisoformat(self.day) - timedelta(days=1)).isoformat())


def day_of(seconds: float) -> str:
    """The UTC day of a time."""
    return clock.iso(seconds)[:10]
