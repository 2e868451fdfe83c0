"""Values that jobs of every version store alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from darkroom.archives import Archive
from darkroom.files import ResultInfo
from darkroom.states import ArchiveStatus
from darkroom.usage import Timing, Usage


def archive_from(values: Mapping[str, Any]) -> Archive:
    return Archive(
        ArchiveStatus(values["status"]),
        int(values["generation"]),
        int(values["size"]),
        values["upload_id"],
        wanted=values.get("wanted", False),
    )


def usage_map(usage: Usage) -> dict[str, Any]:
    models = {name: list(timing) for name, timing in usage.models.items()}
    return {"bytes_in": usage.bytes_in, "bytes_out": usage.bytes_out, "models": models}


def usage_from(values: Mapping[str, Any]) -> Usage:
    """The stored usage; zero for a job stored before usage was recorded."""
    models = {
        name: Timing(int(photos), int(milliseconds))
        for name, (photos, milliseconds) in values.get("models", {}).items()
    }
    return Usage(int(values.get("bytes_in", 0)), int(values.get("bytes_out", 0)), models)


def result_map(result: ResultInfo) -> dict[str, Any]:
    """A result without its empty fields."""
    fields = asdict(result) | {
        "warnings": [dict(warning) for warning in result.warnings],
        "reasons": list(result.reasons),
    }
    return {name: value for name, value in fields.items() if value not in (None, [])}


def result_from(file: Mapping[str, Any]) -> ResultInfo | None:
    """The result in a file's item. Version 0.1 stored no size of the photo: it was the file's."""
    result = file.get("result")
    if result is None:
        return None
    stored: dict[str, Any] = {"bytes_in": file["size"]} | result
    fields: dict[str, Any] = {
        name: int(v) if isinstance(v, Decimal) else v for name, v in stored.items()
    }
    return ResultInfo(**fields)
