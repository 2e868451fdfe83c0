"""What the result ZIP holds, and the manifest that says what became of every file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from darkroom import clock
from darkroom.files import File
from darkroom.jobs import Job
from darkroom.names import UniqueNames, with_extension
from darkroom.states import FileStatus
from functions.zip.layout import Item, Layout, Trailing

MANIFEST = "manifest.json"


def archive_layout(job: Job, files: Iterable[File]) -> Layout[str]:
    """The job's ZIP; equal files give equal bytes, whoever builds which part of it.

    An item's ref is its key in the bucket.
    """
    names = UniqueNames(reserved=[MANIFEST])
    items: list[Item[str]] = []
    outcomes: list[dict[str, Any]] = []
    for file in files:
        if file.status is FileStatus.EXPANDED:
            continue
        path = None
        if file.status is FileStatus.SUCCEEDED and file.result is not None:
            result = file.result
            path = names.add(with_extension(file.name, "." + result.key.rpartition(".")[2]))
            items.append(Item(path, result.size, result.crc32, _modified(file, job), result.key))
        outcomes.append(_outcome(file, path))
    manifest = {
        "job_id": job.job_id,
        "created_at": clock.iso(job.created_at),
        "options": json.loads(job.options),
        "files": outcomes,
    }
    data = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
    return Layout(items, [Trailing(MANIFEST, data, _time(job.created_at))])


def _outcome(file: File, path: str | None) -> dict[str, Any]:
    outcome: dict[str, Any] = {"file_id": file.file_id, "name": file.name, "status": file.status}
    if path is not None:
        outcome["path"] = path
    if file.error:
        outcome["error"] = dict(file.error)
    if file.result and file.result.warnings:
        outcome["warnings"] = [dict(warning) for warning in file.result.warnings]
    return outcome


def _modified(file: File, job: Job) -> datetime:
    """The photo's own time stamp where the ZIP it came in told it."""
    return _time(job.created_at if file.modified is None else file.modified)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
