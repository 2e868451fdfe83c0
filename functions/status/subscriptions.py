"""WebSocket subscriptions: connections subscribe to jobs and become their followers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from darkroom import access, clock
from darkroom.errors import InvalidRequest, RequestError, Unauthorized
from darkroom.jobs import Job
from darkroom.progress import progress_document

if TYPE_CHECKING:
    from darkroom.aws.connections import Connections
    from darkroom.aws.table import JobTable

CONNECTION_SECONDS = 3 * 3600
"""The lifetime of a connection's items. API Gateway closes every connection after 2 hours."""
_DEPLOYMENT = "*"


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """Handle a connection's life: connect, messages, disconnect.

    key: fetches the deployment's key; not called for a connection that sends a job's token.
    """

    jobs: JobTable
    connections: Connections
    key: Callable[[], str]

    def connect(self, connection: str, credential: str) -> None:
        """Raises Unauthorized if `credential` is neither the deployment's key nor a job's token."""
        scope = _DEPLOYMENT
        if self._job_for(credential) is not None:
            scope = access.job_of(credential)
        elif not access.is_key(credential, self.key()):
            raise Unauthorized(
                "wrong_token", "Connect with the job's token or the deployment's key as ?token=."
            )
        self.connections.opened(connection, scope, clock.now() + CONNECTION_SECONDS)

    def disconnect(self, connection: str) -> None:
        self.connections.closed(connection)

    def receive(self, connection: str, body: str) -> None:
        """Act on a message and answer it. A refused message is answered with its error."""
        try:
            answer = self._act(connection, _message(body))
        except RequestError as error:
            answer = {"type": "error", **error.as_dict()}
        if answer is not None:
            self.connections.send(connection, answer)

    def _act(self, connection: str, message: dict[str, Any]) -> dict[str, Any] | None:
        match message:
            case {"action": "ping"}:
                return {"type": "pong"}
            case {"action": "subscribe", "job_id": str(job_id)}:
                return self._subscribe(connection, job_id, message.get("token"))
            case {"action": "unsubscribe", "job_id": str(job_id)}:
                self.connections.unsubscribe(connection, job_id)
                return None
            case _:
                raise InvalidRequest(
                    "unknown_action",
                    'Send {"action": "subscribe" or "unsubscribe", "job_id": …} or '
                    '{"action": "ping"}.',
                )

    def _subscribe(self, connection: str, job_id: str, token: object) -> dict[str, Any] | None:
        """Subscribe before reading the document, so that no change in between is missed."""
        scope = self.connections.credential(connection)
        allowed = scope in (_DEPLOYMENT, job_id) or (
            isinstance(token, str)
            and access.job_of(token) == job_id
            and self._job_for(token) is not None
        )
        if not allowed:
            raise Unauthorized(
                "wrong_token", "This connection may not follow that job; send the job's token."
            )
        job = self.jobs.require(job_id)
        if not self.connections.subscribe(connection, job_id, clock.now() + CONNECTION_SECONDS):
            return None
        return progress_document(self.jobs.get(job_id) or job)

    def _job_for(self, token: str) -> Job | None:
        """The job that `token` opens; None if there is none."""
        if not access.job_of(token) or "." not in token:
            return None
        job = self.jobs.get(access.job_of(token))
        return job if job is not None and access.is_token(token, job) else None


def _message(body: str) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except ValueError:
        message = None
    if not isinstance(message, dict):
        raise InvalidRequest("invalid_json", "Send each message as one JSON object.")
    return message
