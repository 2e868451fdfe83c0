"""Builds the archive as a multipart upload, with one worker or several.

Every part can be built independently (see `layout`), and S3 lists the parts already uploaded. A
worker that dies is therefore recovered by redelivering its message. The worker that finds all parts
uploaded completes the upload.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from darkroom.archives import Archive
from darkroom.errors import ArchiveError, NotFound, RetryLater
from darkroom.jobs import Job
from darkroom.keys import archive_key
from darkroom.messages import ArchiveMessage
from darkroom.states import ArchiveStatus
from functions.zip.archive.layout import Layout, Part
from functions.zip.archive.manifest import Contents, contents_of
from functions.zip.archive.part_reader import PartReader, Read

if TYPE_CHECKING:
    from darkroom.aws.bucket import Bucket
    from darkroom.aws.queues import Queue
    from darkroom.aws.table import JobTable

SHARE = 512 * 1024 * 1024
"""Bytes of the archive that one worker builds: a few minutes of work, well within its time-out."""
READERS = 32
"""Concurrent reads. S3 answers a small GET in 100-200 ms, so a worker reads 200 a second."""
WRITERS = 2
"""Concurrent part uploads: one part is sent while S3 has yet to answer for the other."""


@dataclass(frozen=True, slots=True)
class Builder:
    """read: fetches a range of a result; called from `READERS` threads."""

    jobs: JobTable
    bucket: Bucket
    own_queue: Queue
    read: Read

    def build(self, message: ArchiveMessage) -> None:
        """Build one share of the archive; the first message also dispatches the other shares.

        A message for a generation that is already built, or superseded, does nothing. Raises
        ArchiveError after recording the archive as failed.
        """
        with suppress(NotFound):  # the job was deleted meanwhile
            self._build(message)

    def _build(self, message: ArchiveMessage) -> None:
        job = self.jobs.get(message.job_id)
        if job is None or not job.archive.builds(message.generation):
            return
        contents = self._contents(job, message)
        layout = contents.layout()
        if self.bucket.size_of(_key(job)) == layout.size:
            self._mark_ready(job, layout.size)  # the worker that completed it died before this
            return
        parts = layout.parts()
        upload_id = message.upload_id or self._upload_id(job)
        if upload_id is None:
            return
        shares = _shares(parts)
        if message.parts is None and len(shares) > 1:
            self._send_shares(job, contents, shares[1:], upload_id)
        first, last = message.parts or (1, len(shares[0]))
        try:
            self._upload(job, contents, layout, parts[first - 1 : last], upload_id)
        except ArchiveError:
            self._mark_failed(job)
            raise
        self._complete(job, layout, parts, upload_id)

    def _contents(self, job: Job, message: ArchiveMessage) -> Contents:
        if message.parts is None:
            return contents_of(job, self.jobs.files_of(job))
        return Contents.loads(self.bucket.read(_plan_key(job)))

    def _send_shares(
        self, job: Job, contents: Contents, shares: Sequence[Sequence[Part]], upload_id: str
    ) -> None:
        self.bucket.write(_plan_key(job), contents.dumps(), "application/json")
        self.own_queue.send(
            [
                ArchiveMessage(
                    job_id=job.job_id,
                    generation=job.archive.generation,
                    upload_id=upload_id,
                    parts=(share[0].number, share[-1].number),
                )
                for share in shares
            ]
        )

    def _upload_id(self, job: Job) -> str | None:
        """Return the multipart upload of this generation, starting it if no worker has.

        Returns None if the generation was superseded meanwhile.
        """
        if job.archive.upload_id:
            return job.archive.upload_id
        key = _key(job)
        mine = self.bucket.begin_upload(key, "application/zip")

        def begin(now: Job) -> Job:
            if now.archive.upload_id or not now.archive.builds(job.archive.generation):
                return now
            return now.with_archive(replace(now.archive, upload_id=mine))

        now, _ = self.jobs.change(job.job_id, begin)
        if now.archive.upload_id != mine:
            self.bucket.abort_upload(key, mine)
        return now.archive.upload_id if now.archive.builds(job.archive.generation) else None

    def _upload(
        self,
        job: Job,
        contents: Contents,
        layout: Layout[str],
        parts: Sequence[Part],
        upload_id: str,
    ) -> None:
        """Upload the `parts` that S3 does not have yet, reading the next ones meanwhile.

        Stops if the upload no longer exists: another delivery of this message has completed it.
        """
        key = _key(job)
        uploaded = self.bucket.uploaded_parts(key, upload_id)
        missing = [part for part in parts if part.number not in uploaded]
        reader = PartReader(layout, contents.items, self.read)
        with ThreadPoolExecutor(READERS) as readers, ThreadPoolExecutor(WRITERS) as writers:
            under_way: deque[Future[bool]] = deque()
            for part, body in reader.bodies(missing, readers):
                if len(under_way) == WRITERS and not under_way.popleft().result():
                    return
                under_way.append(
                    writers.submit(self.bucket.upload_part, key, upload_id, part.number, body)
                )
            for upload in under_way:
                upload.result()

    def _complete(
        self, job: Job, layout: Layout[str], parts: Sequence[Part], upload_id: str
    ) -> None:
        """Complete the upload if every part is uploaded, and mark the archive as ready.

        Raises RetryLater if neither the upload nor the archive exists.
        """
        uploaded = self.bucket.uploaded_parts(_key(job), upload_id)
        if len(uploaded) == len(parts):
            self.bucket.complete_upload(_key(job), upload_id, uploaded)
        elif self.bucket.size_of(_key(job)) != layout.size:
            if uploaded:
                return  # another worker is still building its share
            raise RetryLater(
                "archive_gone", "The archive's multipart upload no longer exists; retry the job."
            )
        self._mark_ready(job, layout.size)

    def _mark_ready(self, job: Job, size: int) -> None:
        ready = Archive(ArchiveStatus.READY, job.archive.generation, size)
        try:
            now, _ = self.jobs.change(job.job_id, lambda now: now.with_archive(ready))
        except NotFound:
            self.bucket.delete(_key(job))  # the job was deleted meanwhile
            return
        if now.archive != ready:
            self.bucket.delete(_key(job))  # its results have changed meanwhile

    def _mark_failed(self, job: Job) -> None:
        with suppress(NotFound):
            self.jobs.change(
                job.job_id, lambda now: now.with_archive(now.archive.failed(job.archive.generation))
            )


def _key(job: Job) -> str:
    return archive_key(job.job_id, job.archive.generation)


def _plan_key(job: Job) -> str:
    """The plan that workers of one archive share. The bucket's lifecycle rule deletes it."""
    return f"{_key(job)}.plan"


def _shares(parts: Sequence[Part]) -> list[list[Part]]:
    """Split the parts into runs of similar length, of at most `SHARE` bytes each."""
    workers = max(1, -(-parts[-1].end // SHARE))
    each = -(-len(parts) // workers)
    return [list(parts[start : start + each]) for start in range(0, len(parts), each)]
