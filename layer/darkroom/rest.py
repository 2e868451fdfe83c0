"""HTTP for the functions that have routes: one resolver, and errors as RFC 9457 problems."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from darkroom.access import bearer
from darkroom.errors import InvalidRequest, RequestError


def resolver(logger: Logger) -> APIGatewayHttpResolver:
    """A resolver that answers every exception with a problem, with a code and a request id."""
    app = APIGatewayHttpResolver()

    def respond(status: int, code: str, message: str, **more: Any) -> Response[str]:
        return problem(status, code, message, app.current_event.request_context.request_id, **more)

    @app.exception_handler(RequestError)  # type: ignore[untyped-decorator]
    def refused(error: RequestError) -> Response[str]:
        more = {"errors": error.fields} if isinstance(error, InvalidRequest) else {}
        return respond(error.status, error.code, error.message, **more)

    @app.not_found
    def unknown(_: NotFoundError) -> Response[str]:
        return respond(
            404, "unknown_route", "There is no such route; check the method and the path."
        )

    @app.exception_handler(Exception)  # type: ignore[untyped-decorator]
    def crashed(_: Exception) -> Response[str]:
        logger.exception("A request crashed")
        return respond(
            500,
            "internal",
            "Something went wrong on our side; try again, and report the request id if it recurs.",
        )

    return app


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


def answer(status: int, body: Any) -> Response[str]:
    return Response(status, "application/json", json.dumps(body, ensure_ascii=False))


def credential(app: APIGatewayHttpResolver) -> str:
    """The key or token of the current request. Raises Unauthorized."""
    return bearer(app.current_event.headers.get("authorization"))


def body(app: APIGatewayHttpResolver) -> Any:
    """The decoded JSON body. Raises InvalidRequest (`invalid_json`)."""
    try:
        return json.loads(app.current_event.decoded_body or "{}")
    except ValueError as error:
        raise InvalidRequest(
            "invalid_json", "The body is not valid JSON; send one JSON object."
        ) from error
