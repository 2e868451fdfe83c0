"""Announce that a job has settled: an event for the account, a webhook for its callback URL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from darkroom import clock, keys
from darkroom.jobs import Job
from darkroom.messages import WebhookMessage, completion_id
from darkroom.progress import summary_document
from darkroom.states import ArchiveStatus

if TYPE_CHECKING:
    from darkroom.aws.events import EventBus
    from darkroom.aws.queues import Queue


@dataclass(frozen=True, slots=True)
class Completions:
    """bucket: the name of the bucket that holds the results."""

    events: EventBus
    webhooks: Queue
    bucket: str

    def announce(self, jobs: Sequence[Job]) -> None:
        """Announce settled jobs. A repeat announces the same attempt of a job under the same id."""
        documents = [completion_document(job, self.bucket) for job in jobs]
        self.events.completed(documents)
        self.webhooks.send(
            [
                WebhookMessage(
                    url=job.callback_url,
                    job_id=job.job_id,
                    attempt=job.attempt,
                    body=json.dumps(document, separators=(",", ":")),
                )
                for job, document in zip(jobs, documents, strict=True)
                if job.callback_url
            ]
        )


def completion_document(job: Job, bucket: str) -> dict[str, Any]:
    """The detail of the event and the body of the webhook, as docs/events.md describes it."""
    archived = job.archive.status is ArchiveStatus.READY
    return {
        "id": completion_id(job.job_id, job.attempt),
        "job_id": job.job_id,
        "attempt": job.attempt,
        "status": job.status.value,
        "job_type": job.job_type,
        "summary": summary_document(job),
        "error": dict(job.error) if job.error else None,
        "bucket": bucket,
        "results": f"{keys.RESULTS}{job.job_id}/",
        "archive": keys.archive_key(job.job_id, job.archive.generation) if archived else None,
        "source": job.source or None,
        "created_at": clock.iso(job.created_at),
        "completed_at": clock.iso(job.updated_at),
    }
