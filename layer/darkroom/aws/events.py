"""Events for the account's other systems, sent through EventBridge."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from darkroom.errors import RetryLater

SOURCE: Final = "darkroom.job"
COMPLETED: Final = "JobCompleted"
BATCH = 10
"""The most events in one request."""


@dataclass(frozen=True, slots=True)
class EventBus:
    """The account's default bus. `client` is boto3's for `events`."""

    client: Any

    def completed(self, details: Sequence[Mapping[str, Any]]) -> None:
        """Announce settled jobs, one event for each detail.

        Raises RetryLater if EventBridge did not accept every event. It answers 200 even then, and
        reports each event separately.
        """
        for start in range(0, len(details), BATCH):
            entries = [
                {"Source": SOURCE, "DetailType": COMPLETED, "Detail": json.dumps(detail)}
                for detail in details[start : start + BATCH]
            ]
            response = self.client.put_events(Entries=entries)
            if response["FailedEntryCount"]:
                raise RetryLater(
                    "events_refused", "EventBridge did not accept every event; try again."
                )
