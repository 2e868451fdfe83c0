"""The fan-out: dispatches an uploaded object to the process queues without copying image data.

Every step is idempotent: existing items are left unchanged, and processing a photo that was queued
twice has no further effect. A fan-out that dies is therefore recovered by running it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby, islice
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from darkroom.errors import FileError, NotFound
from darkroom.files import File, ended_by, image_message
from darkroom.jobs import MAX_FILES, Job, file_id
from darkroom.keys import UploadKey
from darkroom.messages import Source, UploadMessage
from darkroom.names import safe_path
from darkroom.options import Options
from darkroom.rejecting import recount_zips, reject_upload
from darkroom.settings import Settings
from darkroom.spans import BLOCK
from darkroom.states import FileStatus
from functions.zip.ingest.drops import drop_job, drop_options, is_drop
from functions.zip.ingest.listing import Listed, Listing, list_entries
from functions.zip.ingest.ranged import RangedFile

if TYPE_CHECKING:
    from darkroom.aws.bucket import Bucket
    from darkroom.aws.queues import Lanes, Queue
    from darkroom.aws.table import JobTable

T = TypeVar("T")

WAVE = 8
"""Blocks stored together, in one transaction: some 60 KB, each block in a partition of its own."""
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

        Uploads already dispatched are ignored. So are objects that belong to no file; one whose job
        was deleted is deleted too.
        """
        pending = self._drop(arrival) if is_drop(arrival.key) else self._upload(arrival)
        if pending is None:
            return Dispatched()
        try:
            return self._dispatch(arrival, *pending)
        except NotFound:
            return Dispatched()  # the job was deleted meanwhile

    def _dispatch(self, arrival: UploadMessage, job: Job, file: File) -> Dispatched:
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
        if key is None:
            return None
        job = self.jobs.get(key.job_id)
        if job is None:
            self.bucket.delete(arrival.key)
            return None
        file = self.jobs.file(key.job_id, key.file_id)
        return (job, file) if file and _open(file, arrival) else None

    def _drop(self, arrival: UploadMessage) -> tuple[Job, File] | None:
        """The job of a drop, whatever its options.

        One that was replaced or deleted before its job began makes none: its successor has an event
        of its own.
        """
        problem = None
        if self.jobs.get(arrival.drop_id) is None:
            metadata = self._metadata(arrival)
            if metadata is None:
                return None
            try:
                options = drop_options(metadata, self.settings)
            except FileError as error:
                options, problem = Options(), error
            job, file = drop_job(arrival, options, self.settings)
            self.jobs.create(job, [file])
        known = self.jobs.get(arrival.drop_id)
        stored = self.jobs.file(arrival.drop_id, file_id(0))
        if known is None or stored is None or not _open(stored, arrival):
            return None
        if problem:
            reject_upload(stored, problem, self.jobs)
            return None
        return known, stored

    def _metadata(self, arrival: UploadMessage) -> Mapping[str, str] | None:
        """The metadata of the object that has arrived; None if it is no longer there."""
        try:
            head = self.bucket.head(arrival.key)
        except FileError:
            return None
        return head.metadata if head.etag == arrival.etag else None

    def _listing(
        self, zip_file: RangedFile, arrival: UploadMessage, job: Job, upload: File
    ) -> Listing | None:
        """The entries of a ZIP; None for any other file. Raises FileError for an invalid ZIP."""
        if not _is_zip(zip_file.read(0, min(4, arrival.size)), arrival.key):
            return None
        listing = list_entries(zip_file, self.settings.limits)
        listed = job.span_of(upload.index, arrival.etag) is not None
        if not listed and job.next_index + len(listing) > MAX_FILES:
            raise FileError(
                "too_many_files",
                f"A job holds at most {MAX_FILES:,} files; upload this ZIP in a separate job.",
            )
        return listing

    def _queue_image(self, arrival: UploadMessage, job: Job, file: File) -> None:
        """Queue the photo. Sent again if it is queued already, since its message may be lost."""
        if file.status is FileStatus.AWAITING_UPLOAD:
            file = replace(file, source=_source(arrival), size=arrival.size)
            if not self.jobs.arrived(file):
                return
        if any(span.upload == file.index for span in job.spans):
            recount_zips(file, self.jobs)  # it was a ZIP before it was sent again
        self.lanes.send(job, [image_message(file, job.options)])

    def _dispatch_zip(
        self, arrival: UploadMessage, job: Job, upload: File, listing: Listing
    ) -> None:
        """Record how many files the ZIP has, then dispatch its photos.

        The number is recorded before the ZIP counts as listed, so that the job's total is right as
        soon as it is known. If the job is cancelled meanwhile, the remaining photos are stored as
        cancelled files, so that they are counted.
        """
        photos = sum(1 for _ in listing)
        job, _ = self.jobs.change(
            job.job_id,
            lambda job: job.zip_listed(upload.index, arrival.etag, len(listing), photos),
        )
        if upload.status is FileStatus.AWAITING_UPLOAD:
            upload = replace(upload, source=_source(arrival), size=arrival.size)
            if not self.jobs.expanding(upload):
                return
            upload = replace(upload, status=FileStatus.EXPANDING, stored=True)
        if sum(span.upload == upload.index for span in job.spans) > 1:
            recount_zips(upload, self.jobs, keep=arrival.etag)
        span = next(s for s in job.spans if s == job.span_of(upload.index, arrival.etag))
        blocks = _blocks(listing.entries(arrival.start), BLOCK)
        with ThreadPoolExecutor(THREADS) as pool:
            for wave in _chunks(blocks, WAVE):
                if self.out_of_time():
                    rest = arrival.model_copy(update={"start": wave[0][0].index})
                    self.own_queue.send([rest])
                    return
                job = self.jobs.require(job.job_id)
                files = [
                    [_entry_file(listed, job, span.first, upload) for listed in chunk]
                    for chunk in wave
                ]
                stored = self.jobs.add_entries(job, upload, files)
                if stored is None:
                    return
                list(pool.map(partial(self._send, job), stored))
        self.jobs.expanded(upload)

    def _send(self, job: Job, files: Sequence[File]) -> None:
        queued = [file for file in files if file.status is FileStatus.QUEUED]
        self.lanes.send(job, [image_message(file, job.options) for file in queued])


def _open(file: File, arrival: UploadMessage) -> bool:
    """Whether the file may still need dispatching: a queued file's message may have been lost."""
    if file.status is FileStatus.AWAITING_UPLOAD:
        return True
    dispatching = file.status in (FileStatus.QUEUED, FileStatus.EXPANDING)
    return dispatching and file.source is not None and file.source.etag == arrival.etag


def _is_zip(head: bytes, key: str) -> bool:
    """Whether the object is a ZIP, by its signature or else by its file name.

    A self-extracting ZIP begins with a program, so only its name identifies it.
    """
    return head[:4] in (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08") or key.lower().endswith(".zip")


def _source(arrival: UploadMessage) -> Source:
    return Source(key=arrival.key, etag=arrival.etag, size=arrival.size)


def _entry_file(listed: Listed, job: Job, first: int, upload: File) -> File:
    problem = listed.problem
    photo_status = FileStatus.CANCELLED if job.status.stopped else FileStatus.QUEUED
    return File(
        job_id=job.job_id,
        file_id=file_id(first + listed.index),
        name=safe_path(listed.path),
        size=listed.entry.size,
        status=ended_by(problem) if problem else photo_status,
        modified=listed.modified.timestamp() if listed.modified else None,
        source=upload.source and upload.source.model_copy(update={"entry": listed.entry}),
        error=problem.as_dict() if problem else None,
        expires_at=job.expires_at,
        legacy=job.legacy,
    )


def _blocks(entries: Iterator[Listed], size: int) -> Iterator[list[Listed]]:
    """The entries, grouped by the block of their index; entries that are ignored leave gaps."""
    for _, block in groupby(entries, key=lambda listed: listed.index // size):
        yield list(block)


def _chunks(items: Iterator[T], size: int) -> Iterator[list[T]]:
    while chunk := list(islice(items, size)):
        yield chunk
