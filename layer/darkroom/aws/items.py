"""Conversion of jobs and files to items of the table, and back.

pk                  sk              item
JOB#<job>           JOB             the job
JOB#<job>           FILE#<file>     a file of it
JOB#<job>           SUB#<conn>      a connection that follows it
CONN#<connection>   CONN            a connection, and the jobs it follows
LEDGER              <job>           a job's share of the totals (`aws.ledger_table`)
STATS               TOTAL           the totals (`aws.ledger_table`)

Two sparse indexes find jobs (`aws.index`). `history`, by `day` and `created_at`, has all of them;
`unfinished`, by `open` and `stirred`, has those that are not settled.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any, Final

from boto3.dynamodb.types import TypeDeserializer

from darkroom import outcomes
from darkroom.archives import Archive
from darkroom.files import File, ResultInfo
from darkroom.history_cursor import day_of
from darkroom.jobs import Job
from darkroom.messages import Source
from darkroom.outcomes import Counts
from darkroom.spans import Span
from darkroom.states import ArchiveStatus, FileStatus, JobStatus
from darkroom.usage import Timing, Usage

JOB: Final = "JOB"
FILE: Final = "FILE#"
SUBSCRIBER: Final = "SUB#"
OPEN: Final = "yes"
STIR_SECONDS: Final = 300
"""`stirred`, the time of a job's last change, is rounded down to a multiple of this many seconds,
so that not every change of a busy job is written to its index."""

_deserializer = TypeDeserializer()


def partition(job_id: str) -> str:
    return f"JOB#{job_id}"


def job_of(pk: str) -> str:
    """The job id in a partition key."""
    return pk.removeprefix("JOB#")


def job_item(job: Job) -> dict[str, Any]:
    return {
        "pk": partition(job.job_id),
        "sk": JOB,
        "job_id": job.job_id,
        "job_type": job.job_type,
        "options": job.options,
        "token_hash": job.token_hash,
        "uploads": job.uploads,
        "created_at": _decimal(job.created_at),
        "updated_at": _decimal(job.updated_at),
        "expires_at": int(job.expires_at),
        "status": job.status.value,
        "spans": {
            str(upload): [span.first, span.length, span.files] for upload, span in job.spans.items()
        },
        "total": job.total,
        "tally": outcomes.pack(job.tally),
        "counts": asdict(job.counts),
        "recent": [dict(entry) for entry in job.recent],
        "sequence": job.sequence,
        "archive": asdict(job.archive) | {"status": job.archive.status.value},
        "error": dict(job.error) if job.error else None,
        "attempt": job.attempt,
        "usage": _usage_map(job.usage),
        "nudges": job.nudges,
        "callback_url": job.callback_url,
        "source": job.source,
        "day": day_of(job.created_at),
        **({} if job.settled else {"open": OPEN, "stirred": stirred(job.updated_at)}),
    }


def stirred(seconds: float) -> int:
    return int(seconds // STIR_SECONDS * STIR_SECONDS)


def job_from(item: Mapping[str, Any]) -> Job:
    archive = item["archive"]
    return Job(
        job_id=item["job_id"],
        job_type=item["job_type"],
        options=item["options"],
        token_hash=item["token_hash"],
        uploads=int(item["uploads"]),
        created_at=float(item["created_at"]),
        updated_at=float(item["updated_at"]),
        expires_at=float(item["expires_at"]),
        status=JobStatus(item["status"]),
        spans={
            int(upload): Span(*(int(number) for number in span))
            for upload, span in item["spans"].items()
        },
        total=None if item["total"] is None else int(item["total"]),
        tally=outcomes.unpack(bytes(item["tally"])),
        counts=Counts(**{name: int(number) for name, number in item["counts"].items()}),
        recent=tuple(item["recent"]),
        sequence=int(item["sequence"]),
        archive=Archive(
            ArchiveStatus(archive["status"]),
            int(archive["generation"]),
            int(archive["size"]),
            archive["upload_id"],
        ),
        error=item["error"],
        attempt=int(item["attempt"]),
        usage=_usage_from(item.get("usage", {})),
        nudges=int(item.get("nudges", 0)),
        callback_url=item.get("callback_url", ""),
        source=item.get("source", ""),
    )


def file_item(file: File, expires_at: float) -> dict[str, Any]:
    """Empty fields are left out, because files are most of what a job stores."""
    item = {
        "pk": partition(file.job_id),
        "sk": FILE + file.file_id,
        "name": file.name,
        "size": file.size,
        "status": file.status.value,
        "attempt": file.attempt,
        "modified": None if file.modified is None else _decimal(file.modified),
        "source": file.source and source_text(file.source),
        "result": file.result and result_map(file.result),
        "error": file.error and dict(file.error),
        "expires_at": int(expires_at),
    }
    return {name: value for name, value in item.items() if value is not None}


def file_from(item: Mapping[str, Any]) -> File:
    source, result = item.get("source"), item.get("result")
    modified = item.get("modified")
    return File(
        job_id=job_of(item["pk"]),
        file_id=item["sk"].removeprefix(FILE),
        name=item["name"],
        size=int(item["size"]),
        status=FileStatus(item["status"]),
        attempt=int(item["attempt"]),
        modified=None if modified is None else float(modified),
        source=None if source is None else Source.model_validate_json(source),
        result=None if result is None else ResultInfo(**_integers(result)),
        error=item.get("error"),
    )


def source_text(source: Source) -> str:
    """A source as one string: it is always read whole, and a map takes three times the space."""
    return source.model_dump_json(exclude_none=True)


def result_map(result: ResultInfo) -> dict[str, Any]:
    """A result without its empty fields."""
    fields = asdict(result) | {"warnings": [dict(warning) for warning in result.warnings]}
    return {name: value for name, value in fields.items() if value not in (None, [])}


def _usage_map(usage: Usage) -> dict[str, Any]:
    models = {name: list(timing) for name, timing in usage.models.items()}
    return {"bytes_in": usage.bytes_in, "bytes_out": usage.bytes_out, "models": models}


def _usage_from(values: Mapping[str, Any]) -> Usage:
    """The stored usage; zero for a job stored before usage was recorded."""
    models = {
        name: Timing(int(photos), int(milliseconds))
        for name, (photos, milliseconds) in values.get("models", {}).items()
    }
    return Usage(int(values.get("bytes_in", 0)), int(values.get("bytes_out", 0)), models)


def from_stream(image: Mapping[str, Any]) -> dict[str, Any]:
    """The item in a stream record, which has explicit types and binary values as base64."""
    return {name: _deserializer.deserialize(_binary(value)) for name, value in image.items()}


def _binary(value: Mapping[str, Any]) -> Any:
    """Decode a binary value. Lambda delivers records as JSON; only the tally is binary."""
    return {"B": base64.b64decode(value["B"])} if isinstance(value.get("B"), str) else value


def _decimal(number: float) -> Decimal:
    return Decimal(f"{number:.3f}")


def _integers(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: int(value) if isinstance(value, Decimal) else value for name, value in values.items()
    }
