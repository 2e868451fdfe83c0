"""What is due with a job that does not come to its end by itself. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from darkroom.jobs import Job

LATE_UPLOAD: Final = 3600
"""Seconds an upload may come after its grant has run out: S3 checks a grant when the upload begins,
and a large one takes its time."""
STALLED: Final = 2 * 3600
"""Seconds without movement, with nothing waiting, after which something must have been lost: a
photo whose workers die is in the dead letters long before, after four receives 12 minutes apart, or
six if SQS counts those of each queue by themselves."""
ABANDONED: Final = 24 * 3600
"""The same while work is waiting: a backlog is no stall, but no backlog should take a day."""
ARCHIVE_STALLED: Final = 6 * 3600
"""Seconds without movement that an archive may take: its message is received three times,
90 minutes apart, before it is dead."""


class Action(StrEnum):
    """The first of each pair sets something going again; the second ends it, if nothing moved."""

    NOTHING = "nothing"
    LOOK_FOR_UPLOADS = "look_for_uploads"
    GIVE_UP_UPLOADS = "cancel_uploads"
    NUDGE = "nudge"
    FAIL = "fail"
    BUILD_AGAIN = "build_again"
    GIVE_UP_ARCHIVE = "fail_archive"


def due(job: Job, now: float, *, waiting: bool, grant_seconds: int) -> Action:
    """waiting: whether there is work in the queues that nobody has taken yet.

    grant_seconds: how long after its making a job's uploads may begin.
    """
    if job.settled:
        return Action.NOTHING
    quiet = now - job.updated_at
    stalled = quiet >= (ABANDONED if waiting else STALLED)
    if job.counted:
        return _pair(job, quiet >= ARCHIVE_STALLED, Action.BUILD_AGAIN, Action.GIVE_UP_ARCHIVE)
    if job.unlisted:
        over = now >= job.created_at + grant_seconds + LATE_UPLOAD
        late = over and (stalled or not job.nudges)
        return _pair(job, late, Action.LOOK_FOR_UPLOADS, Action.GIVE_UP_UPLOADS)
    return _pair(job, stalled, Action.NUDGE, Action.FAIL)


def _pair(job: Job, late: bool, again: Action, end: Action) -> Action:
    if not late:
        return Action.NOTHING
    return end if job.nudges else again
