"""A WebSocket subscription to the progress of one job."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from types import TracebackType
from typing import Self
from urllib.parse import quote

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from darkroom_client.job import Job
from darkroom_client.model import Progress
from darkroom_client.wire import is_this_machine

PING_EVERY = 60.0
"""Seconds between pings; API Gateway closes a connection that is idle for 10 minutes."""
PONG_WITHIN = 15.0
"""Seconds without a pong after which the connection counts as dead."""
_STOP_CHECK = 0.25
"""Seconds between two checks for a stop while waiting for a message."""


class SocketGone(Exception):
    """The connection could not be opened, or it has closed."""


class Subscription:
    """A connection that is subscribed to a job. The constructor raises SocketGone."""

    def __init__(self, job: Job, open_within: float) -> None:
        self._job = job
        self._closing = ExitStack()
        self._pinged_at = time.monotonic()
        self._pong_due = False
        try:
            self._socket = self._closing.enter_context(
                connect(
                    f"{job.websocket_url}?token={quote(job.credential, safe='')}",
                    open_timeout=open_within,
                    close_timeout=1.0,
                    # API Gateway counts messages only, so _keep_alive sends the service's own ping.
                    ping_interval=None,
                    proxy=None if is_this_machine(job.websocket_url) else True,
                )
            )
        except (OSError, WebSocketException, ImportError, ValueError) as error:
            raise SocketGone(str(error)) from error
        try:
            self._send({"action": "subscribe", "job_id": job.job_id})
        except SocketGone:
            self._closing.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.close()

    def receive(self, seconds: float) -> Progress | None:
        """Return the next document of the job, or None if none arrives in time.

        Raises SocketGone, and Stopped if the client is stopped while waiting.
        """
        self._keep_alive()
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._job.wire.check()
            try:
                text = self._socket.recv(timeout=min(left, _STOP_CHECK))
            except TimeoutError:
                continue
            except (OSError, WebSocketException) as error:
                raise SocketGone(str(error)) from error
            if document := self._parse(text):
                return document
        return None

    def _parse(self, text: str | bytes) -> Progress | None:
        """Return the document in a message. Raises SocketGone if the service sends an error."""
        try:
            message = json.loads(text)
            match message["type"]:
                case "progress" if message["job_id"] == self._job.job_id:
                    return Progress.of(message)
                case "pong":
                    self._pong_due = False
                case "error":
                    raise SocketGone(str(message.get("message", "")))
        except (ValueError, KeyError, TypeError):
            pass  # a message of a newer service, or about another job
        return None

    def _keep_alive(self) -> None:
        since_ping = time.monotonic() - self._pinged_at
        if self._pong_due and since_ping > PONG_WITHIN:
            raise SocketGone("The service did not answer a ping.")
        if since_ping > PING_EVERY:
            self._pinged_at = time.monotonic()
            self._pong_due = True
            self._send({"action": "ping"})

    def _send(self, message: dict[str, str]) -> None:
        try:
            self._socket.send(json.dumps(message))
        except (OSError, WebSocketException) as error:
            raise SocketGone(str(error)) from error
