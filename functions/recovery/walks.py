"""Walking the blocks of a job's files, which continues in a new message when time runs out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from darkroom.messages import ForgetMessage, NudgeMessage, RetryMessage, StopMessage

if TYPE_CHECKING:
    from darkroom.aws.bucket import Bucket
    from darkroom.aws.queues import Lanes, Queue
    from darkroom.aws.table import JobTable

_Walk = RetryMessage | StopMessage | NudgeMessage | ForgetMessage


@dataclass(frozen=True, slots=True)
class Walker:
    """ingest: receives uploads that are to be dispatched again.

    out_of_time: whether to stop and send a message to `own_queue` for the rest.
    """

    jobs: JobTable
    bucket: Bucket
    lanes: Lanes
    ingest: Queue
    own_queue: Queue
    out_of_time: Callable[[], bool]

    def walk(self, message: _Walk, count: int, visit: Callable[[int], None]) -> bool:
        """Visit the blocks from the message's on. False if the rest follows in a new message."""
        for number in range(message.block, count):
            if self.out_of_time():
                self.own_queue.send([message.model_copy(update={"block": number})])
                return False
            visit(number)
        return True
