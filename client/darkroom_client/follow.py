"""Watching a job until it ends: by WebSocket, and by asking wherever that is not enough."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum

from darkroom_client.errors import ApiError, ClientError, NoProgress, Unreachable
from darkroom_client.job import Job
from darkroom_client.live import Live, SocketGone
from darkroom_client.model import Progress


class Via(StrEnum):
    """Which way a document came."""

    WEBSOCKET = "WebSocket"
    POLLING = "polling"


@dataclass(frozen=True, slots=True)
class Update:
    progress: Progress
    via: Via


@dataclass(frozen=True, slots=True)
class PollingPolicy:
    """All in seconds.

    poll: between two questions while there is no WebSocket. quiet: of silence on the WebSocket,
    after which the job is asked for, so that a lost message delays but never hangs. give_up:
    without progress. reconnect, reconnect_most: before the WebSocket is tried again, doubled at
    each failure. open_within: for the WebSocket to open.
    """

    poll: float = 2.0
    quiet: float = 5.0
    give_up: float = 120.0
    reconnect: float = 0.5
    reconnect_most: float = 30.0
    open_within: float = 5.0


def follow(
    job: Job, *, archive: bool = False, polling: PollingPolicy = PollingPolicy()
) -> Iterator[Update]:
    """Each newer document of the job; the last one has a final status.

    archive: go on until the ZIP is ready or has failed as well. Raises NoProgress when nothing
    changes for `polling.give_up` seconds, and ApiError when the service refuses to tell.
    """
    newest: Progress | None = None
    moved_at = time.monotonic()
    with _UpdateSource(job, polling) as source:
        while newest is None or not _ended(newest, archive):
            update = source.next_update()
            if update and (newest is None or update.progress.sequence > newest.sequence):
                newest = update.progress
                yield update
                moved_at = time.monotonic()
            elif time.monotonic() - moved_at > polling.give_up:
                raise _stalled(job, newest, polling, source.trouble)


def _ended(progress: Progress, archive: bool) -> bool:
    return progress.final and not (archive and progress.archive == "building")


def _stalled(
    job: Job, newest: Progress | None, polling: PollingPolicy, trouble: ClientError | None
) -> NoProgress:
    text = f"No progress for {polling.give_up:.0f} seconds: job {job.job_id} "
    if newest is None:
        text += "has not been heard of."
    elif newest.final:
        text += "is done, but its ZIP is not."
    else:
        total = "?" if newest.total is None else newest.total
        text += f"is {newest.status.replace('_', ' ')}, {newest.processed} of {total} done."
    return NoProgress(f"{text} {trouble}" if trouble else text)


class _UpdateSource:
    """Hears of a job by the best way there is at the moment.

    trouble: what was wrong when the job was last asked for.
    """

    def __init__(self, job: Job, polling: PollingPolicy) -> None:
        self.trouble: ClientError | None = None
        self._job = job
        self._polling = polling
        self._closing = ExitStack()
        self._live: Live | None = None
        self._failures = 0
        self._connect_at = 0.0 if job.websocket_url else float("inf")
        self._poll_at = 0.0

    def __enter__(self) -> _UpdateSource:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def next_update(self) -> Update | None:
        """News, or None after at most some seconds."""
        try:
            if self._live is None and time.monotonic() >= self._connect_at:
                self._live = self._closing.enter_context(Live(self._job, self._polling.open_within))
            if self._live is not None:
                progress = self._live.receive(self._polling.quiet)
                if progress is None:
                    return self._ask()
                self._failures = 0
                return Update(progress, Via.WEBSOCKET)
        except SocketGone:
            self._closing.close()
            self._live = None
            wait = min(self._polling.reconnect_most, self._polling.reconnect * 2.0**self._failures)
            self._failures += 1
            self._connect_at = time.monotonic() + wait
        now = time.monotonic()
        if now < self._poll_at:
            self._job.wire.pause(min(self._poll_at, max(now, self._connect_at)) - now)
            return None
        return self._ask()

    def _ask(self) -> Update | None:
        self._poll_at = time.monotonic() + self._polling.poll
        try:
            progress = self._job.progress_now()
        except Unreachable as error:
            self.trouble = error
            return None
        except ApiError as error:
            if not error.transient:
                raise
            self.trouble = error
            return None
        self.trouble = None
        return Update(progress, Via.POLLING)
