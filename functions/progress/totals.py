"""Updating the totals of all jobs as jobs change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from darkroom.jobs import Job
from darkroom.ledger import Entry, deleted_entry, settled_entry
from functions.progress.job_changes import Change

if TYPE_CHECKING:
    from darkroom.aws.ledger_table import LedgerTable

KEPT_AFTER: Final = 2 * 86_400
"""Seconds that an entry outlives its job. DynamoDB may take two days to delete an expired job, and
the deletion must still be compared with the entry."""


def update_totals(changes: Sequence[Change], ledger: LedgerTable) -> None:
    """Count jobs that settled or were deleted, each in its newest state. Idempotent."""
    newest: dict[str, tuple[Job, Entry]] = {}
    for before, after in changes:
        job = after or before
        entry = _entry(before, after)
        if job and entry and entry.sequence > _sequence(newest.get(job.job_id)):
            newest[job.job_id] = job, entry
    for job, entry in newest.values():
        ledger.count(job.job_id, entry, job.expires_at + KEPT_AFTER)


def _entry(before: Job | None, after: Job | None) -> Entry | None:
    if after:
        return settled_entry(after)
    return deleted_entry(before) if before else None


def _sequence(known: tuple[Job, Entry] | None) -> int:
    return known[1].sequence if known else 0
