"""HTTP: creating jobs, and changing them: cancel, retry, delete."""

from __future__ import annotations

from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.typing import LambdaContext

from darkroom import access, rest
from darkroom.aws.services import services
from darkroom.schemas import ProgressDocument, problems
from functions.upload.change import RetryRequest, cancel_job, retry_job
from functions.upload.create import MoreFiles, NewJob, create_job, declare_files
from functions.upload.grants import CreatedJob, GrantedPage

logger = Logger(service="upload")
app = rest.resolver(logger)

_PROGRESS: Any = {"application/json": {"model": ProgressDocument}}


@app.post(
    "/jobs",
    summary="Create a job",
    description="Declare 1 to 100 files, each a photo or a ZIP, and get a presigned upload "
    "for each. Processing starts as the uploads arrive. With `file_count`, up to 10,000 files are "
    "one job: declare the others in pages afterwards.",
    tags=["Jobs"],
    operation_id="createJob",
    security=rest.KEY,
    responses={
        201: {
            "description": "The job, its token, and an upload grant for each file",
            "content": {"application/json": {"model": CreatedJob}},
        },
        **problems(401, 422),
    },
)
def post_job(body: Annotated[NewJob, Body()]) -> Response[CreatedJob]:
    shared = services()
    access.require_key(rest.credential(app), shared.key)
    return rest.answer(201, create_job(body, shared.settings, shared.jobs, shared.bucket))


@app.post(
    "/jobs/<job_id>/files",
    summary="Declare more files of a job",
    description="For a job created with a `file_count` of more than 100: declare the other files "
    "in pages of 100, in any order, and get a presigned upload for each. What has arrived is "
    "processed meanwhile. A repeat grants the same page anew.",
    tags=["Jobs"],
    operation_id="declareFiles",
    security=rest.KEY_OR_TOKEN,
    responses={
        201: {
            "description": "An upload grant for each file of the page",
            "content": {"application/json": {"model": GrantedPage}},
        },
        **problems(401, 404, 409, 422),
    },
)
def post_files(job_id: str, body: Annotated[MoreFiles, Body()]) -> Response[GrantedPage]:
    shared = services()
    job = access.authorized_job(rest.credential(app), job_id, shared.jobs.get, shared.key)
    return rest.answer(201, declare_files(job, body, shared.settings, shared.jobs, shared.bucket))


@app.post(
    "/jobs/<job_id>/cancel",
    summary="Cancel a job",
    description="Files that have not started are skipped. Files being processed finish. "
    "Existing results are kept. Cancelling a job that has ended changes nothing.",
    tags=["Jobs"],
    operation_id="cancelJob",
    security=rest.KEY_OR_TOKEN,
    responses={
        200: {"description": "The job as it is now", "content": _PROGRESS},
        **problems(401, 404),
    },
)
def post_cancel(job_id: str) -> Response[ProgressDocument]:
    shared = services()
    access.authorized_job(rest.credential(app), job_id, shared.jobs.get, shared.key)
    return rest.answer(200, cancel_job(job_id, shared.jobs))


@app.post(
    "/jobs/<job_id>/retry",
    summary="Process files again",
    description="Failed and cancelled files are processed again, with other options where "
    "given; or the chosen files, even if they succeeded. Uploads are taken as they lie in the "
    "bucket now. The archive is built anew.",
    tags=["Jobs"],
    operation_id="retryJob",
    security=rest.KEY_OR_TOKEN,
    responses={
        202: {"description": "The files are queued", "content": _PROGRESS},
        **problems(401, 404, 409, 422),
    },
)
def post_retry(job_id: str, body: Annotated[RetryRequest, Body()]) -> Response[ProgressDocument]:
    shared = services()
    access.authorized_job(rest.credential(app), job_id, shared.jobs.get, shared.key)
    return rest.answer(202, retry_job(job_id, body, shared.settings, shared.jobs))


@app.delete(
    "/jobs/<job_id>",
    summary="Delete a job",
    description="Its id is unknown at once; its files, results and archive follow.",
    tags=["Jobs"],
    operation_id="deleteJob",
    security=rest.KEY_OR_TOKEN,
    responses={204: {"description": "The job is gone"}, **problems(401, 404)},
)
def delete_job(job_id: str) -> Response[Any]:
    shared = services()
    access.authorized_job(rest.credential(app), job_id, shared.jobs.get, shared.key)
    shared.jobs.forget(job_id)
    return Response(204, "application/json", "")


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return rest.resolve(app, event, context)
