"""Events for the account's other systems, sent through EventBridge."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from darkroom.aws.backoff import tries
from darkroom.errors import RetryLater

SOURCE: Final = "darkroom.job"
COMPLETED: Final = "JobCompleted"
BATCH = 10
"""The most events in one request."""
_RETRYABLE: Final = frozenset({"ThrottlingException", "InternalFailure", "InternalException"})


@dataclass(frozen=True, slots=True)
class EventBus:
    """The account's default bus. `client` is boto3's for `events`."""

    client: Any

    def completed(self, details: Sequence[Mapping[str, Any]]) -> None:
        """Announce settled jobs, one event for each detail.

        EventBridge may accept a part of a request, and answers 200 even then. The rest is sent
        again, unless it is at fault itself. Raises RetryLater if EventBridge does not accept every
        event.
        """
        for start in range(0, len(details), BATCH):
            self._put(
                [
                    {"Source": SOURCE, "DetailType": COMPLETED, "Detail": json.dumps(detail)}
                    for detail in details[start : start + BATCH]
                ]
            )

    def _put(self, entries: list[dict[str, str]]) -> None:
        for _ in tries():
            response = self.client.put_events(Entries=entries)
            if not response["FailedEntryCount"]:
                return
            # Each entry of the answer belongs to the request's entry at the same place.
            codes = [answer.get("ErrorCode") for answer in response["Entries"]]
            entries = [entry for entry, code in zip(entries, codes, strict=True) if code]
            if not {code for code in codes if code} <= _RETRYABLE:
                break
        raise RetryLater("events_refused", "EventBridge did not accept every event; try again.")
