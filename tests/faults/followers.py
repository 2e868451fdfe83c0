"""WebSocket followers: some stay connected, others disconnect and reconnect."""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.sync.client import connect

from local.stack import Stack


class Follower(threading.Thread):
    """Follows one job as a client does: it drops documents older than its newest one.

    leaves: how many times it disconnects before it stays connected. It reconnects whenever it is
    disconnected. Its last document is the answer to its subscription or a push.
    """

    def __init__(self, stack: Stack, job: dict[str, Any], rng: random.Random, leaves: int) -> None:
        super().__init__(name=f"follower of {job['job_id']}")
        self._stack, self._job, self._rng = stack, job, rng
        self._over = threading.Event()
        self.leaves = leaves
        self.job_id: str = job["job_id"]
        self.connections = 0
        self.last: dict[str, Any] = {}

    def run(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(OSError, InvalidHandshake, WebSocketException):
                self._follow()
            self._over.wait(self._rng.uniform(0, 0.3))

    def _follow(self) -> None:
        url = f"{self._stack.websocket_url}?token={self._job['token']}"
        with connect(url, proxy=None, open_timeout=30, close_timeout=1) as socket:
            self.connections += 1
            socket.send(json.dumps({"action": "subscribe", "job_id": self.job_id}))
            until = time.monotonic() + (self._rng.uniform(0, 1.5) if self.leaves else 3600)
            while time.monotonic() < until and not self._over.is_set():
                with contextlib.suppress(TimeoutError):
                    self._take(json.loads(socket.recv(timeout=0.1)))
            self.leaves -= bool(self.leaves)

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] != "progress":
            raise AssertionError(f"{self.name} received {message}")
        if message["sequence"] >= self.last.get("sequence", 0):
            self.last = message

    def stop(self) -> None:
        self._over.set()


@contextlib.contextmanager
def following(
    stack: Stack, jobs: Sequence[dict[str, Any]], rng: random.Random, *, leaves: Sequence[int]
) -> Iterator[list[Follower]]:
    """Start a follower for each job and each number in `leaves`; stop them at the end."""
    followers = [
        Follower(stack, job, random.Random(rng.random()), times) for job in jobs for times in leaves
    ]
    for follower in followers:
        follower.start()
    try:
        yield followers
    finally:
        for follower in followers:
            follower.stop()
        for follower in followers:
            follower.join()
