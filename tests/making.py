"""Builders of jobs, files and results with default values, for tests."""

from __future__ import annotations

from typing import Any

from darkroom.access import token_hash
from darkroom.files import File, ResultInfo
from darkroom.jobs import Job
from darkroom.options import Options
from darkroom.states import FileStatus

TOKEN = "j1.secret"


def a_job(**changes: Any) -> Job:
    values: dict[str, Any] = {
        "job_id": "j1",
        "job_type": "batch",
        "options": Options(model="u2netp").model_dump_json(),
        "token_hash": token_hash(TOKEN),
        "uploads": 1,
        "created_at": 1_700_000_000.0,
        "updated_at": 1_700_000_000.0,
        "expires_at": 1_800_000_000.0,
    }
    return Job(**values | changes)


def a_file(index: int = 0, **changes: Any) -> File:
    values: dict[str, Any] = {
        "job_id": "j1",
        "file_id": f"{index:06d}",
        "name": f"photo-{index}.jpg",
        "size": 10,
        "status": FileStatus.AWAITING_UPLOAD,
    }
    return File(**values | changes)


def a_result(index: int = 0, **changes: Any) -> ResultInfo:
    values: dict[str, Any] = {
        "key": f"results/j1/{index:06d}/photo-{index}.png",
        "content_type": "image/png",
        "size": 3,
        "crc32": 0,
        "width": 4,
        "height": 2,
        "milliseconds": 5,
        "model": "u2netp",
    }
    return ResultInfo(**values | changes)
