"""JobChangeHandler the account's other systems, by way of EventBridge."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from darkroom.errors import RetryLater

SOURCE: Final = "darkroom.job"
COMPLETED: Final = "JobCompleted"
BATCH = 10
"""Events one request holds at most."""


@dataclass(frozen=True, slots=True)
class EventBus:
    """The account's default bus. `client` is boto3's for `events`."""

    client: Any

    def completed(self, details: Sequence[Mapping[str, Any]]) -> None:
        """Jobs have settled, a detail each. Raises RetryLater when not every event was taken.

        EventBridge answers 200 even then, and tells of each event by itself.
        """
        for start in range(0, len(details), BATCH):
            entries = [
                {"Source": SOURCE, "DetailType": COMPLETED, "Detail": json.dumps(detail)}
                for detail in details[start : start + BATCH]
            ]
            answer = self.client.put_events(Entries=entries)
            if answer["FailedEntryCount"]:
                raise RetryLater("events_refused", "EventBridge did not take every event.")
