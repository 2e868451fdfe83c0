"""A file of a job: an upload, or a photo inside an uploaded ZIP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from darkroom import clock
from darkroom.confidence import confidence_document
from darkroom.errors import FileError, SkippedFile
from darkroom.messages import ImageMessage, Source
from darkroom.options import Options
from darkroom.outcomes import Outcome
from darkroom.states import FileStatus
from darkroom.tallies import FileEvent
from darkroom.usage import Usage


@dataclass(frozen=True, slots=True)
class ResultInfo:
    """A result in the bucket. size: bytes. crc32: of those bytes. width, height: pixels.

    milliseconds: from the photo's first byte read to its result stored. bytes_in: of the photo it
    was made from; an upload may have been replaced since. face_score: of the largest face, in
    thousandths. score, reasons: of the confidence, as `darkroom.confidence` has them.
    """

    key: str
    content_type: str
    size: int
    crc32: int
    width: int
    height: int
    milliseconds: int
    faces: int | None = None
    face_score: int | None = None
    model: str | None = None
    warnings: Sequence[Mapping[str, str]] = ()
    bytes_in: int | None = None
    score: int | None = None
    reasons: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class File:
    """An upload, or a photo inside an uploaded ZIP.

    name: the path under which users know it, as uploaded or as in the ZIP, made safe.
    size: bytes, as declared or listed. modified: seconds since 1970, if known. source: None
    until the bytes have arrived. attempt: the file's own, from 1. result: of its latest success,
    kept while the file is processed again. options: JSON, where they are not the job's. retry: the
    id of the retry that last queued it again. expires_at: its item's, seconds since 1970. stored:
    False while it is only a row of its block. legacy: whether version 0.1 stored it.
    """

    job_id: str
    file_id: str
    name: str
    size: int
    status: FileStatus
    attempt: int = 1
    modified: float | None = None
    source: Source | None = None
    result: ResultInfo | None = None
    error: Mapping[str, str] | None = None
    options: str | None = None
    retry: int = 0
    expires_at: float = 0.0
    stored: bool = False
    legacy: bool = False

    @property
    def index(self) -> int:
        return int(self.file_id)


def ended_by(error: FileError) -> FileStatus:
    return FileStatus.SKIPPED if isinstance(error, SkippedFile) else FileStatus.FAILED


def file_event(file: File) -> FileEvent | None:
    """The event that reports a file to its job; None if there is nothing to report yet.

    A photo that succeeded adds its usage. One that is queued again takes it back, so every attempt
    must be reported as queued before its photo is sent to a worker.
    """
    outcome, result = file.status.outcome, file.result
    if outcome is Outcome.PENDING and file.attempt == 1:
        return None
    if outcome is Outcome.QUEUED and not file.stored:
        return None  # a ZIP's entry: the ZIP was counted
    usage, score = Usage(), None
    if result:
        usage = Usage.of_photo(
            bytes_in=file.size if result.bytes_in is None else result.bytes_in,
            bytes_out=result.size,
            model=result.model,
            milliseconds=result.milliseconds,
        )
        if outcome is not Outcome.SUCCEEDED:
            usage = -usage if outcome is Outcome.QUEUED else Usage()
        else:
            score = result.score
    return FileEvent(file.index, file.attempt, outcome, file.name, file.error, usage, score)


def image_message(file: File, job_options: str) -> ImageMessage:
    """The message that processes a queued file. Raises ValueError if its bytes never arrived."""
    if file.source is None:
        raise ValueError(f"file {file.file_id} has no source")
    return ImageMessage(
        job_id=file.job_id,
        file_id=file.file_id,
        attempt=file.attempt,
        name=file.name,
        source=file.source,
        options=Options.model_validate_json(file.options or job_options),
    )


def file_document(file: File, url: str | None = None) -> dict[str, Any]:
    """A file as the API returns it; `url` is a presigned URL of its result."""
    result = file.result
    return {
        "file_id": file.file_id,
        "name": file.name,
        "status": file.status.value,
        "bytes": file.size,
        "modified_at": clock.iso(file.modified) if file.modified is not None else None,
        "error": dict(file.error) if file.error else None,
        "confidence": result and confidence_document(result.score, result.reasons),
        "result": None
        if result is None
        else {
            "url": url,
            "content_type": result.content_type,
            "bytes": result.size,
            "width": result.width,
            "height": result.height,
            "faces": result.faces,
            "face_score": None if result.face_score is None else result.face_score / 1000,
            "model": result.model,
            "duration_ms": result.milliseconds,
            "warnings": [dict(warning) for warning in result.warnings],
        },
    }
