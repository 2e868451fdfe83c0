"""What the reading routes answer with, beside the progress document."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from darkroom.confidence import REASONS
from darkroom.error_codes import WARNING_CODES
from darkroom.schemas import (
    Document,
    ErrorInfo,
    FileId,
    JobState,
    ProgressDocument,
    Time,
)
from darkroom.states import FileStatus


class Links(Document):
    """Relative to the API's address, except `download`."""

    self: str = Field(examples=["jobs/5e2c"])
    files: str
    archive: str
    download: str | None = Field(
        description="Once the ZIP is ready: a presigned URL of it, valid for an hour"
    )


class JobDocument(ProgressDocument):
    links: Links


class ListedJob(JobState):
    """A job without its recent files."""

    links: Links


class JobPage(Document):
    jobs: list[ListedJob]
    cursor: str | None = Field(description="Ask for the next page with it; null on the last page")


class ResultWarning(Document):
    code: str = Field(examples=["no_face"], json_schema_extra={"enum": [*WARNING_CODES]})
    message: str


class ResultDocument(Document):
    url: str | None = Field(description="Where the result can be fetched for an hour")
    content_type: str = Field(examples=["image/png"])
    bytes: int
    width: int = Field(description="In pixels")
    height: int = Field(description="In pixels")
    faces: int | None = Field(description="Faces found; null where none were looked for")
    face_score: float | None = Field(
        description="How sure the detector is of the largest face, 0.8 to 1; null without one"
    )
    model: str | None = Field(description="null where no background was removed")
    duration_ms: int = Field(description="From the photo's first byte read to its result stored")
    warnings: list[ResultWarning]


class Reason(Document):
    code: str = Field(examples=["uncertain_edges"], json_schema_extra={"enum": [*REASONS]})
    message: str


class ConfidenceDocument(Document):
    score: float = Field(description="0 to 1; below 0.5 the result needs a look", examples=[0.93])
    reasons: list[Reason]


class FileDocument(Document):
    file_id: FileId
    name: str = Field(examples=["shop/bags/1204.jpg"])
    status: FileStatus
    bytes: int = Field(description="Of the photo as uploaded, or unpacked from its ZIP")
    modified_at: Time | None = Field(description="From the ZIP, where the photo came in one")
    error: ErrorInfo | None
    confidence: ConfidenceDocument | None = Field(
        description="null without a result, and where nothing was estimated"
    )
    result: ResultDocument | None


class FilePage(Document):
    files: list[FileDocument]
    cursor: str | None = Field(description="Ask for the next page with it; null on the last page")


class DataUrl(Document):
    file_id: FileId
    name: str
    data_url: str = Field(examples=["data:image/png;base64,iVBORw0KGgo="])


class ModelList(Document):
    default: str = Field(examples=["u2net"])
    models: list[str] = Field(examples=[["u2net", "u2netp"]])


class PresetDocument(Document):
    name: str = Field(examples=["amazon"])
    description: str = Field(examples=["Amazon, main image: 2,000 pixels square, pure white"])
    options: dict[str, Any] = Field(
        description="The options that it gives; every other one keeps its default",
        examples=[{"background": "#FFFFFF", "canvas": {"width": 2000, "height": 2000}}],
    )
    source: str | None = Field(description="Where the rules are that it follows")
    checked: str | None = Field(
        description="The month in which they were read", examples=["2026-11"]
    )


class PresetList(Document):
    presets: list[PresetDocument]


class Health(Document):
    status: Literal["ok"]
    version: str = Field(examples=["0.1.0"])


class JobTotals(Document):
    completed: int
    failed: int
    cancelled: int
    expired: int
    deleted: int


class PhotoTotals(Document):
    succeeded: int
    failed: int
    skipped: int


class ByteTotals(Document):
    in_: int = Field(alias="in", description="Of photos that succeeded, unpacked")
    out: int = Field(description="Of their results")


class ModelTotals(Document):
    photos: int
    mean_seconds: float


class Statistics(Document):
    """All jobs since the deployment began."""

    jobs: JobTotals
    photos: PhotoTotals
    bytes: ByteTotals
    models: dict[str, ModelTotals] = Field(
        description="By model; `none` stands for photos that were only cropped"
    )
