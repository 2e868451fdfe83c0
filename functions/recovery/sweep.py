"""The sweep, every five minutes: reconciles stalled jobs and aborts old multipart uploads."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from darkroom import clock
from darkroom.aws.services import services
from functions.recovery.reconcile import Reconciler

logger = Logger(service="sweep")

MOST_JOBS = 500
"""The most jobs that one sweep acts on; the next sweep continues with the others."""
STOP_MILLISECONDS = 20_000
DAY = 86_400


@logger.inject_lambda_context
def handler(_event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Sweep, and count the actions taken. An exception for one job does not stop the others."""
    shared = services()
    now = clock.now()
    queues = (
        shared.lanes.images,
        shared.lanes.bulk,
        shared.process_alone,
        shared.ingest,
        shared.lifecycle,
    )
    reconciler = Reconciler(
        jobs=shared.jobs,
        index=shared.index,
        bucket=shared.bucket,
        lifecycle=shared.lifecycle,
        archives=shared.archives,
        grant_seconds=shared.settings.grant_seconds,
        now=now,
        waiting=any(queue.waiting() for queue in queues),
        out_of_time=lambda: context.get_remaining_time_in_millis() < STOP_MILLISECONDS,
    )
    taken: Counter[str] = Counter()
    for job, action in islice(reconciler.due(), MOST_JOBS):
        logger.info("Due", extra={"job_id": job.job_id, "due": action.value})
        try:
            reconciler.act(job, action)
        except Exception:
            logger.exception("A job could not be reconciled", extra={"job_id": job.job_id})
            taken["crashed"] += 1
        else:
            taken[action.value] += 1
    # In AWS the bucket's lifecycle rule does this too, once a day.
    kept = shared.settings.keep_days * DAY
    taken["aborted_uploads"] = shared.bucket.abort_uploads(before=now - kept)
    logger.info("Swept", extra={"taken": taken})
    return dict(taken)
