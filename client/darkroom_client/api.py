"""The service, as a program uses it.

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
from darkroom_client.model import LocalFile, Models
from darkroom_client.wire import RetryPolicy, Wire, new_http, parsed

FILES_A_JOB = 100
"""The most the service takes in one job."""


class Darkroom:
    """May be shared by threads. `transport` is for tests."""

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
        return self._wire

    def create_job(
        self, files: Sequence[LocalFile], options: Mapping[str, Any], callback_url: str = ""
    ) -> Job:
        """A job of up to 100 files, which are still to be uploaded. Needs the key.

        callback_url: is sent a webhook when the job is done; `webhook.verify` checks it there.
        Raises ApiError, Unreachable, or OSError where a file cannot be looked at.
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

        def made(told: Mapping[str, Any]) -> Job:
            grants = [granted["upload"] for granted in told["files"]]
            return Job(
                wire=self._wire,
                api_url=self.api_url,
                job_id=told["job_id"],
                credential=told["token"],
                websocket_url=told.get("websocket_url", ""),
                uploads=[Upload(file, grant) for file, grant in zip(files, grants, strict=True)],
            )

        return parsed(response, made)

    def job(self, name: str) -> Job:
        """A job made earlier, by its id, or by its token, which needs no key."""
        job_id, dot, _ = name.partition(".")
        return Job(self._wire, self.api_url, job_id, name if dot else self._key)

    def models(self) -> Models:
        """What this deployment carries."""
        return parsed(self._get("/models"), _models)

    def health(self) -> Mapping[str, Any]:
        return parsed(self._get("/health"), dict[str, Any])

    def _get(self, path: str) -> httpx.Response:
        return self._wire.with_retries(lambda: self._request("GET", path))

    def _request(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return self._wire.request(method, f"{self.api_url}{path}", credential=self._key, body=body)


def _models(told: Mapping[str, Any]) -> Models:
    return Models(str(told["default"]), tuple(map(str, told["models"])))
