"""HTTP: making jobs."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from darkroom import http
from darkroom.access import require_key
from darkroom.aws.services import services
from functions.upload.create import create_job

logger = Logger(service="upload")
app = http.resolver(logger)


@app.post("/jobs")
def post_job() -> Response[str]:
    shared = services()
    require_key(http.credential(app), shared.key)
    return http.answer(201, create_job(http.body(app), shared.settings, shared.jobs, shared.bucket))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return app.resolve(event, context)
