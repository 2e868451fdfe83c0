"""The fan-out: dispatches an uploaded object to the process queues without copying image data.

Every step is idempotent: existing items are left unchanged, and processing a photo that was queued
twice has no further effect. A fan-out that dies is therefore recovered by running it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from darkroom.endings import reject_upload
from darkroom.errors import FileError
from darkroom.files import File, ended_by, image_message
from darkroom.jobs import MAX_FILES, Job, file_id
from darkroom.keys import UploadKey
from darkroom.messages import Source, UploadMessage
from darkroom.names import safe_path
from darkroom.options import Options
from darkroom.settings import Settings
from darkroom.states import FileStatus
from functions.zip.ingest.drops import drop_job, drop_options, is_drop
from functions.zip.ingest.listing import Listed, Listing, list_entries
from functions.zip.ingest.ranged import RangedFile

if TYPE_CHECKING:
    from darkroom.aws.bucket import Bucket
    from darkroom.aws.queues import Lanes, Queue
    from darkroom.aws.table import JobTable

T = TypeVar("T")

CHUNK = 100
"""Entries dispatched together: one transaction, ten requests to the queue."""
THREADS = 8


class Dispatched(NamedTuple):
    """entries: in the upload. requests, bytes_read: S3 usage for reading its central directory."""

    entries: int = 0
    requests: int = 0
    bytes_read: int = 0


@dataclass(frozen=True, slots=True)
class Intake:
    """`out_of_time`: whether to stop and send a message to `own_queue` for the rest."""

    settings: Settings
    jobs: JobTable
    bucket: Bucket
    lanes: Lanes
    own_queue: Queue
    out_of_time: Callable[[], bool]

    def receive(self, arrival: UploadMessage) -> Dispatched:
        """Dispatch an object's photos.

        Objects that belong to no job, and uploads already dispatched, are ignored.
        """
        pending = self._drop(arrival) if is_drop(arrival.key) else self._upload(arrival)
        if pending is None:
            return Dispatched()
        job, file = pending
        zip_file = RangedFile(self.bucket.reader(arrival.key, arrival.etag), arrival.size)
        try:
            listing = self._listing(zip_file, arrival, job, file)
        except FileError as error:
            reject_upload(file, error, self.jobs)
            return Dispatched(0, zip_file.requests, zip_file.bytes_read)
        if listing is None:
            self._queue_image(arrival, job, file)
        else:
            self._dispatch_zip(arrival, job, file, listing)
        return Dispatched(len(listing or [0]), zip_file.requests, zip_file.bytes_read)

    def _upload(self, arrival: UploadMessage) -> tuple[Job, File] | None:
        key = UploadKey.parse(arrival.key)
        job = self.jobs.get(key.job_id) if key else None
        file = self.jobs.file(key.job_id, key.file_id) if key else None
        return (job, file) if job and file and _open(file) else None

    def _drop(self, arrival: UploadMessage) -> tuple[Job, File] | None:
        try:
            options = drop_options(self.bucket.head(arrival.key).metadata, self.settings)
        except FileError as error:
            job, file = drop_job(arrival, Options(), self.settings)
            self.jobs.create(job, [file])
            reject_upload(file, error, self.jobs)
            return None
        job, file = drop_job(arrival, options, self.settings)
        self.jobs.create(job, [file])
        stored = self.jobs.file(job.job_id, file.file_id)
        return (self.jobs.require(job.job_id), stored) if stored and _open(stored) else None

    def _listing(
        self, zip_file: RangedFile, arrival: UploadMessage, job: Job, upload: File
    ) -> Listing | None:
        """The entries of a ZIP; None for any other file. Raises FileError for an invalid ZIP."""
        if not _is_zip(zip_file.read(0, min(4, arrival.size)), arrival.key):
            return None
        listing = list_entries(zip_file, self.settings.limits)
        already_listed = upload.index in job.spans
        if not already_listed and job.next_index + len(listing) > MAX_FILES:
            raise FileError(
                "too_many_files",
                f"A job holds at most {MAX_FILES:,} files; upload this ZIP in a separate job.",
            )
        return listing

    def _queue_image(self, arrival: UploadMessage, job: Job, file: File) -> None:
        source = Source(key=arrival.key, etag=arrival.etag, size=arrival.size)
        file = replace(file, source=source, size=arrival.size)
        job, _ = self.jobs.change(job.job_id, lambda job: job.image_listed(file.index))
        self.jobs.arrived(file)
        self.lanes.send(job, [image_message(file, Options.model_validate_json(job.options))])

    def _dispatch_zip(
        self, arrival: UploadMessage, job: Job, upload: File, listing: Listing
    ) -> None:
        """Record the job's total, then dispatch the ZIP's photos.

        The total is recorded before the first photo is sent, so that the last one ends the job.
        If the job is cancelled meanwhile, its remaining photos are added as cancelled files, so
        that they are counted.
        """
        photos = sum(1 for _ in listing)
        job, listed = self.jobs.change(
            job.job_id, lambda job: job.zip_listed(upload.index, len(listing), photos)
        )
        if job.status.final and not listed and job.spans[upload.index].length != len(listing):
            return  # cancelled before the ZIP was listed: it counts as one file
        chunks = _chunks(listing.entries(arrival.start), CHUNK)
        with ThreadPoolExecutor(THREADS) as pool:
            for wave in _chunks(chunks, THREADS):
                if self.out_of_time():
                    self.own_queue.send([arrival.model_copy(update={"start": wave[0][0].index})])
                    return
                dispatch = partial(self._dispatch, self.jobs.require(job.job_id), upload, arrival)
                list(pool.map(dispatch, wave))
        self.jobs.expanded(upload)

    def _dispatch(
        self, job: Job, upload: File, arrival: UploadMessage, chunk: list[Listed]
    ) -> None:
        source = Source(key=arrival.key, etag=arrival.etag, size=arrival.size)
        first = job.spans[upload.index].first
        files = [_entry_file(listed, job, first, source) for listed in chunk]
        self.jobs.add_files(files, job.expires_at)
        queued = [file for file in files if file.status is FileStatus.QUEUED]
        options = Options.model_validate_json(job.options)
        self.lanes.send(job, [image_message(file, options) for file in queued])


def _open(file: File) -> bool:
    """Whether the file may still need dispatching: a queued file's message may have been lost."""
    return file.status in (FileStatus.AWAITING_UPLOAD, FileStatus.QUEUED)


def _is_zip(head: bytes, key: str) -> bool:
    """Whether the object is a ZIP, by its signature or else by its file name.

    A self-extracting ZIP begins with a program, so only its name identifies it.
    """
    return head[:4] in (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08") or key.lower().endswith(".zip")


def _entry_file(listed: Listed, job: Job, first: int, zip_source: Source) -> File:
    problem = listed.problem
    photo_status = FileStatus.CANCELLED if job.status.stopped else FileStatus.QUEUED
    return File(
        job_id=job.job_id,
        file_id=file_id(first + listed.index),
        name=safe_path(listed.path),
        size=listed.entry.size,
        status=ended_by(problem) if problem else photo_status,
        modified=listed.modified.timestamp() if listed.modified else None,
        source=zip_source.model_copy(update={"entry": listed.entry}),
        error=problem.as_dict() if problem else None,
    )


def _chunks(items: Iterator[T], size: int) -> Iterator[list[T]]:
    while chunk := list(islice(items, size)):
        yield chunk
