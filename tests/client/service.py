"""An in-memory fake of the service: an httpx transport, and a real WebSocket server."""

from __future__ import annotations

import base64
import io
import json
import re
import struct
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import httpx
from websockets.sync.server import ServerConnection, serve

from darkroom_client.api import Darkroom
from darkroom_client.wire import RetryPolicy

URL = "https://api.example"
STORAGE = "https://storage.example"
KEY = "the-key"
TOKEN = "job1.secret"
FAST_RETRY = RetryPolicy(attempts=3, first=0.001, most=0.002)


def png(width: int = 4, height: int = 3, colour: int = 6) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    row = b"\0" + bytes(width * {2: 3, 6: 4}[colour])
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(row * height)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in parts)


def document(sequence: int, status: str = "processing", **more: Any) -> dict[str, Any]:
    return {
        "type": "progress",
        "job_id": "job1",
        "status": status,
        "sequence": sequence,
        "progress": {"processed": 0, "total": None, "percentage": 0.0},
        "summary": {"succeeded": 0, "failed": 0, "skipped": 0},
        "metadata": {"file_count": 1},
        "archive": {"status": "none"},
        "recent": [],
        "error": None,
    } | more


def problem(status: int, code: str, detail: str, **more: Any) -> httpx.Response:
    body = {"status": status, "code": code, "detail": detail, "request_id": "r-1"} | more
    return httpx.Response(status, json=body, headers={"content-type": "application/problem+json"})


@dataclass
class Service:
    """A fake service. Photos named bad… fail, all others succeed.

    A job ends as soon as all its uploads have arrived. requests: all requests received. before:
    called first with each request; a response it returns is sent in place of the service's own.
    """

    websocket_url: str = ""
    requests: list[httpx.Request] = field(default_factory=list)
    before: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    _lock: Any = field(default_factory=threading.RLock)

    def client(self, retry: RetryPolicy = FAST_RETRY) -> Darkroom:
        return Darkroom(URL, KEY, transport=httpx.MockTransport(self.answer), retry=retry)

    def sent(self, method: str, path: str) -> list[httpx.Request]:
        pattern = re.compile(path)
        return [r for r in self.requests if r.method == method and pattern.fullmatch(r.url.path)]

    def answer(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self.requests.append(request)
            override = self.before(request)
            if override is not None:
                return override
            storage = str(request.url).startswith(STORAGE)
            return self._storage(request) if storage else self._api(request)

    def _api(self, request: httpx.Request) -> httpx.Response:
        match request.url.path.split("/")[1:]:
            case ["health"]:
                body: Any = {"status": "ok", "version": "1"}
            case ["models"]:
                body = {"default": "u2netp", "models": ["u2netp", "silueta"]}
            case ["presets"]:
                preset = {"name": "amazon", "description": "On white", "options": {"dpi": 300}}
                body = {"presets": [preset]}
            case ["jobs"]:
                return self._create(json.loads(request.content))
            case ["jobs", job_id, *_] if job_id not in self.jobs:
                return problem(404, "unknown_job", "There is no job with this id.")
            case ["jobs", job_id]:
                body = self.document(job_id)
            case ["jobs", job_id, "files"]:
                body = self._files(self.jobs[job_id], request.url.params)
            case ["jobs", job_id, "files", file_id] if request.url.params["as"] == "data-url":
                data = base64.b64encode(self.jobs[job_id]["results"][file_id]).decode()
                body = {"data_url": f"data:image/png;base64,{data}"}
            case ["jobs", job_id, "files", file_id]:
                return _redirect(f"result/{job_id}/{file_id}")
            case ["jobs", job_id, _]:
                return _redirect(f"zip/{job_id}")
        return httpx.Response(200, json=body)

    def _create(self, body: dict[str, Any]) -> httpx.Response:
        job_id = f"job{len(self.jobs) + 1}"
        names = [file["name"] for file in body["files"]]
        self.jobs[job_id] = {"body": body, "uploads": {}, "files": [], "results": {}}
        grants = [
            {
                "file_id": f"{index:06d}",
                "name": name,
                "upload": {
                    "method": "POST",
                    "url": f"{STORAGE}/",
                    "fields": {"key": f"{job_id}/{index}", "policy": "p"},
                    "headers": {},
                },
            }
            for index, name in enumerate(names)
        ]
        created = {"job_id": job_id, "token": f"{job_id}.secret", "files": grants}
        return httpx.Response(201, json=created | {"websocket_url": self.websocket_url})

    def _storage(self, request: httpx.Request) -> httpx.Response:
        _, kind, *rest = request.url.path.split("/")
        if request.method == "GET":
            job = self.jobs[rest[0]]
            data = archive(job) if kind == "zip" else job["results"][rest[1]]
            return httpx.Response(200, content=data, headers={"etag": '"e"'})
        head, data = request.content.split(b'name="file"', 1)
        job_id, index = re.search(rb'name="key"\r\n\r\n(\w+)/(\d+)', head).groups()  # type: ignore[union-attr]
        job = self.jobs[job_id.decode()]
        data = data.split(b"\r\n\r\n", 1)[1].rpartition(b"\r\n--")[0]
        job["uploads"][int(index)] = data
        if len(job["uploads"]) == len(job["body"]["files"]):
            self._process(job_id.decode(), job)
        return httpx.Response(204)

    def _process(self, job_id: str, job: dict[str, Any]) -> None:
        names = []
        for index, declared in enumerate(job["body"]["files"]):
            if declared["name"].endswith(".zip"):
                with zipfile.ZipFile(io.BytesIO(job["uploads"][index])) as zip_file:
                    names += zip_file.namelist()
            else:
                names.append(declared["name"])
        for index, name in enumerate(names):
            file_id = f"{index:06d}"
            file: dict[str, Any] = {"file_id": file_id, "name": name, "status": "succeeded"}
            if PurePosixPath(name).name.startswith("bad"):
                file |= {
                    "status": "failed",
                    "error": {"code": "x", "message": "This is not a photo."},
                }
            else:
                job["results"][file_id] = data = png(index + 1)
                file["result"] = {
                    "url": f"{STORAGE}/result/{job_id}/{file_id}",
                    "content_type": "image/png",
                    "bytes": len(data),
                    "width": index + 1,
                    "height": 3,
                    "faces": 1,
                }
            job["files"].append(file)

    def document(self, job_id: str) -> dict[str, Any]:
        files = self.jobs[job_id]["files"]
        if not files:
            return document(1, "awaiting_upload", job_id=job_id)
        failed = sum(file["status"] == "failed" for file in files)
        all_failed = failed == len(files)
        return document(
            2,
            "failed" if all_failed else "completed",
            job_id=job_id,
            progress={"processed": len(files), "total": len(files), "percentage": 100.0},
            summary={"succeeded": len(files) - failed, "failed": failed, "skipped": 0},
            archive={"status": "none" if all_failed else "ready"},
            error={"code": "all_photos_failed", "message": "Nothing worked."}
            if all_failed
            else None,
        )

    def _files(self, job: dict[str, Any], query: httpx.QueryParams) -> Any:
        files = [f for f in job["files"] if query.get("status", f["status"]) == f["status"]]
        start = int(query.get("cursor", "0"))
        cursor = str(start + 2) if start + 2 < len(files) else None
        return {"files": files[start : start + 2], "cursor": cursor}


def _redirect(path: str) -> httpx.Response:
    return httpx.Response(302, headers={"location": f"{STORAGE}/{path}"})


def archive(job: dict[str, Any]) -> bytes:
    packed = io.BytesIO()
    listed = []
    with zipfile.ZipFile(packed, "w") as zip_file:
        for file in job["files"]:
            outcome = {"name": file["name"], "status": file["status"]}
            if file["file_id"] in job["results"]:
                outcome["path"] = str(PurePosixPath(file["name"]).with_suffix(".png"))
                zip_file.writestr(outcome["path"], job["results"][file["file_id"]])
            listed.append(outcome)
        zip_file.writestr("manifest.json", json.dumps({"files": listed}))
    return packed.getvalue()


@contextmanager
def websocket(handler: Callable[[ServerConnection], None]) -> Iterator[str]:
    """Run a WebSocket server on this machine with `handler`; yield its URL."""
    with serve(handler, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/live"
        finally:
            server.shutdown()
            thread.join()
