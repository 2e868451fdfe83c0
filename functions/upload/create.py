"""Creating a job: validate the request, store the job, grant an upload for each of its files."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from darkroom import clock
from darkroom.access import new_token, token_hash
from darkroom.errors import InvalidRequest
from darkroom.files import File
from darkroom.jobs import Job, file_id
from darkroom.keys import UploadKey
from darkroom.names import safe_path
from darkroom.options import Options, resolve
from darkroom.public_url import parse_public_url
from darkroom.settings import Settings
from darkroom.states import FileStatus

if TYPE_CHECKING:
    from darkroom.aws.bucket import Bucket
    from darkroom.aws.table import JobTable

DAY = 86_400
_ZIP_TYPES = {"application/zip", "application/x-zip-compressed"}


class NewFile(BaseModel):
    """A file to be uploaded, as the client declares it. size: bytes."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=1024)]
    size: Annotated[int, Field(ge=0)]
    content_type: Annotated[str, Field(pattern=r"^[\w.+-]+/[\w.+-]+$", max_length=127)] = (
        "application/octet-stream"
    )

    @property
    def is_zip(self) -> bool:
        """Whether it is declared as a ZIP. The fan-out goes by the bytes instead."""
        return self.content_type in _ZIP_TYPES or self.name.lower().endswith(".zip")


def _checked_callback(url: str) -> str:
    try:
        parse_public_url(url)
    except ValueError as error:
        raise PydanticCustomError("callback", "{reason}", {"reason": str(error)}) from error
    return url


class NewJob(BaseModel):
    """The body of POST /jobs. callback_url: receives a webhook when the job has settled."""

    model_config = ConfigDict(extra="forbid")

    files: Annotated[list[NewFile], Field(min_length=1, max_length=100)]
    options: Options = Options()
    callback_url: Annotated[str, AfterValidator(_checked_callback)] | None = None


def create_job(
    request: NewJob, settings: Settings, jobs: JobTable, bucket: Bucket
) -> dict[str, Any]:
    """Store the job and grant its uploads. Raises InvalidRequest, which names every wrong field."""
    options = resolve(request.options, settings.models)
    _check_sizes(request.files, settings)

    now = clock.now()
    job_id = uuid.uuid4().hex
    token = new_token(job_id)
    job = Job(
        job_id=job_id,
        job_type=_job_type(request.files),
        options=options.model_dump_json(),
        token_hash=token_hash(token),
        uploads=len(request.files),
        created_at=now,
        updated_at=now,
        expires_at=now + settings.keep_days * DAY,
        callback_url=request.callback_url or "",
    )
    files = [
        File(job_id, file_id(index), safe_path(new.name), new.size, FileStatus.AWAITING_UPLOAD)
        for index, new in enumerate(request.files)
    ]
    jobs.create(job, files)
    return {
        "job_id": job_id,
        "token": token,
        "status": job.status.value,
        "files": [
            {
                "file_id": file.file_id,
                "name": file.name,
                "upload": bucket.grant_upload(
                    str(UploadKey(job_id, file.file_id, file.name.rpartition("/")[2])),
                    size=new.size,
                    content_type=new.content_type,
                    seconds=settings.grant_seconds,
                ),
            }
            for file, new in zip(files, request.files, strict=True)
        ],
        "websocket_url": settings.websocket_url,
        "expires_at": clock.iso(now + settings.grant_seconds),
    }


def _check_sizes(files: list[NewFile], settings: Settings) -> None:
    """Raises InvalidRequest (`file_too_large`), which names every file over its limit."""
    fields = [
        {
            "field": f"files.{index}.size",
            "message": f"{file.name} has {file.size} bytes, over the limit of {limit}",
        }
        for index, file in enumerate(files)
        for limit in [settings.max_zip_bytes if file.is_zip else settings.max_photo_bytes]
        if file.size > limit
    ]
    if fields:
        named = "; ".join(field["message"] for field in fields)
        raise InvalidRequest(
            "file_too_large", f"Some files are too large; send smaller ones: {named}.", fields
        )


def _job_type(files: list[NewFile]) -> str:
    if len(files) > 1:
        return "batch"
    return "zip" if files[0].is_zip else "single"
