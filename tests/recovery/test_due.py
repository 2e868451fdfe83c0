"""Which action is due for a job, and when: every kind of job, on both sides of every limit."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from darkroom import clock
from darkroom.archives import Archive
from darkroom.jobs import Job
from darkroom.outcomes import Outcome
from darkroom.states import ArchiveStatus
from darkroom.tallies import FileEvent
from functions.recovery.due import ABANDONED, ARCHIVE_STALLED, LATE_UPLOAD, STALLED, Action, due
from tests.making import a_job, arrived, event_of, listed, recorded

CREATED = 1_700_000_000.0
GRANT = 3600
OVER = GRANT + LATE_UPLOAD


def after(job: Job, seconds: float, *, waiting: bool = False, quiet: float | None = None) -> Action:
    """The action due `seconds` after a job's creation, if it last changed then, or `quiet` ago."""
    moved = CREATED if quiet is None else CREATED + seconds - quiet
    job = replace(job, updated_at=moved)
    return due(job, CREATED + seconds, waiting=waiting, grant_seconds=GRANT)


def job(**changes: Any) -> Job:
    return a_job(created_at=CREATED, **changes)


def ended(index: int, outcome: Outcome = Outcome.SUCCEEDED) -> FileEvent:
    return event_of(index, outcome)


AWAITING = [job(), arrived(job(uploads=2), 0), listed(job(uploads=2), 1, 5, 5)]
STARTED = [
    arrived(job(), 0),
    recorded(listed(job(), 0, 3, 3), ended(100)),
    recorded(listed(job(), 0, 2, 2), ended(100, Outcome.FAILED), ended(101)).retried(),
]
BUILDING = [
    recorded(job(), ended(0)),
    recorded(job(uploads=2).cancelled(), ended(0), ended(1, Outcome.CANCELLED)),
]
SETTLED = [
    recorded(job(), ended(0, Outcome.FAILED)),
    recorded(job().expired(), ended(0, Outcome.CANCELLED)),
    BUILDING[0].with_archive(Archive(ArchiveStatus.READY, 1, 9)),
    BUILDING[0].with_archive(Archive(ArchiveStatus.FAILED, 1)),
]


@pytest.mark.parametrize("waiting", [False, True])
@pytest.mark.parametrize("job", AWAITING)
def test_uploads_are_looked_for_when_no_more_can_arrive(job: Job, waiting: bool) -> None:
    assert after(job, OVER - 1, waiting=waiting) is Action.NOTHING
    assert after(job, OVER, waiting=waiting) is Action.LOOK_FOR_UPLOADS
    assert after(job, OVER, waiting=waiting, quiet=0) is Action.LOOK_FOR_UPLOADS


@pytest.mark.parametrize("job", [job.nudged() for job in AWAITING])
def test_uploads_that_stay_unlisted_after_a_nudge_fail(job: Job) -> None:
    late = OVER + ABANDONED
    assert after(job, late, quiet=STALLED - 1) is Action.NOTHING
    assert after(job, late, quiet=STALLED) is Action.FAIL
    assert after(job, late, quiet=ABANDONED - 1, waiting=True) is Action.NOTHING
    assert after(job, late, quiet=ABANDONED, waiting=True) is Action.FAIL


@pytest.mark.parametrize(("nudges", "action"), [(0, Action.NUDGE), (1, Action.FAIL)])
@pytest.mark.parametrize("job", STARTED)
def test_a_stalled_job_is_nudged_once_and_then_failed(
    job: Job, nudges: int, action: Action
) -> None:
    job = job.nudged() if nudges else job
    assert after(job, OVER, quiet=STALLED - 1) is Action.NOTHING
    assert after(job, OVER, quiet=STALLED) is action
    assert after(job, OVER, quiet=ABANDONED - 1, waiting=True) is Action.NOTHING
    assert after(job, OVER, quiet=ABANDONED, waiting=True) is action


@pytest.mark.parametrize(("nudges", "action"), [(0, Action.BUILD_AGAIN), (1, Action.FAIL_ARCHIVE)])
@pytest.mark.parametrize("job", BUILDING)
def test_an_archive_has_its_own_limit_whatever_is_waiting(
    job: Job, nudges: int, action: Action
) -> None:
    job = job.nudged() if nudges else job
    for waiting in (False, True):
        assert after(job, ABANDONED, quiet=ARCHIVE_STALLED - 1, waiting=waiting) is Action.NOTHING
        assert after(job, ABANDONED, quiet=ARCHIVE_STALLED, waiting=waiting) is action


@pytest.mark.parametrize("job", SETTLED)
def test_nothing_is_due_for_a_settled_job(job: Job) -> None:
    assert job.settled
    assert after(job, 10 * ABANDONED) is Action.NOTHING
    assert after(job, 10 * ABANDONED, waiting=True) is Action.NOTHING


@pytest.mark.parametrize(
    ("job", "nudges"), list(product([*AWAITING, *STARTED, *BUILDING], [0, 1, 2]))
)
def test_every_job_that_is_not_settled_becomes_due(job: Job, nudges: int) -> None:
    """No job stays forever, even if messages are waiting, and a busy one is left alone."""
    for _ in range(nudges):
        job = job.nudged()
    assert not job.settled
    assert after(job, OVER + ABANDONED, waiting=True) is not Action.NOTHING
    assert after(job, OVER - 1, quiet=0) is Action.NOTHING


def test_due_uses_the_clock_of_the_jobs() -> None:
    job = a_job(created_at=clock.now(), updated_at=clock.now())
    assert due(job, clock.now(), waiting=False, grant_seconds=GRANT) is Action.NOTHING
