"""The ledger: what each job has been counted with, so that totals can be kept by differences.

An account is a flat map of counters, such as `jobs.completed` or `models.u2netp.photos`. A job's
account at any time is a function of the job alone. What the totals have of it so far is kept in
its entry; counting it again adds the difference between the two, which is nothing for a repeat.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from darkroom.jobs import Job
from darkroom.states import JobStatus

DELETED: Final = "deleted"
"""How a job counts that was deleted, or left the table, before it was settled."""

Account = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """sequence: of the job's change that was counted last; 0 before any was."""

    sequence: int = 0
    account: Account = field(default_factory=dict)


def settled_entry(job: Job) -> Entry | None:
    """The entry of a job to which nothing more will happen; None for any other."""
    return Entry(job.sequence, _account(job, job.status.value)) if job.settled else None


def deleted_entry(job: Job) -> Entry | None:
    """The entry of a job that is gone, from what it last was; None where that was settled.

    A settled job was counted when it settled, and stays so. Otherwise its going is one change more
    than the last it went through, and the last of all.
    """
    return None if job.settled else Entry(job.sequence + 1, _account(job, DELETED))


def difference(known: Entry, new: Entry) -> dict[str, int]:
    """What to add to the totals when `new` takes the place of `known`; nothing where it is late."""
    if new.sequence <= known.sequence:
        return {}
    names = {*known.account, *new.account}
    changes = {name: new.account.get(name, 0) - known.account.get(name, 0) for name in names}
    return {name: change for name, change in sorted(changes.items()) if change}


def statistics(totals: Account) -> dict[str, Any]:
    """What `GET /stats` tells; every status is there, every model that has processed a photo."""

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
        "photos": {what: of(f"photos.{what}") for what in ("succeeded", "failed", "skipped")},
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
