"""The service's documents as values. Fields that the client does not know are ignored."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_FINAL = {"completed", "failed", "cancelled", "expired"}


@dataclass(frozen=True, slots=True)
class Progress:
    """A progress document. total: None until the service knows it.

    document: the whole of it, as it came.
    """

    job_id: str
    status: str
    sequence: int
    processed: int
    total: int | None
    succeeded: int
    failed: int
    skipped: int
    archive: str
    error: Mapping[str, str] | None
    document: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Progress:
        """Raises KeyError or TypeError for what is no progress document."""
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
            archive=document["archive"]["status"],
            error=document.get("error"),
            document=document,
        )

    @property
    def final(self) -> bool:
        return self.status in _FINAL


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a photo. size: bytes. width, height: pixels. url: good for an hour.

    faces: None where none were looked for.
    """

    url: str
    content_type: str
    size: int
    width: int
    height: int
    faces: int | None
    model: str | None
    warnings: Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file of a job. name: as uploaded, or its path in the uploaded ZIP."""

    file_id: str
    name: str
    status: str
    error: Mapping[str, str] | None
    result: Result | None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> FileInfo:
        result = document.get("result")
        return cls(
            file_id=document["file_id"],
            name=document["name"],
            status=document["status"],
            error=document.get("error"),
            result=None
            if result is None
            else Result(
                url=result["url"],
                content_type=result["content_type"],
                size=result["bytes"],
                width=result["width"],
                height=result["height"],
                faces=result.get("faces"),
                model=result.get("model"),
                warnings=tuple(result.get("warnings", ())),
            ),
        )


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file to upload. name: what the service shall call it; may have folders."""

    path: Path
    name: str

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    @property
    def content_type(self) -> str:
        """By the name; the service itself goes by the bytes."""
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Models:
    default: str
    names: Sequence[str]
