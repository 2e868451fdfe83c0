"""Deciding which action is due for a stalled job. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from darkroom.jobs import Job

LATE_UPLOAD: Final = 3600
"""Seconds that an upload may arrive after its grant has expired: S3 checks the grant when the
upload begins, and a large upload takes a while."""
STALLED: Final = 2 * 3600
"""Seconds without a change, while no message is waiting, after which a message must be lost. A
photo whose workers die becomes a dead letter long before: after four receives 12 minutes apart, or
six if SQS counts the receives of each queue separately."""
ABANDONED: Final = 24 * 3600
"""The same while messages are waiting: a job in a backlog has not stalled, but no backlog should
take a day."""
ARCHIVE_STALLED: Final = 6 * 3600
"""Seconds without a change that an archive may take: its message is received three times,
90 minutes apart, before it becomes a dead letter."""


class Action(StrEnum):
    """The first action repairs; the second fails what has not moved since."""

    NOTHING = "nothing"
    LOOK_FOR_UPLOADS = "look_for_uploads"
    NUDGE = "nudge"
    FAIL = "fail"
    BUILD_AGAIN = "build_again"
    FAIL_ARCHIVE = "fail_archive"


def due(job: Job, now: float, *, waiting: bool, grant_seconds: int) -> Action:
    """The action that is due for a job at time `now`.

    waiting: whether messages are waiting in the queues. grant_seconds: how long an upload grant is
    valid, for jobs that do not say when their latest one ends.
    """
    if job.settled:
        return Action.NOTHING
    quiet = now - job.updated_at
    stalled = quiet >= (ABANDONED if waiting else STALLED)
    if job.counted:
        return _pair(job, quiet >= ARCHIVE_STALLED, Action.BUILD_AGAIN, Action.FAIL_ARCHIVE)
    if job.total is None:
        granted = job.grants_until or job.created_at + grant_seconds
        late = now >= granted + LATE_UPLOAD and (stalled or not job.nudges)
        return _pair(job, late, Action.LOOK_FOR_UPLOADS, Action.FAIL)
    return _pair(job, stalled, Action.NUDGE, Action.FAIL)


def _pair(job: Job, late: bool, retry: Action, fail: Action) -> Action:
    if not late:
        return Action.NOTHING
    return fail if job.nudges else retry
