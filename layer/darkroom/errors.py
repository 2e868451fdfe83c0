"""Everything that can go wrong, by what becomes of it.

    DarkroomError
    ├── RequestError      the caller is told, by HTTP (RFC 9457) or over the WebSocket
    │   ├── InvalidRequest    422, with the fields that are wrong
    │   ├── Unauthorized      401
    │   ├── NotFound          404
    │   └── Conflict          409, the job's state does not allow it
    ├── FileError         one photo or upload ends as failed; the rest of its job goes on
    │   └── SkippedFile       it was never a photo: listed, not a failure
    ├── ArchiveError      a job's ZIP ends as failed; its results can be had one by one
    ├── RetryLater        nothing is wrong with the work: the queue should deliver it again
    └── OutboundError     a request to a URL that a user gave us failed, or was refused

Every error has a stable `code`, which clients may match on, and a `message`, which is a sentence
for people that says what to do. Both are public; what is private goes to the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar


class DarkroomError(Exception):
    """`code` is stable and for machines, `message` is for people and may change."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    def as_dict(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message}


class RequestError(DarkroomError):
    """A request that is refused; `status` is its HTTP status."""

    status: ClassVar[int] = 400


class InvalidRequest(RequestError):
    """`fields` are `{"field": "options.model", "message": "…"}`, one for each wrong field."""

    status = 422

    def __init__(self, code: str, message: str, fields: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(code, message)
        self.fields = list(fields)


class Unauthorized(RequestError):
    status = 401


class NotFound(RequestError):
    status = 404


class Conflict(RequestError):
    status = 409


class FileError(DarkroomError):
    """The file can never succeed as it is: it is recorded as failed and not tried again."""


class SkippedFile(FileError):
    """The file is no photo and nobody expected one: it is recorded as skipped."""


class ArchiveError(DarkroomError):
    """The ZIP can never be built as it was laid out: it is recorded as failed."""


class RetryLater(DarkroomError):
    """A passing fault; the work is left on its queue."""


class OutboundError(DarkroomError):
    """The host of a user-supplied URL cannot be reached, or may not be."""
