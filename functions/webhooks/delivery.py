"""Delivering a webhook: a signed POST, retried with backoff if the receiver does not accept it."""

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
"""Seconds: the longest delay that SQS allows."""
GONE = 410


class DeliveryResult(StrEnum):
    """GONE: the receiver answered 410 and is not called again. LATER: the webhook is retried.

    GIVEN_UP: the last retry failed.
    """

    DELIVERED = "delivered"
    GONE = "gone"
    LATER = "later"
    GIVEN_UP = "given_up"


class Attempt(NamedTuple):
    """The outcome of one try. tries: including this one. delay: seconds until the next.

    answer: the HTTP status, or the error if there was no response.
    """

    result: DeliveryResult
    tries: int
    answer: str
    delay: int | None = None


@dataclass(frozen=True, slots=True)
class Deliverer:
    """key: signs the webhooks."""

    queue: Queue
    key: bytes
    post: Post

    def deliver(self, message: WebhookMessage) -> Attempt:
        """Call the receiver once. A failed webhook is sent to the queue as a new, delayed message.

        SQS therefore redelivers a message only if its worker died.
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
        """The answer as text, and its status: 0 if there was no response."""
        body = message.body.encode()
        headers = signed_headers(self.key, message.id, int(clock.now()), body)
        try:
            status = self.post(message.url, {**headers, "Content-Type": "application/json"}, body)
        except OutboundError as error:
            return str(error), 0
        return str(status), status


def retry_delay(tries: int) -> int | None:
    """Seconds until the next try, after `tries` (1 or more) have failed; None after the last.

    The delays are 5, 10, 20, … 640, then 900 each: over an hour and a half in all.
    """
    return min(MOST_DELAY, FIRST_DELAY * 2 ** (tries - 1)) if tries <= RETRIES else None
