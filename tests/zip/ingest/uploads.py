"""Helpers that make uploads and run the ingest function on them."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from darkroom.messages import ImageMessage
from functions.zip.ingest import app as ingest
from tests.conftest import Cloud, FakeContext, sqs_event
from tests.making import a_file, a_job

Event = dict[str, Any]


def zip_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, data in files.items():
            writer.writestr(name, data)
    return out.getvalue()


def run(*events: Event, milliseconds: int = 60_000) -> list[str]:
    bodies = [json.dumps(event) for event in events]
    answer = ingest.handler(sqs_event(*bodies), FakeContext(milliseconds))
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def make_job(cloud: Cloud, uploads: int = 1, job_id: str = "j1") -> None:
    files = [a_file(index, job_id=job_id) for index in range(uploads)]
    cloud.services.jobs.create(a_job(uploads=uploads, job_id=job_id), files)


def uploaded(
    cloud: Cloud, data: bytes, index: int = 0, name: str = "a.jpg", job_id: str = "j1"
) -> Event:
    return cloud.put(f"uploads/{job_id}/{index:06d}/{name}", data)


def messages(cloud: Cloud) -> list[ImageMessage]:
    bodies = cloud.messages() + cloud.bulk_messages()
    parsed = [ImageMessage.model_validate_json(body) for body in bodies]
    return sorted(parsed, key=lambda message: message.file_id)
