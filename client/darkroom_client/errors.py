"""The exceptions that the client raises. `str()` of each is a one-line message for the user.

ClientError
├── ApiError       the service answered with an error
├── Unreachable    no answer, even after retries
├── NoProgress     the job has stalled
├── Unusable       bad input: no such file, not a valid URL, not a Darkroom API
├── Unverified     a webhook whose signature or age is not valid
└── Stopped        the client was stopped by Ctrl-C or `darkroom.wire.stop()`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class ClientError(Exception):
    """The base class. The client also lets an OSError through when a local file fails."""


class ApiError(ClientError):
    """An error response of the service (RFC 9457), of S3, or of a gateway in between.

    code: stable; match on this, not on the message.
    status: the HTTP status.
    fields: `{"field": …, "message": …}` for each invalid field of the request.
    retry_after: the seconds in `Retry-After`, or 0 if the response has none.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int,
        request_id: str = "",
        fields: Sequence[Mapping[str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.request_id = request_id
        self.fields = tuple(fields)
        self.retry_after = 0.0

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed later: 408, 429 and every 5xx."""
        return self.status >= 500 or self.status in {408, 429}

    def __str__(self) -> str:
        invalid = [
            f"{field.get('field', '')}: {field.get('message', '')}"
            for field in self.fields
            if field.get("message", "") not in self.message
        ]
        text = " ".join([self.message, "; ".join(invalid)]).strip()
        if self.status >= 500 and self.request_id:
            text += f" (request {self.request_id})"
        return " ".join(text.split())


class Unreachable(ClientError):
    """The service could not be reached, or did not answer in time.

    unsent: the request did not reach the service, so that any request is safe to repeat.
    """

    def __init__(self, message: str, *, unsent: bool = False) -> None:
        super().__init__(" ".join(message.split()))
        self.unsent = unsent


class NoProgress(ClientError):
    """The job, or its archive, did not advance within the time-out. It may still finish later."""


class Unusable(ClientError):
    """An argument, a local file or a URL cannot be used. Repeating the call does not help."""


class Unverified(ClientError):
    """A webhook is not genuine, or it is too old. Answer it with a 400 and ignore its body."""


class Stopped(ClientError):
    """Ctrl-C or `darkroom.wire.stop()` ended the call. Later calls of the client raise it too."""
