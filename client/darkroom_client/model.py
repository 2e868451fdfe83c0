"""The documents of the service as dataclasses. Unknown fields are ignored."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_FINAL = {"completed", "failed", "cancelled", "expired"}


@dataclass(frozen=True, slots=True)
class Progress:
    """A progress document.

    total: None until every upload has been listed. document: the complete JSON, as received.
    """

    job_id: str
    status: str
    sequence: int
    processed: int
    total: int | None
    succeeded: int
    failed: int
    skipped: int
    review: int
    archive: str
    error: Mapping[str, str] | None
    document: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Progress:
        """Parse a progress document. Raises KeyError or TypeError if it is not one."""
        progress, summary = document["progress"], document["summary"]
        return cls(
            job_id=document["job_id"],
            status=document["status"],
            sequence=document["sequence"],
            processed=progress["processed"],
            total=progress["total"],
            succeeded=summary["succeeded"],
            failed=summary["failed"],
            skipped=summary["skipped"],
            review=summary.get("review", 0),
            archive=document["archive"]["status"],
            error=document.get("error"),
            document=document,
        )

    @property
    def final(self) -> bool:
        """Whether the job has ended. Its archive may still be building."""
        return self.status in _FINAL


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a photo.

    url: presigned, valid for an hour. size: bytes. width, height: pixels. faces: how many were
    found; None if face detection did not run. model: None if none was used.
    """

    url: str
    content_type: str
    size: int
    width: int
    height: int
    faces: int | None
    face_score: float | None
    model: str | None
    warnings: Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file of a job. name: as uploaded, or its path in the ZIP."""

    file_id: str
    name: str
    status: str
    error: Mapping[str, str] | None
    confidence: Mapping[str, Any] | None
    result: Result | None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> FileInfo:
        """Parse a file document. Raises KeyError or TypeError if it is not one."""
        result = document.get("result")
        return cls(
            file_id=document["file_id"],
            name=document["name"],
            status=document["status"],
            error=document.get("error"),
            confidence=document.get("confidence"),
            result=None
            if result is None
            else Result(
                url=result["url"],
                content_type=result["content_type"],
                size=result["bytes"],
                width=result["width"],
                height=result["height"],
                faces=result.get("faces"),
                face_score=result.get("face_score"),
                model=result.get("model"),
                warnings=tuple(result.get("warnings", ())),
            ),
        )


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file to upload. name: its name in the job; may contain folders."""

    path: Path
    name: str

    @property
    def size(self) -> int:
        """Bytes. Raises OSError."""
        return self.path.stat().st_size

    @property
    def content_type(self) -> str:
        """Guessed from the name. The service decides by the content."""
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Preset:
    """Options for a purpose, by name. options: what it gives; a job's own come before them."""

    name: str
    description: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a deployment. default: its name; also in names."""

    default: str
    names: Sequence[str]
