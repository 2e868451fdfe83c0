"""What the queues carry: one JSON object a message, checked when it is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

from pydantic import BaseModel, ConfigDict, Field

from darkroom.options import Options


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ZipEntry(Message):
    """Where one photo lies inside an uploaded ZIP, as its central directory says.

    offset: of the entry's local header, in bytes from the start of the object.
    compressed_size, size: in bytes. method: ZIP's compression method (0 stored, 8 deflate, …).
    crc32: of the uncompressed bytes.
    header_size: bytes of the local header as far as the central directory can tell; the real one
        may be longer, so a reader fetches some slack behind it.
    """

    offset: int
    header_size: int
    compressed_size: int
    size: int
    method: int
    crc32: int


class Source(Message):
    """The bytes of one photo: a whole object, or one entry of a ZIP. `etag` pins the version."""

    key: str
    etag: str
    size: int
    entry: ZipEntry | None = None


class ImageMessage(Message):
    """Work for `process`: one photo. `attempt` counts from 1 and rises with each retry."""

    job_id: str
    file_id: str
    attempt: int = Field(ge=1)
    name: str
    source: Source
    options: Options


class Arrival(Message):
    """An object that has come into the bucket, as its S3 event tells. size: bytes.

    start: the entry of a ZIP to go on from, where an earlier fan-out of it ran out of time.
    """

    key: str
    etag: str
    size: int
    sequencer: str = ""
    start: int = 0


def arrivals(body: Mapping[str, Any]) -> Iterator[Arrival]:
    """What an S3 event, or a fan-out that goes on, is about; S3's test event is about nothing."""
    if "key" in body:
        yield Arrival.model_validate(body)
    for record in body.get("Records", []):
        found = record["s3"]["object"]
        yield Arrival(
            key=unquote_plus(found["key"]),
            etag=found["eTag"],
            size=found["size"],
            sequencer=found.get("sequencer", ""),
        )


class RetryMessage(Message):
    """Take up the failed and cancelled files of a job again, from file id `after` on."""

    retry: str
    attempt: int = Field(ge=2)
    after: str = ""


class NudgeMessage(Message):
    """Go through the files of a job that has stopped moving, from file id `after` on.

    What has ended is counted again, what is queued is sent again. fail: what is left ends instead,
    unless the job has moved since it had been nudged so many times.
    """

    nudge: str
    fail: int | None = None
    after: str = ""


class ForgetMessage(Message):
    """Delete what is left of a job that is gone: its files, followers and objects."""

    forget: str


class ArchiveMessage(Message):
    """Work for the archive: make (or make again) the ZIP of a job's results.

    upload_id, parts: of a ZIP that several workers build, the multipart upload and this worker's
    share of it, first and last part number; without them the work is still to be dealt out.
    """

    job_id: str
    generation: int = Field(ge=1)
    upload_id: str | None = None
    parts: tuple[int, int] | None = None


class WebhookMessage(Message):
    """Tell `url` that an attempt of a job has settled.

    body: the JSON text to send, byte for byte the same on each try. tries: how many have failed.
    """

    url: str
    job_id: str
    attempt: int = Field(ge=1)
    body: str
    tries: int = Field(default=0, ge=0)

    @property
    def id(self) -> str:
        return completion_id(self.job_id, self.attempt)


def completion_id(job_id: str, attempt: int) -> str:
    """Names one settling of a job, however often it is told."""
    return f"{job_id}.{attempt}"
