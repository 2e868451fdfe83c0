"""The exceptions that Darkroom raises, grouped by how they are handled.

    DarkroomError
    ├── RequestError      returned to the caller, over HTTP (RFC 9457) or the WebSocket
    │   ├── InvalidRequest    422, with the wrong fields
    │   ├── Unauthorized      401
    │   ├── NotFound          404
    │   └── Conflict          409, the job's state does not allow the request
    ├── FileError         one photo or upload fails; the rest of its job continues
    │   └── SkippedFile       the file is not a photo: it is skipped, not failed
    ├── ArchiveError      a job's archive fails; its results can still be fetched one by one
    ├── RetryLater        a temporary fault: the queue should deliver the message again
    └── OutboundError     a request to a user-supplied URL failed or was refused

Every error has a stable `code`, which clients may match on, and a `message`, a sentence that tells
people what to do. Both are public; private details go to the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar


class DarkroomError(Exception):
    """The base class. `code` is stable and for machines; `message` is for people and may change."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    def as_dict(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message}


class RequestError(DarkroomError):
    """A refused request; `status` is the HTTP status of the response."""

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
    """The file cannot succeed as it is: it is recorded as failed and not retried."""


class SkippedFile(FileError):
    """The file is not a photo, and need not be one: it is recorded as skipped."""


class ArchiveError(DarkroomError):
    """The archive cannot be built as it was laid out: it is recorded as failed."""


class RetryLater(DarkroomError):
    """A temporary fault; the message stays on its queue and is delivered again."""


class OutboundError(DarkroomError):
    """A request to a user-supplied URL failed, or its host is not allowed."""
