"""The contents of the archive: a job's results, and a manifest of every file's outcome."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from darkroom import clock
from darkroom.confidence import confidence_document
from darkroom.files import File
from darkroom.jobs import Job
from darkroom.names import UniqueNames, with_extension
from darkroom.states import FileStatus
from functions.zip.archive.layout import Item, Layout, Trailing

MANIFEST = "manifest.json"


class Contents(NamedTuple):
    """The contents of an archive. Equal contents give equal bytes, so workers can share the parts.

    items: an item's ref is its key in the bucket. created_at: seconds since 1970.
    """

    items: list[Item[str]]
    manifest: str
    created_at: float

    def layout(self) -> Layout[str]:
        manifest = Trailing(MANIFEST, self.manifest.encode(), _time(self.created_at))
        return Layout(self.items, [manifest])

    def dumps(self) -> bytes:
        """Serialise for the other workers. Reading this is far cheaper than querying the table."""
        items = [
            [
                item.path,
                item.size,
                item.crc32,
                item.modified and item.modified.timestamp(),
                item.ref,
            ]
            for item in self.items
        ]
        return json.dumps([items, self.manifest, self.created_at]).encode()

    @classmethod
    def loads(cls, data: bytes) -> Contents:
        items, manifest, created_at = json.loads(data)
        return cls(
            [
                Item(path, size, crc32, None if modified is None else _time(modified), ref)
                for path, size, crc32, modified, ref in items
            ],
            manifest,
            created_at,
        )


def contents_of(job: Job, files: Iterable[File]) -> Contents:
    """Collect a job's results under unique names, and the outcome of every file."""
    names = UniqueNames(reserved=[MANIFEST])
    created = _time(job.created_at)
    items: list[Item[str]] = []
    outcomes: list[str] = []
    for file in files:
        if file.status is FileStatus.EXPANDED:
            continue
        path = None
        if file.status is FileStatus.SUCCEEDED and file.result is not None:
            result = file.result
            path = names.add(with_extension(file.name, "." + result.key.rpartition(".")[2]))
            # Keep the time stamp that the photo had in its ZIP.
            modified = created if file.modified is None else _time(file.modified)
            items.append(Item(path, result.size, result.crc32, modified, result.key))
        outcomes.append(_line(_outcome(file, path)))
    head = {
        "job_id": job.job_id,
        "created_at": clock.iso(job.created_at),
        "options": json.loads(job.options),
    }
    # One line per file suits grep, and avoids an object of up to 100,000 files in memory.
    lines = ",\n".join(outcomes)
    return Contents(items, f'{_line(head)[:-1]}, "files": [\n{lines}\n]}}\n', job.created_at)


def _outcome(file: File, path: str | None) -> dict[str, Any]:
    outcome: dict[str, Any] = {"file_id": file.file_id, "name": file.name, "status": file.status}
    if path is not None:
        outcome["path"] = path
    if file.error:
        outcome["error"] = dict(file.error)
    if file.result and file.result.score:
        outcome["confidence"] = confidence_document(file.result.score, file.result.reasons)
    if file.result and file.result.warnings:
        outcome["warnings"] = [dict(warning) for warning in file.result.warnings]
    return outcome


def _line(values: Mapping[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
