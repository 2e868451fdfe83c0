"""Builders of Lambda events with records of the table's stream."""

from __future__ import annotations

import base64
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from darkroom.aws import items
from darkroom.counting import events_by_job
from darkroom.files import File
from darkroom.jobs import Job
from darkroom.states import FileStatus
from tests.making import a_file, a_result


def image(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item in the JSON format of the stream."""
    typed = {name: TypeSerializer().serialize(value) for name, value in item.items()}
    return {
        name: {"B": base64.b64encode(value["B"]).decode()} if "B" in value else value
        for name, value in typed.items()
    }


def record(before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, Any]:
    """The record of a write; each item as it was before and after, None if there was none."""
    images = {"OldImage": before and image(before), "NewImage": after and image(after)}
    change = {name: value for name, value in images.items() if value}
    keys = {name: next(iter(change.values()))[name] for name in ("pk", "sk")}
    return {"dynamodb": {"Keys": keys, **change}}


def file_event(*files: File) -> dict[str, Any]:
    return {"Records": [record(None, items.file_item(file, 1.0)) for file in files]}


def job_event(*changes: tuple[Job | None, Job]) -> dict[str, Any]:
    return {
        "Records": [
            record(before and items.job_item(before), items.job_item(after))
            for before, after in changes
        ]
    }


def done(index: int, job_id: str = "j1") -> File:
    return a_file(index, job_id=job_id, status=FileStatus.SUCCEEDED, result=a_result(index))


def tally_event() -> Any:
    return events_by_job([done(0)])["j1"][0]
