"""Authorization: the deployment's key opens every job, a job's token only that one."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Final

from darkroom.errors import NotFound, Unauthorized
from darkroom.jobs import Job

LINK_SECONDS: Final = 3600
"""How long a presigned URL of a result or an archive is valid."""


def new_token(job_id: str) -> str:
    """A random token that begins with its job's id, so that it alone can open a WebSocket."""
    return f"{job_id}.{secrets.token_urlsafe(24)}"


def token_hash(token: str) -> str:
    """The hash of a token. Only this is stored, so that reading the table gives no access."""
    return hashlib.sha256(token.encode()).hexdigest()


def job_of(token: str) -> str:
    """The id of the job that a token claims to be for; `is_token` verifies the claim."""
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
            "Send the deployment's key or the job's token as `Authorization: Bearer …`.",
        )
    return credential.strip()


def require_key(credential: str, key: str) -> None:
    if not is_key(credential, key):
        raise Unauthorized(
            "wrong_key", "The credential is not the deployment's key; send that key for this call."
        )


def require_job(credential: str, job: Job, key: str) -> None:
    if not is_token(credential, job) and not is_key(credential, key):
        raise Unauthorized(
            "wrong_token",
            "The credential does not open this job; send the job's token or the deployment's key.",
        )


def authorized_job(
    credential: str, job_id: str, find: Callable[[str], Job | None], key: str
) -> Job:
    """The job, if `credential` opens it.

    Raises Unauthorized. Raises NotFound (`unknown_job`) only if the credential is the deployment's
    key, so that no other caller can find out which jobs exist.
    """
    job = find(job_id)
    if job is not None:
        require_job(credential, job, key)
        return job
    require_key(credential, key)
    raise NotFound(
        "unknown_job",
        "There is no job with this id; check the id, or create a new job if this one was deleted "
        "or has expired.",
    )
