"""The HTTP routes that read jobs, files, archives and totals; the page, the models, health."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from darkroom import __version__, access, clock, rest
from darkroom.aws.services import services
from darkroom.jobs import Job
from darkroom.ledger import statistics
from functions.status import documents
from functions.status.history import list_jobs

logger = Logger(service="status-api")
app = rest.resolver(logger)

_PAGE = Path(__file__).with_name("index.html")


@app.get("/jobs")
def get_jobs() -> Response[str]:
    shared = services()
    access.require_key(rest.credential(app), shared.key)
    query = app.current_event.query_string_parameters or {}
    keep_days = shared.settings.keep_days
    return rest.answer(
        200,
        list_jobs(query, shared.index, shared.bucket, now=clock.now(), keep_days=keep_days),
    )


@app.get("/stats")
def get_stats() -> Response[str]:
    shared = services()
    access.require_key(rest.credential(app), shared.key)
    return rest.answer(200, statistics(shared.ledger.totals()))


@app.get("/jobs/<job_id>")
def get_job(job_id: str) -> Response[str]:
    return rest.answer(200, documents.job_document(_job(job_id), services().bucket))


@app.get("/jobs/<job_id>/files")
def get_files(job_id: str) -> Response[str]:
    shared = services()
    query = app.current_event.query_string_parameters or {}
    return rest.answer(200, documents.list_files(_job(job_id), query, shared.jobs, shared.bucket))


@app.get("/jobs/<job_id>/files/<file_id>")
def get_file(job_id: str, file_id: str) -> Response[str]:
    shared = services()
    file = documents.find_file(_job(job_id), file_id, shared.jobs)
    match (app.current_event.query_string_parameters or {}).get("as"):
        case None:
            return rest.answer(200, documents.one_file(file, shared.bucket))
        case "data-url":
            return rest.answer(200, documents.data_url(file, shared.bucket))
        case "redirect":
            return _redirect(documents.result_url(file, shared.bucket))
        case unknown:
            raise documents.unknown_form(unknown)


@app.get("/jobs/<job_id>/archive")
def get_archive(job_id: str) -> Response[str]:
    job = _job(job_id)
    url = documents.archive_url(job, services().bucket)
    if url is None:
        accepted = rest.answer(202, documents.job_document(job, services().bucket))
        accepted.headers["Retry-After"] = "2"
        return accepted
    return _redirect(url)


@app.get("/models")
def get_models() -> Response[str]:
    models = services().settings.models
    return rest.answer(200, {"default": models[0], "models": list(models)})


@app.get("/health")
def get_health() -> Response[str]:
    return rest.answer(200, {"status": "ok", "version": __version__})


@app.get("/")
def get_page() -> Response[str]:
    return Response(200, "text/html; charset=utf-8", _PAGE.read_text(encoding="utf-8"))


def _job(job_id: str) -> Job:
    shared = services()
    return access.authorized_job(rest.credential(app), job_id, shared.jobs.get, shared.key)


def _redirect(url: str) -> Response[str]:
    return Response(302, "application/json", "{}", headers={"Location": url})


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return app.resolve(event, context)
