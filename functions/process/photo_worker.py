"""Processes one photo: reads it, runs the engine, stores the result and records the outcome."""

from __future__ import annotations

import mimetypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from darkroom.backdrop_options import BackdropOptions
from darkroom.confidence import to_byte
from darkroom.errors import DarkroomError, FileError
from darkroom.files import ResultInfo, ended_by
from darkroom.keys import result_key
from darkroom.limits import background_not_found
from darkroom.messages import ImageMessage
from darkroom.names import with_extension
from darkroom.settings import Settings
from darkroom.states import FileStatus
from functions.process.entry import read_photo

if TYPE_CHECKING:
    from darkroom.aws.backgrounds import Backgrounds
    from darkroom.aws.bucket import Bucket
    from darkroom.aws.table import JobTable
    from functions.process.engine import Engine, Result


@dataclass(frozen=True, slots=True)
class PhotoWorker:
    """log_engine_error: called while an unexpected error of the engine is handled.

    backgrounds: those of the deployment; without them, options that name one fail their photo.
    """

    settings: Settings
    jobs: JobTable
    bucket: Bucket
    engine: Engine
    log_engine_error: Callable[[ImageMessage], None]
    backgrounds: Backgrounds | None = None

    def process(self, message: ImageMessage) -> None:
        """Process one photo. Only errors that a retry may resolve are raised.

        A photo that can never be processed is recorded as failed. A message does nothing if its
        photo has already ended or its job was deleted. If the job was cancelled or has expired,
        the photo is recorded as cancelled.
        """
        file = self.jobs.file(message.job_id, message.file_id)
        job = self.jobs.get(message.job_id)
        if file is None or file.status is not FileStatus.QUEUED or file.attempt != message.attempt:
            return
        if job is None:
            return
        if job.status.stopped:
            self.jobs.cancelled(file)
            return
        try:
            result = self._result(message)
        except FileError as error:
            status = FileStatus.FAILED if _expected(message) else ended_by(error)
            self.jobs.ended(file, status, error=error.as_dict())
            return
        ended = self.jobs.ended(file, FileStatus.SUCCEEDED, result)
        if self.jobs.get(message.job_id) is None:
            self.jobs.delete_file(file)  # the job was deleted meanwhile
            self.bucket.delete(result.key)
        elif not ended:
            self._clean_up(message, result)

    def _clean_up(self, message: ImageMessage, unused: ResultInfo) -> None:
        """Delete a result that is not the one on record: the file has ended otherwise."""
        file = self.jobs.file(message.job_id, message.file_id)
        if file is None or file.result is None or file.result.key != unused.key:
            self.bucket.delete(unused.key)

    def _result(self, message: ImageMessage) -> ResultInfo:
        started = time.monotonic()
        source = message.source
        reader = self.bucket.reader(source.key, source.etag)
        photo = read_photo(reader, source, self.settings.limits)
        if not photo:
            raise FileError(
                "empty_file", "The file is empty; check the original and upload it again."
            )
        result = self._run_engine(photo, message, self._background(message))
        name = with_extension(message.name, result.extension).rpartition("/")[2]
        key = result_key(message.job_id, message.file_id, result.crc32, name)
        self.bucket.write(key, result.data, result.content_type)
        return ResultInfo(
            key=key,
            content_type=result.content_type,
            size=len(result.data),
            crc32=result.crc32,
            width=result.width,
            height=result.height,
            milliseconds=round(1000 * (time.monotonic() - started)),
            faces=result.faces,
            face_score=None if result.face_score is None else round(1000 * result.face_score),
            score=result.confidence and to_byte(result.confidence.score),
            reasons=result.confidence.reasons if result.confidence else (),
            bytes_in=len(photo),
            model=result.model,
            warnings=tuple({"code": w.code, "message": w.message} for w in result.warnings),
        )

    def _background(self, message: ImageMessage) -> bytes | None:
        """The picture that the options name as the background, if they do. Raises FileError."""
        wanted = message.options.background
        if not isinstance(wanted, BackdropOptions) or wanted.image is None:
            return None
        if self.backgrounds is None:
            raise background_not_found(wanted.image)
        return self.backgrounds.read(wanted.image)

    def _run_engine(self, photo: bytes, message: ImageMessage, background: bytes | None) -> Result:
        """Run the engine. Raises FileError (`processing_error`) for any unexpected error.

        The engine calls no service, so another try would most likely end the same way, and after
        the last one the photo would be reported as a crash.
        """
        try:
            return self.engine.process(photo, message.options, background)
        except DarkroomError:
            raise
        except Exception as error:
            self.log_engine_error(message)
            raise FileError(
                "processing_error",
                "An unexpected error stopped the processing of this photo; "
                "retry it with other options, or upload a freshly saved copy.",
            ) from error


def _expected(message: ImageMessage) -> bool:
    """Whether the file was meant to be a photo: uploaded directly, or named like an image."""
    kind, _ = mimetypes.guess_type(message.name)
    return message.source.entry is None or (kind or "").startswith("image/")
