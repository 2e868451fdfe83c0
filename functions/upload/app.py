"""The HTTP routes that create, cancel, retry and delete jobs."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from darkroom import access, rest
from darkroom.aws.services import services
from functions.upload.change import cancel_job, retry_job
from functions.upload.create import create_job

logger = Logger(service="upload")
app = rest.resolver(logger)


@app.post("/jobs")
def post_job() -> Response[str]:
    shared = services()
    access.require_key(rest.credential(app), shared.key)
    return rest.answer(201, create_job(rest.body(app), shared.settings, shared.jobs, shared.bucket))


@app.post("/jobs/<job_id>/cancel")
def post_cancel(job_id: str) -> Response[str]:
    shared = services()
    access.authorized_job(rest.credential(app), job_id, shared.jobs.get, shared.key)
    return rest.answer(200, cancel_job(job_id, shared.jobs))


@app.post("/jobs/<job_id>/retry")
def post_retry(job_id: str) -> Response[str]:
    shared = services()
    access.authorized_job(rest.credential(app), job_id, shared.jobs.get, shared.key)
    return rest.answer(202, retry_job(job_id, rest.body(app), shared.settings, shared.jobs))


@app.delete("/jobs/<job_id>")
def delete_job(job_id: str) -> Response[str]:
    """Delete the job's item at once; its files and objects are deleted later."""
    shared = services()
    access.authorized_job(rest.credential(app), job_id, shared.jobs.get, shared.key)
    shared.jobs.forget(job_id)
    return Response(204, "application/json", "")


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return app.resolve(event, context)
