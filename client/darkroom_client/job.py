"""A job of the service: upload its files, read its progress, download its results."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from darkroom_client import transfer
from darkroom_client.errors import ApiError, NoProgress
from darkroom_client.model import FileInfo, LocalFile, Progress
from darkroom_client.transfer import Count, ignore
from darkroom_client.wire import Wire, parsed

UPLOADS_AT_ONCE = 4
DOWNLOADS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Upload:
    """A local file and its upload grant (a presigned POST)."""

    file: LocalFile
    grant: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Job:
    """A handle on one job.

    credential: the job's token, or the deployment's key. websocket_url: "" if it is not known;
    the job can then be followed by polling only. uploads: what `upload` sends; empty for a job
    opened by its id or token.
    """

    wire: Wire = field(repr=False)
    api_url: str
    job_id: str
    credential: str = field(repr=False)
    websocket_url: str = ""
    uploads: Sequence[Upload] = ()

    def upload(self, count: Count = ignore) -> None:
        """Upload all files, four at a time. Raises ApiError, Unreachable or OSError."""
        tasks = [partial(self._upload, upload, count) for upload in self.uploads]
        self.wire.concurrently(tasks, UPLOADS_AT_ONCE)

    def _upload(self, upload: Upload, count: Count) -> None:
        try:
            transfer.upload(self.wire, upload.file, upload.grant, count)
        except ApiError as error:
            error.message = f"{upload.file.name} could not be uploaded. {error.message}"
            raise

    def progress(self) -> Progress:
        """Return the current progress document, with retries."""
        return parsed(self._get(""), Progress.of)

    def progress_now(self) -> Progress:
        """Return the current progress document, in one attempt."""
        return parsed(self._request(""), Progress.of)

    def files(self, status: str = "") -> Iterator[FileInfo]:
        """Yield all files of the job, or those with the given status, page by page."""
        query = {"status": status} if status else {}
        while True:
            files, cursor = parsed(self._get("/files", **query), _page)
            yield from files
            if not cursor:
                return
            query["cursor"] = cursor

    def file(self, file_id: str) -> FileInfo:
        """Return one file, with a fresh result URL."""
        return parsed(self._get(f"/files/{file_id}"), FileInfo.of)

    def data_url(self, file_id: str) -> str:
        """Return a result as a `data:` URL.

        Raises ApiError (`result_too_large`) above about 4 MB.
        """
        response = self._get(f"/files/{file_id}", **{"as": "data-url"})
        return parsed(response, lambda body: str(body["data_url"]))

    def read(self, file_id: str) -> bytes:
        """Return the bytes of a result, read through its data URL."""
        return base64.b64decode(self.data_url(file_id).partition(",")[2])

    def download(self, file: FileInfo, to: Path, count: Count = ignore) -> None:
        """Save the result of a file; request a new URL if the one it has is expired."""
        if file.result:
            url = file.result.url
            try:
                return transfer.download(self.wire, lambda: url, to, count)
            except ApiError as error:
                if error.status != 403:
                    raise
        path, query = f"/files/{file.file_id}", {"as": "redirect"}
        return transfer.download(self.wire, lambda: self._redirect(path, **query), to, count)

    def download_all(self, files: Mapping[Path, FileInfo], done: Callable[[], None]) -> None:
        """Save the results of many files, four at a time; call `done` after each."""

        def download_one(to: Path, file: FileInfo) -> None:
            self.download(file, to)
            done()

        tasks = [partial(download_one, to, file) for to, file in files.items()]
        self.wire.concurrently(tasks, DOWNLOADS_AT_ONCE)

    def archive_url(self) -> str:
        """Return the archive's URL, valid for an hour, or "" while the archive is being built."""
        return self._redirect("/archive")

    def wait_for_archive(self, seconds: float = 120.0, every: float = 2.0) -> str:
        """Poll until the archive is ready; return its URL. Raises NoProgress."""
        deadline = time.monotonic() + seconds
        while not (url := self.archive_url()):
            if time.monotonic() > deadline:
                raise NoProgress(f"The ZIP of job {self.job_id} was not ready in {seconds:.0f} s.")
            self.wire.pause(every)
        return url

    def download_archive(self, to: Path, count: Count = ignore) -> None:
        """Wait for the archive and save it."""
        transfer.download(self.wire, self.wait_for_archive, to, count)

    def _redirect(self, path: str, **query: str) -> str:
        return str(self._get(path, **query).headers.get("location", ""))

    def _get(self, path: str, **query: str) -> httpx.Response:
        return self.wire.with_retries(lambda: self._request(path, **query))

    def _request(self, path: str, **query: str) -> httpx.Response:
        url = f"{self.api_url}/jobs/{self.job_id}{path}"
        return self.wire.request("GET", url, credential=self.credential, **query)


def _page(body: Mapping[str, Any]) -> tuple[list[FileInfo], str]:
    """Return the files of a page, and the cursor of the next page or ""."""
    return [FileInfo.of(file) for file in body["files"]], body.get("cursor") or ""
