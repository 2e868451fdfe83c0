"""The HTTP edge of every function with routes: validation, and errors as RFC 9457 problems."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestValidationError,
    ResponseValidationError,
)
from aws_lambda_powertools.utilities.typing import LambdaContext

from darkroom.access import bearer
from darkroom.errors import InvalidRequest, RequestError
from darkroom.validation import described, invalid

KEY: Any = [{"key": []}]
KEY_OR_TOKEN: Any = [{"key": []}, {"token": []}]
"""The `security` of a route: the deployment's key, or the job's token as well."""

# The code of an invalid body, by the last part of the route. Anything below `options` has its own.
_BODY_CODES = {"jobs": "invalid_job", "files": "invalid_files", "retry": "invalid_retry"}


def resolver(logger: Logger) -> APIGatewayHttpResolver:
    """A resolver that answers every exception with a problem, with a code and a request id."""
    app = APIGatewayHttpResolver(
        enable_validation=True,
        response_validation_error_http_code=500,
        serializer=partial(json.dumps, ensure_ascii=False),
    )

    def respond(status: int, code: str, message: str, **more: Any) -> Response[str]:
        return problem(status, code, message, app.current_event.request_context.request_id, **more)

    @app.exception_handler(RequestError)  # type: ignore[untyped-decorator]
    def refused(error: RequestError) -> Response[str]:
        return refusal(error)

    def refusal(error: RequestError) -> Response[str]:
        more = {"errors": error.fields} if isinstance(error, InvalidRequest) else {}
        return respond(error.status, error.code, error.message, **more)

    @app.exception_handler(RequestValidationError)  # type: ignore[untyped-decorator]
    def not_valid(error: RequestValidationError) -> Response[str]:
        try:
            credential(app)  # who may not call this at all need not learn how
        except RequestError as unauthorized:
            return refusal(unauthorized)
        return refusal(_refusal(error.errors(), app.current_event.path))

    @app.exception_handler(UnicodeDecodeError)  # type: ignore[untyped-decorator]
    def not_text(_: UnicodeDecodeError) -> Response[str]:
        return refusal(_invalid_json())

    @app.not_found
    def unknown(_: NotFoundError) -> Response[str]:
        return respond(
            404, "unknown_route", "There is no such route; check the method and the path."
        )

    @app.exception_handler([Exception, ResponseValidationError])  # type: ignore[untyped-decorator]
    def crashed(_: Exception) -> Response[str]:
        logger.exception("A request crashed")
        return respond(
            500,
            "internal",
            "Something went wrong on our side; try again, and report the request id if it recurs.",
        )

    return app


def resolve(
    app: APIGatewayHttpResolver, event: Mapping[str, Any], context: LambdaContext
) -> dict[str, Any]:
    """Answer an event. A body is read as JSON whatever its Content-Type; an empty one is `{}`.

    `curl -d` sends a form's Content-Type, and Powertools would parse the body as that.
    """
    headers = {
        name: value for name, value in event["headers"].items() if name.lower() != "content-type"
    }
    body = {} if event.get("body") else {"body": "{}", "isBase64Encoded": False}
    return app.resolve({**event, "headers": headers, **body}, context)


def _refusal(errors: Sequence[Mapping[str, Any]], path: str) -> InvalidRequest:
    """The one error of a request that is not valid. Its code depends on the part that is wrong."""
    if any(error["type"] == "json_invalid" for error in errors):
        return _invalid_json()
    place = errors[0]["loc"][0]
    fields = [described(error, skip=1) for error in errors]
    if place != "body":
        return invalid("invalid_query", "The query is not valid", fields)
    if all(error["loc"][1:2] == ("options",) for error in errors):
        return invalid("invalid_options", "The options are not valid", fields)
    name = path.rstrip("/").rpartition("/")[2]
    return invalid(_BODY_CODES[name], "The body is not valid", fields)


def _invalid_json() -> InvalidRequest:
    return InvalidRequest("invalid_json", "The body is not valid JSON; send one JSON object.")


def problem(status: int, code: str, message: str, request_id: str, **more: Any) -> Response[str]:
    """A problem of RFC 9457. `title` is the name of the status, `detail` the error's message."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": message,
        "code": code,
        "request_id": request_id,
    }
    return Response(status, "application/problem+json", json.dumps(body | more))


def answer(status: int, body: Any, **headers: str) -> Response[Any]:
    return Response(status, "application/json", body, headers=dict(headers))


def credential(app: APIGatewayHttpResolver) -> str:
    """The key or token of the current request. Raises Unauthorized."""
    return bearer(app.current_event.headers.get("authorization"))
