"""Delivering a webhook: signed, and tried again for a while where the receiver does not take it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from darkroom import clock
from darkroom.errors import OutboundError
from darkroom.messages import WebhookMessage
from functions.webhooks.signing import signed_headers

if TYPE_CHECKING:
    from darkroom.aws.queues import Queue

Post: TypeAlias = Callable[[str, Mapping[str, str], bytes], int]

RETRIES = 13
FIRST_DELAY = 5
MOST_DELAY = 900
"""Seconds: the longest that SQS keeps a message back."""
GONE = 410


class DeliveryResult(StrEnum):
    """GONE: the receiver wants no more of it. LATER: it comes again."""

    DELIVERED = "delivered"
    GONE = "gone"
    LATER = "later"
    GIVEN_UP = "given_up"


class Attempt(NamedTuple):
    """What became of one try. tries: with this one. answer: its status, or why there is none."""

    result: DeliveryResult
    tries: int
    answer: str
    delay: int | None = None


@dataclass(frozen=True, slots=True)
class Deliverer:
    """key: what is signed with."""

    queue: Queue
    key: bytes
    post: Post

    def deliver(self, message: WebhookMessage) -> Attempt:
        """A failure is sent to the queue anew, with a delay of its own.

        So a message that is received again is one whose worker died, and nothing else.
        """
        tries = message.tries + 1
        answer, status = self._tried(message)
        if 200 <= status < 300:
            return Attempt(DeliveryResult.DELIVERED, tries, answer)
        if status == GONE:
            return Attempt(DeliveryResult.GONE, tries, answer)
        delay = retry_delay(tries)
        if delay is None:
            return Attempt(DeliveryResult.GIVEN_UP, tries, answer)
        self.queue.send([message.model_copy(update={"tries": tries})], delay=delay)
        return Attempt(DeliveryResult.LATER, tries, answer, delay)

    def _tried(self, message: WebhookMessage) -> tuple[str, int]:
        """What came of it, in words, and the status: 0 where there was no answer."""
        body = message.body.encode()
        headers = signed_headers(self.key, message.id, int(clock.now()), body)
        try:
            status = self.post(message.url, {**headers, "Content-Type": "application/json"}, body)
        except OutboundError as error:
            return str(error), 0
        return str(status), status


def retry_delay(tries: int) -> int | None:
    """Seconds until the next try, after `tries` that failed (1 or more); None: it was the last.

    5, 10, 20, … 640, then 900 each: over an hour and a half in all.
    """
    return min(MOST_DELAY, FIRST_DELAY * 2 ** (tries - 1)) if tries <= RETRIES else None
