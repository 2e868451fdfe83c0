"""Conversion of jobs and files to items of the table, and back.

pk                    sk              item
JOB#<job>             JOB             the job
JOB#<job>             TALLY#<page>    a page of its tally (`darkroom.tallies`)
JOB#<job>             SUB#<conn>      a connection that follows it
JOB#<job>#<block>     BLOCK           100 files as they were declared or listed
JOB#<job>#<block>     FILE#<file>     one of these files, once anything has happened to it
CONN#<connection>     CONN            a connection, and the jobs it follows
LEDGER                <job>           a job's share of the totals (`aws.ledger_table`)
STATS                 TOTAL           the totals (`aws.ledger_table`)

A block is written once, and is a partition of its own: `aws.block_items` converts it. What happens
to a file after that is in the file's own item.

Two sparse indexes find jobs (`aws.index`). `history`, by `day` and `created_at`, has all of them;
`unfinished`, by `open` and `stirred`, has those that are not settled.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, replace
from decimal import Decimal
from typing import Any, Final

from boto3.dynamodb.types import TypeDeserializer

from darkroom.aws import legacy_items
from darkroom.aws.stored_values import archive_from, result_from, result_map, usage_from, usage_map
from darkroom.files import File
from darkroom.history_cursor import day_of
from darkroom.job_state import Retry
from darkroom.jobs import Job
from darkroom.messages import Source
from darkroom.outcomes import Counts
from darkroom.spans import Span, block_of
from darkroom.states import FileStatus, JobStatus
from darkroom.tallies import Summary, TallyPage, pack, unpack

JOB: Final = "JOB"
TALLY: Final = "TALLY#"
BLOCK: Final = "BLOCK"
FILE: Final = "FILE#"
SUBSCRIBER: Final = "SUB#"
OPEN: Final = "yes"
STIR_SECONDS: Final = 300
"""`stirred`, the time of a job's last change, is rounded down to a multiple of this many seconds,
so that not every change of a busy job is written to its index."""

_deserializer = TypeDeserializer()


def partition(job_id: str) -> str:
    return f"JOB#{job_id}"


def block_partition(job_id: str, block: int) -> str:
    return f"JOB#{job_id}#{block:05d}"


def job_of(pk: str) -> str:
    """The job id in a partition key."""
    return pk.split("#")[1]


def file_key(file: File) -> dict[str, str]:
    """The key of a file's own item."""
    pk = block_partition(file.job_id, block_of(file.index))
    return {"pk": partition(file.job_id) if file.legacy else pk, "sk": FILE + file.file_id}


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
        "grants_until": _decimal(job.grants_until),
        "status": job.status.value,
        "spans": [list(astuple(span)) for span in job.spans],
        "pages": {str(number): _summary(page) for number, page in job.pages.items()},
        "recent": [dict(entry) for entry in job.recent],
        "sequence": job.sequence,
        "archive": asdict(job.archive) | {"status": job.archive.status.value},
        "error": dict(job.error) if job.error else None,
        "attempt": job.attempt,
        "retries": [asdict(retry) | {"files": list(retry.files)} for retry in job.retries],
        "nudges": job.nudges,
        "callback_url": job.callback_url,
        "source": job.source,
        "source_etag": job.source_etag,
        "day": day_of(job.created_at),
        **({} if job.settled else {"open": OPEN, "stirred": stirred(job.updated_at)}),
        **({"old_tally": job.old_tally} if job.legacy else {}),
    }


def stirred(seconds: float) -> int:
    return int(seconds // STIR_SECONDS * STIR_SECONDS)


def job_from(item: Mapping[str, Any]) -> Job:
    if legacy_items.is_legacy(item):
        return legacy_items.job_from(item)
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
        grants_until=float(item["grants_until"]),
        status=JobStatus(item["status"]),
        spans=tuple(_span_from(*span) for span in item["spans"]),
        pages={int(number): _summary_from(page) for number, page in item["pages"].items()},
        recent=tuple(item["recent"]),
        sequence=int(item["sequence"]),
        archive=archive_from(archive),
        error=item["error"],
        attempt=int(item["attempt"]),
        retries=tuple(
            Retry(int(r["id"]), tuple(r["files"]), r["options"], r["cancelled_only"])
            for r in item["retries"]
        ),
        nudges=int(item["nudges"]),
        callback_url=item["callback_url"],
        source=item["source"],
        source_etag=item["source_etag"],
        legacy="old_tally" in item,
        old_tally=bytes(item.get("old_tally", b"")),
    )


def _span_from(upload: Any, first: Any, length: Any, files: Any, etag: str) -> Span:
    return Span(int(upload), int(first), int(length), int(files), etag)


def page_item(job: Job, page: TallyPage) -> dict[str, Any]:
    return {
        "pk": partition(job.job_id),
        "sk": f"{TALLY}{page.number:02d}",
        "version": page.version,
        "marks": pack(page.marks),
        "scores": pack(page.scores),
        "usage": usage_map(page.usage),
        "expires_at": int(job.expires_at),
    }


def page_from(job: Job, number: int, item: Mapping[str, Any] | None) -> TallyPage:
    """A page of the tally; empty, or as version 0.1 left it, if it was never written."""
    if item is None:
        return legacy_items.page(job, number) if job.legacy else TallyPage(number, job.uploads)
    return TallyPage(
        number,
        job.uploads,
        int(item["version"]),
        unpack(item["marks"]),
        unpack(item["scores"]),
        usage_from(item["usage"]),
    )


def _summary(page: Summary) -> list[Any]:
    return [page.version, *astuple(page.counts), usage_map(page.usage)]


def _summary_from(values: Sequence[Any]) -> Summary:
    version, *counts, usage = values
    return Summary(int(version), Counts(*(int(n) for n in counts)), usage_from(usage))


def file_item(file: File, expires_at: float) -> dict[str, Any]:
    """Empty fields are left out. An entry's source is left out too: it is in its block."""
    own_source = file.source is not None and (file.legacy or file.source.entry is None)
    fields = {
        **file_key(file),
        "name": file.name,
        "size": file.size,
        "status": file.status.value,
        "attempt": file.attempt,
        "modified": None if file.modified is None else _decimal(file.modified),
        "source": source_text(file.source) if file.source and own_source else None,
        "result": file.result and result_map(file.result),
        "error": file.error and dict(file.error),
        "options": file.options,
        "retry": file.retry or None,
        "expires_at": int(expires_at),
    }
    return {name: value for name, value in fields.items() if value is not None}


def file_from(item: Mapping[str, Any], row: File | None = None) -> File:
    """A file from its own item. row: the file in its block, for what its item leaves out."""
    source, modified = item.get("source"), item.get("modified")
    file = File(
        job_id=job_of(item["pk"]),
        file_id=item["sk"].removeprefix(FILE),
        name=item["name"],
        size=int(item["size"]),
        status=FileStatus(item["status"]),
        attempt=int(item["attempt"]),
        modified=None if modified is None else float(modified),
        source=None if source is None else Source.model_validate_json(source),
        result=result_from(item),
        error=item.get("error"),
        options=item.get("options"),
        retry=int(item.get("retry", 0)),
        expires_at=float(item["expires_at"]),
        stored=True,
        legacy=item["pk"].count("#") == 1,
    )
    return replace(file, source=row.source) if row and file.source is None else file


def source_text(source: Source) -> str:
    """A source as one string: it is always read whole, and a map takes three times the space."""
    return source.model_dump_json(exclude_none=True)


def from_stream(image: Mapping[str, Any]) -> dict[str, Any]:
    """The item in a stream record, which has explicit types and binary values as base64."""
    return {name: _deserializer.deserialize(_binary(value)) for name, value in image.items()}


def _binary(value: Mapping[str, Any]) -> Any:
    """Decode a binary value. Lambda delivers records as JSON; tallies and blocks are binary."""
    return {"B": base64.b64decode(value["B"])} if isinstance(value.get("B"), str) else value


def _decimal(number: float) -> Decimal:
    return Decimal(f"{number:.3f}")
