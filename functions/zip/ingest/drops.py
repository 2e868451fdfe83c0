"""Drops: objects written directly to `inbox/` in the bucket, without an API call."""

from __future__ import annotations

from collections.abc import Mapping

from darkroom import clock
from darkroom.errors import FileError, InvalidRequest
from darkroom.files import File
from darkroom.jobs import Job, file_id
from darkroom.keys import INBOX
from darkroom.messages import UploadMessage
from darkroom.names import safe_path
from darkroom.options import Options, parse_options_json
from darkroom.resolving import resolve
from darkroom.settings import Settings
from darkroom.states import FileStatus

DAY = 86_400
OPTIONS = "darkroom-options"


def is_drop(key: str) -> bool:
    """Whether the key is a drop. Empty objects that consoles create for folders are not."""
    return key.startswith(INBOX) and not key.endswith("/")


def drop_job(arrival: UploadMessage, options: Options, settings: Settings) -> tuple[Job, File]:
    """The job of a drop, and its one upload. Redeliveries of an event give the same job id."""
    now = clock.now()
    job = Job(
        job_id=arrival.drop_id,
        job_type="drop",
        options=options.model_dump_json(),
        token_hash="",  # no token is issued: only the deployment's key gives access
        uploads=1,
        created_at=now,
        updated_at=now,
        expires_at=now + settings.keep_days * DAY,
        source=arrival.key,
        source_etag=arrival.etag,
    )
    name = safe_path(arrival.key.removeprefix(INBOX))
    return job, File(job.job_id, file_id(0), name, arrival.size, FileStatus.AWAITING_UPLOAD)


def drop_options(metadata: Mapping[str, str], settings: Settings) -> Options:
    """The options in the object's metadata, or the deployment's defaults.

    Raises FileError (`invalid_options`, `unknown_model`, `unknown_preset`).
    """
    try:
        text = metadata.get(OPTIONS)
        options = settings.drop_options if text is None else parse_options_json(text)
        return resolve(options, settings)
    except InvalidRequest as error:
        raise FileError(error.code, error.message) from error
