"""Moving bytes: files to the storage by presigned POST, results back to disk. Constant memory."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from darkroom_client.errors import Unusable
from darkroom_client.model import LocalFile
from darkroom_client.wire import Wire, api_error, network_errors

Count = Callable[[int], None]
"""Is told of bytes that went through; of fewer than none where an attempt was in vain."""


def ignore(_: int) -> None:
    """Counts nothing."""


def upload(wire: Wire, file: LocalFile, grant: Mapping[str, Any], count: Count = ignore) -> None:
    """Send a file as its grant says. Raises ApiError, Unreachable or OSError."""
    if grant["method"] != "POST":
        raise Unusable(f"{file.name}: this client is too old for how it should be uploaded.")

    def attempt() -> None:
        with _Counted(file.path, wire, count) as body, network_errors(grant["url"]):
            response = wire.http.post(
                grant["url"],
                data=grant["fields"],
                files={"file": (file.name.rpartition("/")[2], body, file.content_type)},
                headers=grant["headers"],
            )
            if not response.is_success:
                raise api_error(response)
            body.sent = True

    wire.with_retries(attempt)


class _Counted(io.FileIO):
    """A file that tells how much of it was read, and stops with the wire."""

    def __init__(self, path: Path, wire: Wire, count: Count) -> None:
        super().__init__(path)
        self._wire = wire
        self._count = count
        self._counted = 0
        self.sent = False

    def read(self, size: int | None = -1, /) -> bytes:
        self._wire.check()
        data = super().read(-1 if size is None else size)
        self._counted += len(data)
        self._count(len(data))
        return data

    def close(self) -> None:
        if not self.closed and not self.sent:
            self._count(-self._counted)
        super().close()


def download(wire: Wire, url: Callable[[], str], to: Path, count: Count = ignore) -> None:
    """Save what is at `url`, which is asked for again at each attempt.

    The file appears under its name once it is complete; an attempt that broke off is taken up
    where it ended. Raises ApiError, Unreachable or OSError.
    """
    to.parent.mkdir(parents=True, exist_ok=True)
    part = to.with_name(f".{to.name}.part")
    download = _Download(wire, url, part, count)
    try:
        wire.with_retries(download.attempt)
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)


class _Download:
    def __init__(self, wire: Wire, url: Callable[[], str], part: Path, count: Count) -> None:
        self._wire = wire
        self._url = url
        self._part = part
        self._count = count
        self._held = 0
        self._etag = ""

    def attempt(self) -> None:
        headers = {"Accept-Encoding": "identity"}
        if self._held and self._etag:
            headers |= {"Range": f"bytes={self._held}-", "If-Range": self._etag}
        url = self._url()
        with network_errors(url), self._wire.http.stream("GET", url, headers=headers) as response:
            if response.status_code not in {200, 206}:
                response.read()
                raise api_error(response)
            if response.status_code == 200:
                self._count(-self._held)
                self._held = 0
            self._etag = response.headers.get("etag", "")
            with self._part.open("r+b" if self._held else "wb") as out:
                out.seek(self._held)
                for chunk in response.iter_bytes():
                    self._wire.check()
                    out.write(chunk)
                    self._held += len(chunk)
                    self._count(len(chunk))
                out.truncate()
