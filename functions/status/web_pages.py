"""What people open in a browser: the page, the API's description, and the docs made from it.

Every file is served from this package, so that the docs work without the Internet.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi import swagger_ui

from darkroom import rest

_HERE = Path(__file__).parent
_SWAGGER = Path(swagger_ui.__file__).parent
_DOCS = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Darkroom API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui">Loading the API's documentation …</div>
<script src="docs/swagger-ui.js"></script>
<script>
  SwaggerUIBundle({
    url: "openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    persistAuthorization: true,
    tryItOutEnabled: true
  });
</script>
</body>
</html>
"""


def add_routes(app: APIGatewayHttpResolver) -> None:
    """The routes that are not part of the API's description."""

    @app.get("/", include_in_schema=False)
    def get_page() -> Response[Any]:
        return _text("text/html; charset=utf-8", _read(_HERE / "index.html"))

    @app.get("/openapi.json", include_in_schema=False)
    def get_openapi() -> Response[Any]:
        return _text("application/vnd.oai.openapi+json;version=3.1", _read(_HERE / "openapi.json"))

    @app.get("/docs", include_in_schema=False)
    def get_docs() -> Response[Any]:
        return _text("text/html; charset=utf-8", _DOCS)

    @app.get("/docs/swagger-ui.js", include_in_schema=False)
    def get_script() -> Response[Any]:
        return _asset("text/javascript; charset=utf-8", "swagger-ui-bundle.min.js")

    @app.get("/docs/swagger-ui.css", include_in_schema=False)
    def get_style() -> Response[Any]:
        return _asset("text/css; charset=utf-8", "swagger-ui.min.css")

    @app.not_found
    def get_nothing(_: Exception) -> Response[str]:
        event = app.current_event
        request_id = event.request_context.request_id
        allowed = allowed_methods(event.path)
        if not allowed or event.http_method in allowed:
            return rest.problem(
                404, "unknown_route", "There is nothing at this address.", request_id
            )
        sentence = f"{event.http_method} is not possible here; use {' or '.join(allowed)}."
        refused = rest.problem(405, "method_not_allowed", sentence, request_id)
        refused.headers["Allow"] = ", ".join(allowed)
        return refused


def allowed_methods(path: str) -> list[str]:
    """The methods that the API has for a path; none where there is no such route."""
    for pattern, methods in _routes():
        if pattern.fullmatch(path):
            return methods
    return []


@cache
def _routes() -> list[tuple[re.Pattern[str], list[str]]]:
    described = json.loads(_read(_HERE / "openapi.json"))["paths"]
    pages = {path: ["get"] for path in ("/", "/openapi.json", "/docs")}
    return [
        (re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), sorted(method.upper() for method in route))
        for path, route in {**described, **pages}.items()
    ]


@cache
def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _text(content_type: str, body: str) -> Response[Any]:
    return Response(200, content_type, body)


def _asset(content_type: str, name: str) -> Response[Any]:
    """A file of the pinned Swagger UI, which changes with Powertools only."""
    response = _text(content_type, _read(_SWAGGER / name))
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response
