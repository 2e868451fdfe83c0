"""Jobs as version 0.1 stored them, read as jobs of today.

In 0.1 all items of a job shared one partition, each file had an item from the start, the tally was
one byte per file in the job's own item, and each upload had a span. Such jobs live for `KeepDays`
at most after an update. Their files stay where they are; their tally becomes pages when it is next
written.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from darkroom.aws.stored_values import archive_from, usage_from
from darkroom.job_state import Retry
from darkroom.jobs import Job
from darkroom.outcomes import Outcome, mark
from darkroom.spans import Span
from darkroom.states import JobStatus
from darkroom.tallies import PAGE, TallyPage
from darkroom.usage import Usage

_OUTCOMES: Final = (
    Outcome.PENDING,
    Outcome.SUCCEEDED,
    Outcome.FAILED,
    Outcome.SKIPPED,
    Outcome.CANCELLED,
)
"""By their numbers in 0.1."""


def is_legacy(item: Mapping[str, Any]) -> bool:
    """Whether a job's item is one that version 0.1 wrote."""
    return "tally" in item


def job_from(item: Mapping[str, Any]) -> Job:
    marks = _marks(item)
    status, attempt = JobStatus(item["status"]), int(item["attempt"])
    job = Job(
        job_id=item["job_id"],
        job_type=item["job_type"],
        options=item["options"],
        token_hash=item["token_hash"],
        uploads=int(item["uploads"]),
        created_at=float(item["created_at"]),
        updated_at=float(item["updated_at"]),
        expires_at=float(item["expires_at"]),
        status=status,
        spans=_spans(item, marks),
        recent=tuple(item["recent"]),
        sequence=int(item["sequence"]),
        archive=archive_from(item["archive"]),
        error=item["error"],
        attempt=attempt,
        # Its walk may not have reached every file.
        retries=(Retry(0),) if attempt > 1 and status is JobStatus.PROCESSING else (),
        nudges=int(item.get("nudges", 0)),
        callback_url=item.get("callback_url", ""),
        source=item.get("source", ""),
        legacy=True,
        old_tally=zlib.compress(marks.tobytes()),
    )
    pages = {number: page(job, number) for number in range(-(-len(marks) // PAGE))}
    usage = usage_from(item.get("usage", {}))
    summaries = {number: each.summary for number, each in pages.items()}
    if summaries:
        summaries[0] = replace(summaries[0], usage=usage)
    return replace(job, pages=summaries)


def page(job: Job, number: int) -> TallyPage:
    """A page of the tally that has not been written since, from the job's old one."""
    marks = zlib.decompress(job.old_tally)[2 * PAGE * number : 2 * PAGE * (number + 1)]
    usage = job.pages[number].usage if number in job.pages else Usage()
    return TallyPage(number, job.uploads, marks=marks, usage=usage)


def _marks(item: Mapping[str, Any]) -> array[int]:
    """The old tally with the numbers of today, and with the arrivals that only spans recorded."""
    old = zlib.decompress(bytes(item["tally"]))
    marks = array("H", (value & ~7 | _OUTCOMES[value & 7] for value in old))
    marks.extend([0] * max(0, int(item["uploads"]) - len(marks)))
    for upload, first in ((int(key), int(span[0])) for key, span in item["spans"].items()):
        arrived = Outcome.QUEUED if first == upload else Outcome.EXPANDING
        if not Outcome(marks[upload] & 7).processed:
            marks[upload] = max(marks[upload], mark(1, arrived))
    return marks


def _spans(item: Mapping[str, Any], marks: array[int]) -> tuple[Span, ...]:
    """The spans of ZIPs. A ZIP that failed was counted among its own files."""
    spans = []
    for upload, (first, length, files) in item["spans"].items():
        index = int(upload)
        if int(first) != index:
            failed = Outcome(marks[index] & 7).processed
            spans.append(Span(index, int(first), int(length), int(files) - failed))
    return tuple(spans)
