"""What POST /jobs answers with."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from darkroom.schemas import Document, FileId, JobId, Time
from darkroom.states import JobStatus


class UploadGrant(Document):
    """A presigned POST: send `fields` as form fields, and the file as the last one, `file`."""

    method: Literal["POST"]
    url: str
    fields: dict[str, str]
    headers: dict[str, str]


class GrantedFile(Document):
    file_id: FileId
    name: str = Field(description="The name as it was made safe to unpack anywhere")
    upload: UploadGrant


class CreatedJob(Document):
    job_id: JobId
    token: str = Field(description="Opens this one job. It is not stored and not shown again")
    status: JobStatus
    files: list[GrantedFile]
    websocket_url: str
    expires_at: Time = Field(description="When the upload grants expire")


class GrantedPage(Document):
    files: list[GrantedFile]
    expires_at: Time = Field(description="When the upload grants of this page expire")
