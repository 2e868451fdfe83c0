"""A fast stand-in for the API, the storage and the WebSocket that the page uses.

It returns the documented responses and processes no images: a file whose name starts with `broken`
fails, every other one succeeds with the same small picture. It listens on 127.0.0.1 only.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

PAGE = Path(__file__).parents[2] / "web" / "index.html"
BASE_PATH = "/_aws/execute-api/stand-in"
"""The local stack's API has a base path too, so the page must use relative URLs."""
KEY = "the key of the stand-in"
UNREADABLE = "The file is not a readable photo. Send it as JPEG or PNG."
STEP_SECONDS = 0.3


@dataclass
class Job:
    """A job of the stand-in. ended: how many of its files have ended, in order."""

    job_id: str
    declared: list[dict[str, Any]]
    options: dict[str, Any]
    uploaded: dict[int, bytes] = field(default_factory=dict)
    ended: int = 0
    sequence: int = 1
    status: str = "awaiting_upload"
    archive: str = "none"

    @property
    def token(self) -> str:
        return f"{self.job_id}.token"

    def fails(self, index: int) -> bool:
        return bool(self.declared[index]["name"].startswith("broken"))

    def document(self) -> dict[str, Any]:
        total = None if self.status == "awaiting_upload" else len(self.declared)
        failed = sum(self.fails(index) for index in range(self.ended))
        return {
            "type": "progress",
            "job_id": self.job_id,
            "status": self.status,
            "sequence": self.sequence,
            "progress": {
                "processed": self.ended,
                "total": total,
                "percentage": round(100 * self.ended / total, 1) if total else 0.0,
            },
            "summary": {"succeeded": self.ended - failed, "failed": failed, "skipped": 0},
            "archive": {"status": self.archive},
            "recent": [],
            "error": None,
        }

    def file(self, index: int, address: str) -> dict[str, Any]:
        ended = index < self.ended
        good = ended and not self.fails(index)
        return {
            "file_id": f"{index:06d}",
            "name": self.declared[index]["name"],
            "status": "succeeded" if good else "failed" if ended else "queued",
            "bytes": self.declared[index]["size"],
            "error": {"code": "unreadable", "message": UNREADABLE} if ended and not good else None,
            "result": {
                "url": f"{address}/store/result.png",
                "content_type": "image/png",
                "bytes": len(PICTURE),
                "width": 120,
                "height": 90,
                "warnings": [],
            }
            if good
            else None,
        }


@dataclass
class StandIn:
    """The state of the stand-in, and its switches, which tests may change at any time.

    refuse_socket: reject WebSocket connections. refuse_uploads: reject this many uploads. frozen:
    process no photos. polls, subscribed: how often the page polled and subscribed.
    """

    address: str = ""
    socket_address: str = ""
    refuse_socket: bool = False
    refuse_uploads: int = 0
    frozen: bool = False
    jobs: dict[str, Job] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)
    running: bool = True
    polls: int = 0
    subscribed: int = 0

    @property
    def api(self) -> str:
        return self.address + BASE_PATH

    @property
    def job(self) -> Job:
        """The latest job."""
        return list(self.jobs.values())[-1]

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        job = Job(f"{len(self.jobs):032x}", request["files"], request["options"])
        self.jobs[job.job_id] = job
        return {
            "job_id": job.job_id,
            "token": job.token,
            "status": job.status,
            "files": [
                {
                    "file_id": f"{index:06d}",
                    "name": file["name"],
                    "upload": {
                        "method": "POST",
                        "url": f"{self.address}/store/upload",
                        "fields": {"key": f"uploads/{job.job_id}/{index}", "policy": "p"},
                        "headers": {},
                    },
                }
                for index, file in enumerate(job.declared)
            ],
            "websocket_url": self.socket_address,
            "expires_at": "2030-01-01T00:00:00Z",
        }

    def receive_upload(self, body: bytes) -> bool:
        """Store an uploaded form, fields before file. Return False if the upload is rejected."""
        if self.refuse_uploads:
            self.refuse_uploads -= 1
            return False
        head, _, rest = body.partition(b'name="file"')
        key = re.search(rb"uploads/(\w+)/(\d+)", head)
        assert key, "no key field before the file"
        job = self.jobs[key[1].decode()]
        content = rest.partition(b"\r\n\r\n")[2]
        job.uploaded[int(key[2])] = content[: content.rfind(b"\r\n--")]
        if len(job.uploaded) == len(job.declared):
            threading.Thread(target=self._process, args=(job,), daemon=True).start()
        return True

    def _process(self, job: Job) -> None:
        self.move(job, status="processing")
        while job.ended < len(job.declared) and job.status == "processing":
            self._pause()
            if not self.frozen:
                self.move(job, ended=job.ended + 1)
        if job.status == "processing":
            self.move(job, status="completed", archive="building")
            self._pause()
            self.move(job, archive="ready")

    def _pause(self) -> None:
        threading.Event().wait(STEP_SECONDS)

    def move(self, job: Job, **changes: Any) -> None:
        with self.changed:
            for name, value in changes.items():
                setattr(job, name, value)
            job.sequence += 1
            self.changed.notify_all()

    def talk(self, connection: ServerConnection) -> None:
        """Serve one subscription: send each document, then an older one that arrives late."""
        with contextlib.suppress(ConnectionClosed):
            message = json.loads(connection.recv(timeout=10))
            job = self.jobs[message["job_id"]]
            self.subscribed += 1
            sent = 0
            stale = job.document() | {"sequence": 0}
            while self.running:
                with self.changed:
                    if job.sequence == sent:
                        self.changed.wait(timeout=0.2)
                if job.sequence > sent:
                    sent = job.sequence
                    connection.send(json.dumps(job.document()))
                    connection.send(json.dumps(stale))

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        token = urllib.parse.parse_qs(urllib.parse.urlsplit(request.path).query).get("token", [""])
        known = any(job.token == token[0] for job in self.jobs.values())
        if self.refuse_socket or not known:
            return connection.respond(HTTPStatus.FORBIDDEN, "no")
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    standin: StandIn

    def log_message(self, *_: Any) -> None:
        """Log nothing; failures are reported by the tests."""

    def do_OPTIONS(self) -> None:
        self._answer(204, b"")

    def do_GET(self) -> None:
        match urllib.parse.urlsplit(self.path).path.removeprefix(BASE_PATH).split("/"):
            case ["", ""]:
                self._answer(200, PAGE.read_bytes(), "text/html; charset=utf-8")
            case ["", "models"]:
                self._json(200, {"default": "small", "models": ["small", "large"]})
            case ["", "presets"]:
                preset = {"name": "amazon", "description": "Amazon, main image", "options": {}}
                self._json(200, {"presets": [preset]})
            case ["", "store", "result.png"]:
                self._answer(200, PICTURE, "image/png", disposition="result.png")
            case ["", "store", "all.zip"]:
                self._answer(200, b"PK\5\6" + bytes(18), "application/zip", disposition="all.zip")
            case ["", "jobs", job_id, *rest]:
                job = self.standin.jobs.get(job_id)
                if job is None or self.headers["Authorization"] != f"Bearer {job.token}":
                    self._problem(404, "There is no job with this id.")
                else:
                    self._read(job, rest)
            case _:
                self._problem(404, "There is nothing at this address.")

    def _read(self, job: Job, rest: list[str]) -> None:
        match rest:
            case []:
                self.standin.polls += 1
                ready = {"download": f"{self.standin.address}/store/all.zip"}
                links = ready if job.archive == "ready" else {}
                self._json(200, job.document() | {"links": links})
            case ["files"]:
                files = [
                    job.file(index, self.standin.address) for index in range(len(job.declared))
                ]
                self._json(200, {"files": files, "cursor": None})
            case ["files", file_id]:
                self._json(200, job.file(int(file_id), self.standin.address))
            case _:
                self._problem(404, "There is nothing at this address.")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        match self.path.removeprefix(BASE_PATH).split("/"):
            case ["", "store", "upload"]:
                if self.standin.receive_upload(body):
                    self._answer(204, b"")
                else:
                    self._answer(
                        403, b"<Error><Message>Not this one.</Message></Error>", "text/xml"
                    )
            case ["", "jobs"]:
                if self.headers["Authorization"] == f"Bearer {KEY}":
                    self._json(201, self.standin.create(json.loads(body)))
                else:
                    self._problem(401, "This key is not accepted.")
            case ["", "jobs", job_id, "cancel"]:
                job = self.standin.jobs[job_id]
                self.standin.move(job, status="cancelled", ended=len(job.declared))
                self._json(200, job.document())
            case _:
                self._problem(404, "There is nothing at this address.")

    def _problem(self, status: int, detail: str) -> None:
        self._json(status, {"status": status, "detail": detail, "code": "problem"})

    def _json(self, status: int, body: Any) -> None:
        self._answer(status, json.dumps(body).encode(), "application/json")

    def _answer(self, status: int, body: bytes, kind: str = "", *, disposition: str = "") -> None:
        self.send_response(status)
        headers = {
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Headers": "authorization, content-type",
            "Content-Type": kind,
            "Content-Disposition": disposition and f'attachment; filename="{disposition}"',
        }
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _picture() -> bytes:
    """A PNG of a disc on a transparent background."""
    image = Image.new("RGBA", (120, 90), (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((30, 15, 90, 75), fill=(200, 90, 40, 255))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


PICTURE = _picture()


@contextlib.contextmanager
def running() -> Iterator[StandIn]:
    """Run a stand-in on free ports until the block ends."""
    standin = StandIn()
    handler = type("Handler", (_Handler,), {"standin": standin})
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), handler) as http,
        serve(standin.talk, "127.0.0.1", 0, process_request=standin.admit) as socket,
    ):
        standin.address = f"http://127.0.0.1:{http.server_address[1]}"
        standin.socket_address = f"ws://127.0.0.1:{socket.socket.getsockname()[1]}"
        threads = [
            threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}),
            threading.Thread(target=socket.serve_forever),
        ]
        for thread in threads:
            thread.start()
        try:
            yield standin
        finally:
            standin.running = False
            socket.shutdown()
            http.shutdown()
            for thread in threads:
                thread.join(timeout=5)
