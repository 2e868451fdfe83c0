"""Upload files by presigned POST and download results to disk, in constant memory."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from darkroom_client.errors import Unusable
from darkroom_client.model import LocalFile
from darkroom_client.wire import Wire, api_error, network_errors

Count = Callable[[int], None]
"""Called with the bytes just transferred; with a negative number after a failed attempt."""


def ignore(_: int) -> None:
    """Do nothing: the default Count."""


def upload(wire: Wire, file: LocalFile, grant: Mapping[str, Any], count: Count = ignore) -> None:
    """Upload a file with its grant. Raises ApiError, Unreachable, Unusable or OSError."""
    if grant["method"] != "POST":
        raise Unusable(f"{file.name}: this client is too old for the upload grant. Update it.")

    def attempt() -> None:
        with _CountingReader(file.path, wire, count) as body, network_errors(grant["url"]):
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


class _CountingReader(io.FileIO):
    """A file that counts the bytes read from it, and raises Stopped when the wire is stopped."""

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
    """Download to `to`, calling `url` for a fresh URL at each attempt.

    An interrupted attempt is resumed where it stopped. The file gets its name once it is
    complete. Raises ApiError, Unreachable or OSError.
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
    """The state that one download keeps between attempts."""

    def __init__(self, wire: Wire, url: Callable[[], str], part: Path, count: Count) -> None:
        self._wire = wire
        self._url = url
        self._part = part
        self._count = count
        self._received = 0
        self._etag = ""

    def attempt(self) -> None:
        headers = {"Accept-Encoding": "identity"}
        if self._received and self._etag:
            headers |= {"Range": f"bytes={self._received}-", "If-Range": self._etag}
        url = self._url()
        with (
            network_errors(url),
            self._wire.http.stream("GET", url, headers=headers) as response,
        ):
            if response.status_code not in {200, 206}:
                response.read()
                raise api_error(response)
            if response.status_code == 200:
                self._count(-self._received)
                self._received = 0
            self._etag = response.headers.get("etag", "")
            with self._part.open("r+b" if self._received else "wb") as out:
                out.seek(self._received)
                for chunk in response.iter_bytes():
                    self._wire.check()
                    out.write(chunk)
                    self._received += len(chunk)
                    self._count(len(chunk))
                out.truncate()
