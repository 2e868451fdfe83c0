"""The clients of the load test: senders of photos, and watchers of jobs."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
from PIL import Image
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import ClientConnection, connect

from local.stack import Stack

PHOTOS = 10
"""The number of photos of each job."""


def photos(job: int) -> dict[str, bytes]:
    """Return the tiny photos of a job, each of a different colour."""
    files = {}
    for number in range(PHOTOS):
        out = io.BytesIO()
        colour = (job % 256, 25 * number, (7 * job) % 256)
        Image.new("RGB", (48, 36), colour).save(out, "JPEG")
        files[f"{job}-{number}.jpg"] = out.getvalue()
    return files


def zip_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


class Sender:
    """Sends jobs, one request after the other, on persistent connections."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.statuses: Counter[int] = Counter()
        self._http = httpx.Client(
            timeout=120, trust_env=False, event_hooks={"response": [self._count]}
        )

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def _count(self, response: httpx.Response) -> None:
        self.statuses[response.status_code] += 1

    def send(self, number: int, created: Callable[[int, str], None]) -> str:
        """Send a job and return its ID. Even numbers send a ZIP.

        created: called with the number and the job's ID before the first upload.
        """
        files = photos(number)
        if number % 2 == 0:
            files = {f"{number}.zip": zip_of(files)}
        declared = [{"name": name, "size": len(data)} for name, data in files.items()]
        job = self._call("POST", "jobs", json={"files": declared}).json()
        created(number, job["job_id"])
        for file, data in zip(job["files"], files.values(), strict=True):
            upload = file["upload"]
            self._http.post(upload["url"], data=upload["fields"], files={"file": data})
        return str(job["job_id"])

    def document(self, job_id: str) -> dict[str, Any]:
        """Return the job's document as the WebSocket sends it, without links."""
        answer: dict[str, Any] = self._call("GET", f"jobs/{job_id}").json()
        del answer["links"]
        return answer

    def _call(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self._stack.key}"}
        return self._http.request(method, f"{self._stack.api_url}/{path}", headers=headers, **more)


class Watcher:
    """Follows jobs on one connection, and keeps the newest document of each."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.followed: set[str] = set()
        self.documents: dict[str, dict[str, Any]] = {}
        self.pushes = 0
        self.errors: list[Any] = []

    def follow(self, job_id: str) -> None:
        self.followed.add(job_id)
        self._socket.send(json.dumps({"action": "subscribe", "job_id": job_id}))

    def listen(self) -> None:
        """Receive messages until the connection is closed."""
        try:
            for text in self._socket:
                self._take(json.loads(text))
        except ConnectionClosedError as error:
            self.errors.append(error)

    def _take(self, message: dict[str, Any]) -> None:
        self.pushes += 1
        if message["type"] != "progress":
            self.errors.append(message)
            return
        known = self.documents.get(message["job_id"])
        if known is None or message["sequence"] > known["sequence"]:
            self.documents[message["job_id"]] = message


@contextmanager
def watching(stack: Stack, count: int) -> Iterator[list[Watcher]]:
    """Connect `count` watchers, each with its own connection, for the length of the block."""
    url = f"{stack.websocket_url}?token={stack.key}"
    with ExitStack() as connections:
        sockets = [
            connections.enter_context(connect(url, proxy=None, open_timeout=60))
            for _ in range(count)
        ]
        watchers = [Watcher(socket) for socket in sockets]
        threads = [threading.Thread(target=watcher.listen) for watcher in watchers]
        for thread in threads:
            thread.start()
        try:
            yield watchers
        finally:
            connections.close()
            for thread in threads:
                thread.join()
