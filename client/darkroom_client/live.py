"""The WebSocket that tells of one job."""

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
"""Seconds; API Gateway ends a connection that is idle for 10 minutes."""
PONG_WITHIN = 15.0
_SLICE = 0.25
"""Seconds after which waiting looks whether it should stop."""


class SocketGone(Exception):
    """There is no connection, or none any more."""


class Live:
    """A connection that has subscribed to a job. Opening raises SocketGone."""

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
                    # The service's own ping, below, is what counts as use of the connection.
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
        """The next document of the job; None if none comes in time.

        Raises SocketGone, and Stopped if the client is stopped meanwhile.
        """
        self._keep_alive()
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._job.wire.check()
            try:
                text = self._socket.recv(timeout=min(left, _SLICE))
            except TimeoutError:
                continue
            except (OSError, WebSocketException) as error:
                raise SocketGone(str(error)) from error
            if document := self._understood(text):
                return document
        return None

    def _understood(self, text: str | bytes) -> Progress | None:
        """The document in a message. Raises SocketGone where the service refuses to tell."""
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
            pass  # from a newer service, or for somebody else
        return None

    def _keep_alive(self) -> None:
        silent = time.monotonic() - self._pinged_at
        if self._pong_due and silent > PONG_WITHIN:
            raise SocketGone("The connection is dead.")
        if silent > PING_EVERY:
            self._pinged_at = time.monotonic()
            self._pong_due = True
            self._send({"action": "ping"})

    def _send(self, message: dict[str, str]) -> None:
        try:
            self._socket.send(json.dumps(message))
        except (OSError, WebSocketException) as error:
            raise SocketGone(str(error)) from error
