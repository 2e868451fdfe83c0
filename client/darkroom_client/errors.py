"""Everything that can go wrong for a user of the service. `str()` of each is one line for people.

ClientError
├── ApiError       the service refuses, and says why
├── Unreachable    there is no answer, even after trying again
├── NoProgress     the job stands still
├── Unusable       what was asked for cannot be done: no such file, no valid address
├── Unverified     a webhook is not what the service has sent, or not lately
└── Stopped        `Darkroom.stop` was called
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class ClientError(Exception):
    """Nothing but these is raised on purpose; an OSError comes from the user's own files."""


class ApiError(ClientError):
    """A problem the service has described (RFC 9457).

    code: stable, to be matched on. status: of HTTP. fields: `{"field": …, "message": …}` for each
    wrong field of the request. retry_after: seconds the service asks for, 0 where it does not.
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
    def passing(self) -> bool:
        """The same request may well succeed later."""
        return self.status >= 500 or self.status in {408, 429}

    def __str__(self) -> str:
        wrong = [
            f"{field.get('field', '')}: {field.get('message', '')}"
            for field in self.fields
            if field.get("message", "") not in self.message
        ]
        text = " ".join([self.message, "; ".join(wrong)]).strip()
        if self.status >= 500 and self.request_id:
            text += f" (request {self.request_id})"
        return " ".join(text.split())


class Unreachable(ClientError):
    """unsent: the request cannot have reached the service, so that repeating it is harmless."""

    def __init__(self, message: str, *, unsent: bool = False) -> None:
        super().__init__(" ".join(message.split()))
        self.unsent = unsent


class NoProgress(ClientError):
    pass


class Unusable(ClientError):
    pass


class Unverified(ClientError):
    pass


class Stopped(ClientError):
    pass
