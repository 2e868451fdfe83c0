"""Who may do what: the deployment's key may do all, a job's token is for that one job."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable

from darkroom.errors import NotFound, Unauthorized
from darkroom.jobs import Job


def new_token(job_id: str) -> str:
    """It names its job, so that a WebSocket can be opened with the token alone."""
    return f"{job_id}.{secrets.token_urlsafe(24)}"


def token_hash(token: str) -> str:
    """What is stored: who reads the table cannot act as the token's holder."""
    return hashlib.sha256(token.encode()).hexdigest()


def job_of(token: str) -> str:
    """The job a token claims to be for; `is_token` checks it."""
    return token.partition(".")[0]


def is_key(credential: str, key: str) -> bool:
    return hmac.compare_digest(credential.encode(), key.encode())


def is_token(credential: str, job: Job) -> bool:
    return hmac.compare_digest(token_hash(credential), job.token_hash)


def bearer(authorization: str | None) -> str:
    """The credential of an Authorization header. Raises Unauthorized (`no_credential`)."""
    scheme, _, credential = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not credential.strip():
        raise Unauthorized(
            "no_credential",
            "Send the deployment's key, or the job's token, as `Authorization: Bearer …`.",
        )
    return credential.strip()


def require_key(credential: str, key: str) -> None:
    if not is_key(credential, key):
        raise Unauthorized(
            "wrong_key", "This needs the deployment's key, and what was sent is not that key."
        )


def require_job(credential: str, job: Job, key: str) -> None:
    if not is_token(credential, job) and not is_key(credential, key):
        raise Unauthorized("wrong_token", "This needs the job's own token or the deployment's key.")


def authorized_job(
    credential: str, job_id: str, find: Callable[[str], Job | None], key: str
) -> Job:
    """The job, where `credential` may use it.

    Raises Unauthorized, or NotFound (`unknown_job`) for the key's holder alone: nobody else
    learns which jobs exist.
    """
    job = find(job_id)
    if job is not None:
        require_job(credential, job, key)
        return job
    require_key(credential, key)
    raise NotFound(
        "unknown_job", "There is no job with this id; it may have expired or been deleted."
    )
