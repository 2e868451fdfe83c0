"""Who follows which job over the WebSocket."""

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
"""A connection's items go by then at the latest; API Gateway ends all connections after 2 h."""
_DEPLOYMENT = "*"


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """`key` fetches the deployment's key, which a job's own token does without."""

    jobs: JobTable
    connections: Connections
    key: Callable[[], str]

    def connect(self, connection: str, credential: str) -> None:
        """Raises Unauthorized where `credential` is neither the key nor a job's token."""
        scope = _DEPLOYMENT
        if self._job_for(credential) is not None:
            scope = access.job_of(credential)
        elif not access.is_key(credential, self.key()):
            raise Unauthorized(
                "wrong_token", "Connect with ?token= and the job's token or the deployment's key."
            )
        self.connections.opened(connection, scope, clock.now() + CONNECTION_SECONDS)

    def disconnect(self, connection: str) -> None:
        self.connections.closed(connection)

    def receive(self, connection: str, body: str) -> None:
        """Do what a message asks and answer it; what is wrong with it is answered too."""
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
        """First the subscription, then the document: a change between the two is pushed."""
        scope = self.connections.credential(connection)
        may = scope in (_DEPLOYMENT, job_id) or (
            isinstance(token, str)
            and access.job_of(token) == job_id
            and self._job_for(token) is not None
        )
        if not may:
            raise Unauthorized(
                "wrong_token", "This connection may not follow that job; send the job's token."
            )
        job = self.jobs.require(job_id)
        if not self.connections.subscribe(connection, job_id, clock.now() + CONNECTION_SECONDS):
            return None
        return progress_document(self.jobs.get(job_id) or job)

    def _job_for(self, token: str) -> Job | None:
        """The job that `token` is the right token of."""
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
