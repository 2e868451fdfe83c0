"""The consumer of the table's stream for jobs: acts on every change of a job."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from darkroom.aws.services import services
from darkroom.aws.stream_records import jobs_in
from functions.progress.completion import Completions
from functions.progress.job_changes import Change, JobChangeHandler
from functions.progress.pushes import push
from functions.progress.totals import update_totals

logger = Logger(service="notify")


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> None:
    """An exception makes the stream redeliver the batch; every step is idempotent.

    Pushes come last, because they depend on clients and nothing else may wait for a client.
    """
    shared = services()
    completions = Completions(shared.events, shared.webhooks, shared.settings.bucket_name)
    change_handler = JobChangeHandler(shared.archives, shared.lifecycle, completions)
    changes = [Change(*pair) for pair in jobs_in(event["Records"])]
    change_handler.handle(changes)
    update_totals(changes, shared.ledger)
    push(changes, shared.connections)
