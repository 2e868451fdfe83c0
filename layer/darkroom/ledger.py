"""The ledger: the counters each job has added to the totals, so that a change adds a difference.

An account is a flat map of counters, such as `jobs.completed` or `models.u2netp.photos`. A job's
account at any time is a function of the job alone. Its entry in the ledger holds the account that
the totals already include. Counting the job again adds the difference between the two, which is
nothing for a repeat.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from darkroom.jobs import Job
from darkroom.states import JobStatus

DELETED: Final = "deleted"
"""The status under which a job is counted if it was deleted, or expired, before it settled."""

Account = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """A job's share of the totals. sequence: of its last counted change; 0 before the first."""

    sequence: int = 0
    account: Account = field(default_factory=dict)


def settled_entry(job: Job) -> Entry | None:
    """The entry of a settled job; None for any other."""
    return Entry(job.sequence, _account(job, job.status.value)) if job.settled else None


def deleted_entry(job: Job) -> Entry | None:
    """The entry of a deleted job, from its last state; None if it had settled.

    A settled job stays counted as it settled. For any other, the deletion is one more change after
    the last recorded one, and the final one.
    """
    return None if job.settled else Entry(job.sequence + 1, _account(job, DELETED))


def difference(known: Entry, new: Entry) -> dict[str, int]:
    """The amounts to add to the totals when `new` replaces `known`; none if `new` is outdated."""
    if new.sequence <= known.sequence:
        return {}
    names = {*known.account, *new.account}
    changes = {name: new.account.get(name, 0) - known.account.get(name, 0) for name in names}
    return {name: change for name, change in sorted(changes.items()) if change}


def statistics(totals: Account) -> dict[str, Any]:
    """The body of `GET /stats`: every final status, and every model that has processed a photo."""

    def of(name: str) -> int:
        return totals.get(name, 0)

    final = [status.value for status in JobStatus if status.final]
    models = sorted(
        name.removeprefix("models.").removesuffix(".photos")
        for name, photos in totals.items()
        if name.startswith("models.") and name.endswith(".photos") and photos
    )
    return {
        "jobs": {status: of(f"jobs.{status}") for status in (*final, DELETED)},
        "photos": {
            outcome: of(f"photos.{outcome}") for outcome in ("succeeded", "failed", "skipped")
        },
        "bytes": {"in": of("bytes.in"), "out": of("bytes.out")},
        "models": {
            name: {
                "photos": of(f"models.{name}.photos"),
                "mean_seconds": round(
                    of(f"models.{name}.milliseconds") / of(f"models.{name}.photos") / 1000, 3
                ),
            }
            for name in models
        },
    }


def _account(job: Job, status: str) -> Account:
    account = {
        f"jobs.{status}": 1,
        "photos.succeeded": job.counts.succeeded,
        "photos.failed": job.counts.failed,
        "photos.skipped": job.counts.skipped,
        "bytes.in": job.usage.bytes_in,
        "bytes.out": job.usage.bytes_out,
    }
    for name, timing in job.usage.models.items():
        account[f"models.{name}.photos"] = timing.photos
        account[f"models.{name}.milliseconds"] = timing.milliseconds
    return {name: number for name, number in account.items() if number}
