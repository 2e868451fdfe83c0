"""Follow a job until it ends, by WebSocket where possible and by polling otherwise."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum

from darkroom_client.errors import ApiError, ClientError, NoProgress, Unreachable
from darkroom_client.job import Job
from darkroom_client.live import SocketGone, Subscription
from darkroom_client.model import Progress


class Via(StrEnum):
    """The channel a progress document arrived by."""

    WEBSOCKET = "WebSocket"
    POLLING = "polling"


@dataclass(frozen=True, slots=True)
class Update:
    """A progress document and the channel it arrived by."""

    progress: Progress
    via: Via


@dataclass(frozen=True, slots=True)
class PollingPolicy:
    """Intervals and time-outs for following a job, in seconds.

    poll: between two polls while there is no WebSocket. quiet: silence on the WebSocket after
    which the job is polled once, so that a lost message causes a delay and never a hang. give_up:
    without progress, before NoProgress is raised. reconnect: before the WebSocket is opened
    again, doubled after each failure up to reconnect_most. open_within: time-out for opening it.
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
    """Yield each newer progress document of the job; the last one has a final status.

    archive: also wait until the archive is ready or has failed. Raises NoProgress if nothing
    changes for `polling.give_up` seconds, ApiError if the service rejects the request, and
    Stopped.
    """
    newest: Progress | None = None
    changed_at = time.monotonic()
    with _UpdateSource(job, polling) as source:
        while newest is None or not _ended(newest, archive):
            update = source.next_update()
            if update and (newest is None or update.progress.sequence > newest.sequence):
                newest = update.progress
                yield update
                changed_at = time.monotonic()
            elif time.monotonic() - changed_at > polling.give_up:
                raise _no_progress(job, newest, polling, source.last_error)


def _ended(progress: Progress, archive: bool) -> bool:
    return progress.final and not (archive and progress.archive == "building")


def _no_progress(
    job: Job, newest: Progress | None, polling: PollingPolicy, last_error: ClientError | None
) -> NoProgress:
    text = f"No progress for {polling.give_up:.0f} seconds: "
    if newest is None:
        text += f"the status of job {job.job_id} could not be read."
    elif newest.final:
        text += f"job {job.job_id} has ended, but its ZIP is still being built."
    else:
        total = "?" if newest.total is None else newest.total
        status = newest.status.replace("_", " ")
        text += f"job {job.job_id} is {status}, {newest.processed} of {total} done."
    return NoProgress(f"{text} {last_error}" if last_error else text)


class _UpdateSource:
    """Gets a job's progress by WebSocket while one is open, and by polling otherwise.

    last_error: why the latest poll failed; None if it succeeded.
    """

    def __init__(self, job: Job, polling: PollingPolicy) -> None:
        self.last_error: ClientError | None = None
        self._job = job
        self._polling = polling
        self._closing = ExitStack()
        self._subscription: Subscription | None = None
        self._failures = 0
        self._next_connect = 0.0 if job.websocket_url else float("inf")
        self._next_poll = 0.0

    def __enter__(self) -> _UpdateSource:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def next_update(self) -> Update | None:
        """Wait for the next document; return None if none arrives within a few seconds."""
        try:
            if self._subscription is None and time.monotonic() >= self._next_connect:
                self._subscription = self._closing.enter_context(
                    Subscription(self._job, self._polling.open_within)
                )
            if self._subscription is not None:
                progress = self._subscription.receive(self._polling.quiet)
                if progress is None:
                    return self._poll()
                self._failures = 0
                return Update(progress, Via.WEBSOCKET)
        except SocketGone:
            self._closing.close()
            self._subscription = None
            delay = min(self._polling.reconnect_most, self._polling.reconnect * 2.0**self._failures)
            self._failures += 1
            self._next_connect = time.monotonic() + delay
        now = time.monotonic()
        if now < self._next_poll:
            self._job.wire.pause(min(self._next_poll, max(now, self._next_connect)) - now)
            return None
        return self._poll()

    def _poll(self) -> Update | None:
        self._next_poll = time.monotonic() + self._polling.poll
        try:
            progress = self._job.progress_now()
        except Unreachable as error:
            self.last_error = error
            return None
        except ApiError as error:
            if not error.transient:
                raise
            self.last_error = error
            return None
        self.last_error = None
        return Update(progress, Via.POLLING)
