"""The client class, `Darkroom`: create jobs, open existing ones, list models.

with Darkroom("https://…", key) as darkroom:
    job = darkroom.create_job([LocalFile(Path("cat.jpg"), "cat.jpg")], {"crop_face": True})
    job.upload()
    for update in follow(job):
        print(update.progress.processed)
    for file in job.files(status="succeeded"):
        job.download(file, Path("out") / f"{file.file_id}.png")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import httpx

from darkroom_client.job import Job, Upload
from darkroom_client.model import LocalFile, Models, Preset
from darkroom_client.wire import RetryPolicy, Wire, new_http, parsed

FILES_A_JOB = 100
"""The maximum number of files in one job."""


class Darkroom:
    """A client for one deployment. Safe to share between threads.

    key: the deployment's key; a job opened by its token needs none. transport: for tests.
    Raises Unusable if `api_url` is not an HTTP(S) URL.
    """

    def __init__(
        self,
        api_url: str,
        key: str = "",
        *,
        transport: httpx.BaseTransport | None = None,
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - it is frozen
    ) -> None:
        self.api_url = api_url.rstrip("/")
        self._key = key
        self._wire = Wire(new_http(self.api_url, transport), retry)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._wire.http.close()

    @property
    def wire(self) -> Wire:
        """The shared connection pool; `wire.stop()` stops everything the client is doing."""
        return self._wire

    def create_job(
        self, files: Sequence[LocalFile], options: Mapping[str, Any], callback_url: str = ""
    ) -> Job:
        """Create a job of up to 100 files; `Job.upload` then uploads them. Needs the key.

        callback_url: an `https://` URL that receives a webhook when the job is done. The receiver
        checks the webhook with `webhook.verify`. Raises ApiError, Unreachable, or OSError if a
        file cannot be read.
        """
        body = {
            "files": [
                {"name": file.name, "size": file.size, "content_type": file.content_type}
                for file in files
            ],
            "options": dict(options),
        } | ({"callback_url": callback_url} if callback_url else {})
        response = self._wire.with_retries(
            lambda: self._request("POST", "/jobs", body), repeatable=False
        )

        def new_job(created: Mapping[str, Any]) -> Job:
            grants = [file["upload"] for file in created["files"]]
            return Job(
                wire=self._wire,
                api_url=self.api_url,
                job_id=created["job_id"],
                credential=created["token"],
                websocket_url=created.get("websocket_url", ""),
                uploads=[Upload(file, grant) for file, grant in zip(files, grants, strict=True)],
            )

        return parsed(response, new_job)

    def job(self, name: str) -> Job:
        """Open an existing job by its id, or by its token, which needs no key."""
        job_id, dot, _ = name.partition(".")
        return Job(self._wire, self.api_url, job_id, name if dot else self._key)

    def models(self) -> Models:
        """List the models of this deployment."""
        return parsed(self._get("/models"), _models)

    def presets(self) -> list[Preset]:
        """List the presets of this deployment."""
        return parsed(self._get("/presets"), _presets)

    def health(self) -> Mapping[str, Any]:
        """Return the health document: `{"status": "ok", "version": …}`."""
        return parsed(self._get("/health"), dict[str, Any])

    def _get(self, path: str) -> httpx.Response:
        return self._wire.with_retries(lambda: self._request("GET", path))

    def _request(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return self._wire.request(method, f"{self.api_url}{path}", credential=self._key, body=body)


def _models(body: Mapping[str, Any]) -> Models:
    return Models(str(body["default"]), tuple(map(str, body["models"])))


def _presets(body: Mapping[str, Any]) -> list[Preset]:
    return [
        Preset(str(preset["name"]), str(preset["description"]), dict(preset["options"]))
        for preset in body["presets"]
    ]
