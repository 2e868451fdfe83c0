"""Conversion of blocks of files to items of the table, and back."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from darkroom.aws import items
from darkroom.files import File
from darkroom.messages import Source
from darkroom.spans import block_of
from darkroom.states import FileStatus


def block_item(files: Sequence[File], expires_at: float) -> dict[str, Any]:
    """A block of new files, at most 100, all uploads or all entries of one ZIP.

    `ended` makes the tally count it, because some of its files are skipped, say, from the start.
    """
    first = files[0]
    rows = [
        [
            file.file_id,
            file.name,
            file.size,
            file.status.value,
            file.modified,
            file.source.entry.model_dump() if file.source and file.source.entry else None,
            dict(file.error) if file.error else None,
        ]
        for file in files
    ]
    body = {"source": first.source and first.source.model_dump(exclude={"entry"}), "files": rows}
    waiting = {FileStatus.AWAITING_UPLOAD, FileStatus.QUEUED}
    return {
        "pk": items.block_partition(first.job_id, block_of(first.index)),
        "sk": items.BLOCK,
        "files": zlib.compress(json.dumps(body, separators=(",", ":")).encode(), 6),
        "count": len(files),
        "ended": "no" if {file.status for file in files} <= waiting else "yes",
        "expires_at": int(expires_at),
    }


def block_from(item: Mapping[str, Any]) -> list[File]:
    body = json.loads(zlib.decompress(bytes(item["files"])))
    source = body["source"]
    return [
        File(
            job_id=items.job_of(item["pk"]),
            file_id=file_id,
            name=name,
            size=size,
            status=FileStatus(status),
            modified=modified,
            source=source and Source(**source, entry=entry),
            error=error,
            expires_at=float(item["expires_at"]),
        )
        for file_id, name, size, status, modified, entry, error in body["files"]
    ]


def files_from_stream(image: Mapping[str, Any]) -> list[File]:
    """The files in a stream record: one from its own item, or those of a block."""
    item = items.from_stream(image)
    return block_from(item) if item["sk"] == items.BLOCK else [items.file_from(item)]
