"""The consumer of the on-failure queue: delivers records that the stream has given up on.

When a batch of the table's stream keeps failing, its event source puts the batch's place in the
stream onto a queue, so that the batch does not block the records behind it. This function reads
the records again and does what both readers of the stream do, one record at a time. Only the pushes
are left out: they would be out of date.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from darkroom.aws.queue_consumer import QueueConsumer
from darkroom.aws.services import Services, services
from darkroom.aws.stream_records import RecordsExpired, files_in, jobs_in
from darkroom.counting import count_files
from functions.progress.completion import Completions
from functions.progress.job_changes import Change, JobChangeHandler
from functions.progress.totals import update_totals

logger = Logger(service="redelivery")


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """A letter stays on its queue until all of its records have been handled, or have expired."""
    shared = services()

    def redeliver(record: SQSRecord) -> None:
        batch = json.loads(record.body)["DDBStreamBatchInfo"]
        try:
            records = shared.stream.read(batch)
        except RecordsExpired:
            # The sweep finds the jobs of these records that have not settled.
            logger.exception("Records have left the stream unhandled", extra={"batch": batch})
            return
        errors = [error for each in records if (error := _attempt(each, shared))]
        if errors:
            raise errors[0]
        logger.info("Redelivered", extra={"records": len(records)})

    return process_partial_response(event, redeliver, QueueConsumer(shared.sqs, logger), context)


def _attempt(record: Mapping[str, Any], shared: Services) -> Exception | None:
    """Handle one record. One that fails must not keep the others of its batch waiting."""
    try:
        _handle(record, shared)
    except Exception as error:
        logger.exception("A record failed again", extra={"keys": record["dynamodb"]["Keys"]})
        return error
    return None


def _handle(record: Mapping[str, Any], shared: Services) -> None:
    count_files(files_in([record]), shared.jobs)
    changes = [Change(*pair) for pair in jobs_in([record])]
    completions = Completions(shared.events, shared.webhooks, shared.settings.bucket_name)
    JobChangeHandler(shared.archives, shared.lifecycle, completions).handle(changes)
    update_totals(changes, shared.ledger)
