"""Deleting what is left of a deleted job, and archives that newer ones have replaced."""

from __future__ import annotations

from typing import Final

from darkroom import clock, keys
from darkroom.messages import ForgetMessage, PruneMessage
from darkroom.states import ArchiveStatus
from functions.recovery.walks import Walker

LONGEST_DELAY: Final = 900
"""Seconds that SQS can hold a message back."""


class Deletion(Walker):
    """Every operation is idempotent."""

    __slots__ = ()

    def forget(self, message: ForgetMessage) -> None:
        """Delete a job's items and objects, twice.

        A worker that ends a photo meanwhile deletes what it has stored. The second round, a quarter
        of an hour later, is for one that dies before it can.
        """
        if not self.walk(
            message, message.blocks, lambda number: self.jobs.delete_block(message.job_id, number)
        ):
            return
        self.jobs.delete_rest(message.job_id)
        if not self._delete_objects(message):
            self.own_queue.send([message.model_copy(update={"block": message.blocks})])
        elif not message.last:
            second = message.model_copy(update={"block": 0, "last": True})
            self.own_queue.send([second], delay=LONGEST_DELAY)

    def _delete_objects(self, message: ForgetMessage) -> bool:
        """Delete all objects of a deleted job. False if time has run out."""
        for prefix in (keys.UPLOADS, keys.RESULTS, keys.ARCHIVES):
            self.bucket.abort_uploads(f"{prefix}{message.job_id}/")
            if not self.bucket.delete_all(f"{prefix}{message.job_id}/", self.out_of_time):
                return False
        if message.source:
            self.bucket.delete_version(message.source, message.etag)
        return True

    def prune(self, message: PruneMessage) -> None:
        """Delete the archives that a newer one has replaced, once no link to them is valid."""
        wait = message.at - clock.now()
        if wait > 0:
            self.own_queue.send([message], delay=min(LONGEST_DELAY, int(wait) + 1))
            return
        job = self.jobs.get(message.job_id)
        if job is None or job.archive.status is not ArchiveStatus.READY:
            return  # the next archive to be ready prunes the old ones
        prefix = f"{keys.ARCHIVES}{message.job_id}/"
        for key in self.bucket.list_keys(prefix):
            generation = key.removeprefix(prefix).partition(".")[0]
            if generation.isdecimal() and int(generation) < job.archive.generation:
                self.bucket.delete(key)
