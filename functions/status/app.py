"""HTTP: reading jobs, files and archives; health, models, and statistics."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext

from darkroom import __version__, access, clock, rest
from darkroom.aws.services import services
from darkroom.jobs import Job
from darkroom.ledger import statistics
from darkroom.resolving import all_presets
from darkroom.schemas import problems
from darkroom.states import FileStatus, JobStatus
from functions.status import answers, documents, web_pages
from functions.status.history import list_jobs

logger = Logger(service="status")
app = rest.resolver(logger)
web_pages.add_routes(app)

Limit = Annotated[int, Query(ge=1, le=100, description="Entries of a page")]
Cursor = Annotated[str | None, Query(description="The cursor of the page before")]


def _json(description: str, model: Any) -> Any:
    return {"description": description, "content": {"application/json": {"model": model}}}


def _location(description: str) -> Any:
    """A redirect, whose body is empty."""
    return {"description": description, "content": {"text/plain": {"schema": {"type": "string"}}}}


@app.get(
    "/jobs",
    summary="List all jobs",
    description="Newest first. A page may hold fewer jobs than its limit, even none, and still "
    "continue: it ends where `cursor` is null.",
    tags=["Jobs"],
    operation_id="listJobs",
    security=rest.KEY,
    responses={200: _json("A page of jobs", answers.JobPage), **problems(401, 422)},
)
def get_jobs(
    status: Annotated[JobStatus | None, Query(description="Only jobs of this status")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response[answers.JobPage]:
    shared = services()
    access.require_key(rest.credential(app), shared.key)
    page = list_jobs(
        shared.index,
        shared.bucket,
        status=status,
        limit=limit,
        cursor=cursor,
        now=clock.now(),
        keep_days=shared.settings.keep_days,
    )
    return rest.answer(200, page)


@app.get(
    "/stats",
    summary="Read the statistics",
    description="Totals of all jobs since the deployment began. A job is counted when it settles.",
    tags=["Service"],
    operation_id="getStatistics",
    security=rest.KEY,
    responses={200: _json("The totals", answers.Statistics), **problems(401)},
)
def get_stats() -> Response[answers.Statistics]:
    shared = services()
    access.require_key(rest.credential(app), shared.key)
    return rest.answer(200, statistics(shared.ledger.totals()))


@app.get(
    "/jobs/<job_id>",
    summary="Read a job",
    description="The progress document, and links.",
    tags=["Jobs"],
    operation_id="getJob",
    security=rest.KEY_OR_TOKEN,
    responses={200: _json("The job", answers.JobDocument), **problems(401, 404)},
)
def get_job(job_id: str) -> Response[answers.JobDocument]:
    return rest.answer(200, documents.job_document(_job(job_id), services().bucket))


@app.get(
    "/jobs/<job_id>/files",
    summary="List the files of a job",
    description="In the order of their ids, with presigned result URLs. A page may hold fewer "
    "files than its limit, even none, and still continue: it ends where `cursor` is null. With "
    "`review=true`, only succeeded files that need a look, the worst first.",
    tags=["Files"],
    operation_id="listFiles",
    security=rest.KEY_OR_TOKEN,
    responses={200: _json("A page of files", answers.FilePage), **problems(401, 404, 422)},
)
def get_files(
    job_id: str,
    status: Annotated[FileStatus | None, Query(description="Only files of this status")] = None,
    review: Annotated[
        bool, Query(description="Only succeeded files whose confidence is below 0.5")
    ] = False,
    limit: Limit = 100,
    cursor: Annotated[
        str | None,
        Query(pattern=r"^[0-9]{6}([0-9]{3})?$", description="The cursor of the page before"),
    ] = None,
) -> Response[answers.FilePage]:
    shared, job, after = services(), _job(job_id), cursor or ""
    if review:
        page = documents.list_review(job, shared.jobs, shared.bucket, limit=limit, after=after)
    else:
        page = documents.list_files(
            job, shared.jobs, shared.bucket, status=status, limit=limit, after=after[:6]
        )
    return rest.answer(200, page)


@app.get(
    "/jobs/<job_id>/files/<file_id>",
    summary="Read a file, or its result",
    description="With `as=data-url`, the result as base64 (up to 4 MB). With `as=redirect`, a "
    "redirect to the result itself.",
    tags=["Files"],
    operation_id="getFile",
    security=rest.KEY_OR_TOKEN,
    responses={
        200: _json("The file, or its result", answers.FileDocument | answers.DataUrl),
        302: _location("The result is at `Location`, for an hour"),
        **problems(401, 404, 409, 422),
    },
)
def get_file(
    job_id: str,
    file_id: str,
    form: Annotated[
        Literal["data-url", "redirect"] | None, Query(alias="as", description="How to answer")
    ] = None,
) -> Response[Any]:
    shared = services()
    file = documents.find_file(_job(job_id), file_id, shared.jobs)
    match form:
        case None:
            return rest.answer(200, documents.one_file(file, shared.bucket))
        case "data-url":
            return rest.answer(200, documents.data_url(file, shared.bucket))
        case "redirect":
            return _redirect(documents.result_url(file, shared.bucket))


@app.get(
    "/jobs/<job_id>/archive",
    summary="Download the ZIP of all results",
    description="A redirect to the ZIP once it is ready.",
    tags=["Jobs"],
    operation_id="getArchive",
    security=rest.KEY_OR_TOKEN,
    responses={
        202: _json(
            "The ZIP is being built; ask again after `Retry-After` seconds", answers.JobDocument
        ),
        302: _location("The ZIP is at `Location`, for an hour"),
        **problems(401, 404, 409),
    },
)
def get_archive(job_id: str) -> Response[Any]:
    job = _job(job_id)
    url = documents.archive_url(job, services().bucket)
    if url is None:
        return rest.answer(
            202, documents.job_document(job, services().bucket), **{"Retry-After": "2"}
        )
    return _redirect(url)


@app.get(
    "/models",
    summary="List the models of this deployment",
    tags=["Service"],
    operation_id="listModels",
    responses={200: _json("The models, the default one first", answers.ModelList), **problems()},
)
def get_models() -> Response[answers.ModelList]:
    models = services().settings.models
    return rest.answer(200, {"default": models[0], "models": list(models)})


@app.get(
    "/presets",
    summary="List the presets of this deployment",
    description="A job names one as its option `preset`. An option of the job comes before that of "
    "its preset.",
    tags=["Service"],
    operation_id="listPresets",
    responses={200: _json("The presets", answers.PresetList), **problems()},
)
def get_presets() -> Response[answers.PresetList]:
    presets = all_presets(services().settings)
    listed = [{"name": name, **preset.model_dump()} for name, preset in presets.items()]
    return rest.answer(200, {"presets": listed})


@app.get(
    "/health",
    summary="Check the service's health",
    tags=["Service"],
    operation_id="getHealth",
    responses={200: _json("The service answers", answers.Health), **problems()},
)
def get_health() -> Response[answers.Health]:
    return rest.answer(200, {"status": "ok", "version": __version__})


def _job(job_id: str) -> Job:
    shared = services()
    return access.authorized_job(rest.credential(app), job_id, shared.jobs.get, shared.key)


def _redirect(url: str) -> Response[Any]:
    return Response(302, "text/plain", "", headers={"Location": url})


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return rest.resolve(app, event, context)
