"""The documents that the API answers with, as types. `GET /openapi.json` describes them.

The functions build plain dicts; Powertools checks each against its type before it is sent.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from darkroom.error_codes import FILE_CODES, JOB_CODES, REQUEST_CODES
from darkroom.states import ArchiveStatus, FileStatus, JobStatus

Time = Annotated[
    str,
    Field(
        description="RFC 3339, UTC, to the millisecond",
        examples=["2026-11-24T09:30:00.000Z"],
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
    ),
]
JobId = Annotated[str, Field(examples=["5e2c6b1d9f4a47c7b1f0a6f3f7a5b0c1"])]
FileId = Annotated[str, Field(pattern=r"^\d{6}$", examples=["000014"])]


class Document(BaseModel):
    """Nothing is sent that is not described."""

    model_config = ConfigDict(extra="forbid")


class FieldError(Document):
    field: str = Field(description="A dotted path into the request", examples=["options.model"])
    message: str


class Problem(Document):
    """An error (RFC 9457). Match on `code`; show `detail` to people."""

    type: Literal["about:blank"]
    title: str = Field(description="The name of the status", examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(description="What happened, and what to do about it")
    code: str = Field(
        description="Stable", examples=["unknown_job"], json_schema_extra={"enum": [*REQUEST_CODES]}
    )
    request_id: str = Field(description="Quote it when you report a problem")
    errors: list[FieldError] | None = Field(
        default=None, description="One entry for each field of the request that is wrong (422)"
    )


class ErrorInfo(Document):
    """Why a file or a job failed."""

    code: str = Field(
        examples=["damaged_photo"],
        json_schema_extra={"enum": [*dict.fromkeys([*FILE_CODES, *JOB_CODES])]},
    )
    message: str


class Progress(Document):
    processed: int = Field(description="Files that have ended, in whatever way", examples=[15])
    total: int | None = Field(description="null until every upload has been listed", examples=[50])
    percentage: float = Field(examples=[30.0])


class Summary(Document):
    total: int | None = Field(description="null until every upload has been listed", examples=[50])
    succeeded: int
    failed: int
    skipped: int = Field(description="Not photos, or not started when the job was cancelled")
    review: int = Field(description="Succeeded files whose confidence is below 0.5")
    success_percentage: float = Field(
        description="Succeeded files as a share of all files; of those processed so far "
        "while the total is not known",
        examples=[93.3],
    )


class Metadata(Document):
    created_at: Time
    updated_at: Time
    job_type: Literal["single", "batch", "zip", "drop"]
    file_count: int = Field(description="Uploads of the job; a ZIP counts as one")


class ArchiveState(Document):
    status: ArchiveStatus
    bytes: int | None = Field(description="The ZIP's size once it is ready")


class RecentFile(Document):
    file_id: FileId
    name: str = Field(examples=["shop/bags/1204.jpg"])
    status: FileStatus
    error: ErrorInfo | None


class JobState(Document):
    """How far a job is, without its files."""

    type: Literal["progress"]
    job_id: JobId
    status: JobStatus
    sequence: int = Field(description="Rises with each change; ignore a lower one than you have")
    progress: Progress
    summary: Summary
    metadata: Metadata
    archive: ArchiveState
    error: ErrorInfo | None = Field(description="Why the job came to nothing")


class ProgressDocument(JobState):
    """How far a job is. The WebSocket sends the same document."""

    recent: list[RecentFile] = Field(description="The ten files that ended last, latest first")


def problems(*statuses: int) -> dict[int, Any]:
    """The `responses` of a route for its errors. 500 is always among them."""
    known = {
        401: "No credential, or a wrong one",
        404: "There is no such job or file",
        409: "The state of the job or file does not allow this",
        422: "The request is not valid",
        500: "An error of ours; try again",
    }
    content = {"application/problem+json": {"model": Problem}}
    return {
        status: {"description": known[status], "content": content} for status in (*statuses, 500)
    }
