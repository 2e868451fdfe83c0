"""The messages our queues carry: one JSON object each, whose `kind` names its type.

`Message` is the union of all of them. S3's own events are converted in `aws.s3_events`.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from darkroom.keys import drop_job_id
from darkroom.options import Options


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ZipEntry(_Frozen):
    """Where one photo lies inside an uploaded ZIP, according to its central directory.

    offset: of the entry's local header, in bytes from the start of the object.
    compressed_size, size: in bytes. method: ZIP's compression method (0 stored, 8 deflate, …).
    crc32: of the uncompressed bytes.
    header_size: bytes of the local header as far as the central directory can tell. The real
        header may be longer, so a reader fetches some slack behind it.
    """

    offset: int
    header_size: int
    compressed_size: int
    size: int
    method: int
    crc32: int


class Source(_Frozen):
    """The bytes of one photo: a whole object, or one entry of a ZIP. `etag` pins the version."""

    key: str
    etag: str
    size: int
    entry: ZipEntry | None = None


class ImageMessage(_Frozen):
    """Process one photo. `attempt` counts from 1 and rises with each retry."""

    kind: Literal["image"] = "image"
    job_id: str
    file_id: str
    attempt: int = Field(ge=1)
    name: str
    source: Source
    options: Options


class UploadMessage(_Frozen):
    """Dispatch an object that has arrived in the bucket. size: bytes.

    start: the ZIP entry to continue from, where an earlier fan-out ran out of time. drop: the job
    of a drop that is dispatched again; its event alone knows the sequencer.
    """

    kind: Literal["upload"] = "upload"
    key: str
    etag: str
    size: int
    sequencer: str = ""
    start: int = 0
    drop: str = ""

    @property
    def drop_id(self) -> str:
        """The id of the job that the object makes as a drop."""
        return self.drop or drop_job_id(self.key, self.etag, self.sequencer)


class RetryMessage(_Frozen):
    """Queue the files of a retry again, from block `block` on. retry: its id in the job.

    None stands for a message of version 0.1: for every retry that the job has under way.
    """

    kind: Literal["retry"] = "retry"
    job_id: str
    retry: int | None = None
    block: int = 0


class StopMessage(_Frozen):
    """Cancel the uploads that a stopped job no longer waits for, from block `block` on."""

    kind: Literal["stop"] = "stop"
    job_id: str
    block: int = 0


class NudgeMessage(_Frozen):
    """Repair a job that has stopped moving: walk its files, from block `block` on.

    Ended files are counted again, queued ones are sent again, and uploads that lie in the bucket
    are dispatched again. overdue: only the uploads are walked, and those that are not in the bucket
    end as failed. With `fail`, all files that are left end as failed, unless the job has moved
    since its `fail`-th nudge.
    """

    kind: Literal["nudge"] = "nudge"
    job_id: str
    overdue: bool = False
    fail: int | None = None
    block: int = 0


class ForgetMessage(_Frozen):
    """Delete the remains of a deleted job: its files, followers and objects, from `block` on.

    blocks: of the job. source, etag: of a drop's original, which is deleted unless it was replaced.
    last: whether this is the second round, for what was under way during the first.
    """

    kind: Literal["forget"] = "forget"
    job_id: str
    blocks: int = 0
    source: str = ""
    etag: str = ""
    block: int = 0
    last: bool = False


class PruneMessage(_Frozen):
    """Delete the archives of a job before `generation`, at a time (seconds since 1970)."""

    kind: Literal["prune"] = "prune"
    job_id: str
    generation: int = Field(ge=1)
    at: float


class ArchiveMessage(_Frozen):
    """Build the ZIP of a job's results.

    upload_id, parts: for a ZIP that several workers build, the multipart upload and this worker's
    share of it (first and last part number). Without them the work is not divided yet.
    """

    kind: Literal["archive"] = "archive"
    job_id: str
    generation: int = Field(ge=1)
    upload_id: str | None = None
    parts: tuple[int, int] | None = None


class WebhookMessage(_Frozen):
    """Announce to `url` that an attempt of a job has settled.

    body: the JSON text to send, byte for byte the same on each try. tries: how many have failed.
    """

    kind: Literal["webhook"] = "webhook"
    url: str
    job_id: str
    attempt: int = Field(ge=1)
    body: str
    tries: int = Field(default=0, ge=0)

    @property
    def id(self) -> str:
        return completion_id(self.job_id, self.attempt)


Message: TypeAlias = (
    ImageMessage
    | UploadMessage
    | RetryMessage
    | StopMessage
    | NudgeMessage
    | ForgetMessage
    | PruneMessage
    | ArchiveMessage
    | WebhookMessage
)
_ADAPTER: Final[TypeAdapter[Message]] = TypeAdapter(Annotated[Message, Field(discriminator="kind")])
_T = TypeVar("_T", bound=_Frozen)
# Of retries and nudges in version 0.1. Without them a walk begins at the first file again, which is
# harmless.
_DROPPED: Final = frozenset({"attempt", "after"})


def parse_message(body: str) -> Message:
    """A message of any kind. Raises ValueError for a body that is not one of ours."""
    return _ADAPTER.validate_python(_upgraded(json.loads(body)))


def expect(body: str, kind: type[_T]) -> _T:
    """A message for a queue that carries one kind only. Raises ValueError for anything else."""
    message = parse_message(body)
    if not isinstance(message, kind):
        raise wrong_queue(message)
    return message


def wrong_queue(message: Message) -> ValueError:
    """The error of a consumer that got a kind of message that its queue does not carry."""
    return ValueError(f"a message of kind {message.kind!r} is on the wrong queue")


def _upgraded(body: Any) -> Any:
    """Convert a message as 0.1.0 sent it, without a `kind`. Others are unchanged.

    Messages wait on their queues while a new version is deployed, for up to 14 days.
    """
    if not isinstance(body, dict):
        return body
    if body.get("kind") in ("retry", "nudge"):
        return {name: value for name, value in body.items() if name not in _DROPPED}
    if "kind" in body:
        return body
    for kind in ("retry", "nudge", "forget"):
        if kind in body:
            rest = {name: value for name, value in body.items() if name not in _DROPPED | {kind}}
            return {"kind": kind, "job_id": body[kind], **rest}
    marks = {"file_id": "image", "generation": "archive", "url": "webhook", "key": "upload"}
    kinds = [kind for field, kind in marks.items() if field in body]
    return {"kind": kinds[0], **body} if kinds else body


def completion_id(job_id: str, attempt: int) -> str:
    """The id of one settling of a job, the same each time it is announced."""
    return f"{job_id}.{attempt}"
