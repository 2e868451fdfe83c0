"""Creating a job: validate the request, store the job, grant an upload for each of its files."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from darkroom import clock
from darkroom.access import new_token, token_hash
from darkroom.errors import Conflict, InvalidRequest
from darkroom.files import File
from darkroom.jobs import Job, file_id
from darkroom.keys import UploadKey
from darkroom.names import safe_path
from darkroom.options import Options
from darkroom.public_url import parse_public_url
from darkroom.resolving import resolve
from darkroom.settings import Settings
from darkroom.spans import BLOCK, block_of
from darkroom.states import FileStatus
from darkroom.validation import invalid

if TYPE_CHECKING:
    from darkroom.aws.bucket import Bucket
    from darkroom.aws.table import JobTable

DAY = 86_400
MAX_UPLOADS: Final = 10_000
"""Files that can be uploaded to one job, in pages of 100."""
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


_Page = Annotated[list[NewFile], Field(min_length=1, max_length=BLOCK)]


class NewJob(BaseModel):
    """The body of POST /jobs. callback_url: receives a webhook when the job has settled.

    file_count: of all files, if more are declared later; those in `files` are the first of them.
    """

    model_config = ConfigDict(extra="forbid")

    files: _Page
    file_count: Annotated[int, Field(ge=1, le=MAX_UPLOADS)] | None = None
    options: Options = Options()
    callback_url: Annotated[str, AfterValidator(_checked_callback)] | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.file_count is None or self.file_count == len(self.files):
            return self
        if self.file_count < len(self.files):
            raise _wrong("file_count", "it is less than the number of files")
        if len(self.files) != BLOCK:
            raise _wrong("files", f"declare {BLOCK} files here, and the others in pages")
        return self


class MoreFiles(BaseModel):
    """The body of POST /jobs/{job_id}/files. first: the index of the first of `files` in the job, a
    multiple of 100. Only the last page may have fewer than 100 files."""

    model_config = ConfigDict(extra="forbid")

    first: Annotated[int, Field(ge=0, multiple_of=BLOCK)]
    files: _Page


def create_job(
    request: NewJob, settings: Settings, jobs: JobTable, bucket: Bucket
) -> dict[str, Any]:
    """Store the job and grant its uploads. Raises InvalidRequest, which names every wrong field."""
    options = resolve(request.options, settings)
    _check_sizes(request.files, settings)

    now = clock.now()
    job_id = uuid.uuid4().hex
    token = new_token(job_id)
    job = Job(
        job_id=job_id,
        job_type=_job_type(request),
        options=options.model_dump_json(),
        token_hash=token_hash(token),
        uploads=request.file_count or len(request.files),
        created_at=now,
        updated_at=now,
        expires_at=now + settings.keep_days * DAY,
        grants_until=now + settings.grant_seconds,
        callback_url=request.callback_url or "",
    )
    files = _declared(job, 0, request.files)
    jobs.create(job, files)
    return {
        "job_id": job_id,
        "token": token,
        "status": job.status.value,
        "files": _grants(files, request.files, settings, bucket),
        "websocket_url": settings.websocket_url,
        "expires_at": clock.iso(job.grants_until),
    }


def declare_files(
    job: Job, request: MoreFiles, settings: Settings, jobs: JobTable, bucket: Bucket
) -> dict[str, Any]:
    """Declare a page of a job's files, and grant their uploads.

    A repeat grants them anew. Raises InvalidRequest; Conflict (`job_ended`, `already_declared`).
    """
    _check_sizes(request.files, settings)
    if len(request.files) != min(BLOCK, job.uploads - request.first):
        message = f"the job has {job.uploads} files: declare every page of {BLOCK} as a whole"
        raise invalid("invalid_files", "The page does not fit", [_field("files", message)])
    if job.status.final:
        raise Conflict("job_ended", "The job has ended and takes no more files; create a new job.")
    files = _declared(job, request.first, request.files)
    if not jobs.add_uploads(files, job.expires_at):
        known = jobs.block(job, block_of(request.first))
        if [(f.name, f.size) for f in known] != [(f.name, f.size) for f in files]:
            raise Conflict(
                "already_declared",
                "Other files were declared for this page; declare them for another one.",
            )
    until = clock.now() + settings.grant_seconds
    jobs.change(job.job_id, lambda now: now.granted(until))
    return {
        "files": _grants(files, request.files, settings, bucket),
        "expires_at": clock.iso(until),
    }


def _declared(job: Job, first: int, files: list[NewFile]) -> list[File]:
    return [
        File(
            job.job_id,
            file_id(index),
            safe_path(new.name),
            new.size,
            FileStatus.AWAITING_UPLOAD,
            expires_at=job.expires_at,
        )
        for index, new in enumerate(files, first)
    ]


def _grants(
    files: list[File], declared: list[NewFile], settings: Settings, bucket: Bucket
) -> list[dict[str, Any]]:
    return [
        {
            "file_id": file.file_id,
            "name": file.name,
            "upload": bucket.grant_upload(
                str(UploadKey(file.job_id, file.file_id, file.name.rpartition("/")[2])),
                size=new.size,
                content_type=new.content_type,
                seconds=settings.grant_seconds,
            ),
        }
        for file, new in zip(files, declared, strict=True)
    ]


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


def _job_type(request: NewJob) -> str:
    if (request.file_count or len(request.files)) > 1:
        return "batch"
    return "zip" if request.files[0].is_zip else "single"


def _field(name: str, message: str) -> dict[str, Any]:
    return {"field": name, "message": message}


def _wrong(field: str, message: str) -> PydanticCustomError:
    return PydanticCustomError("page", "{reason}", {"field": field, "reason": message})
