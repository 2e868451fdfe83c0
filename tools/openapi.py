"""Writes the API's description and its reference from the routes themselves: `make openapi`.

    functions/status/openapi.json   OpenAPI 3.1, which `GET /openapi.json` answers with
    docs/api.md                     the same, for people

Both are committed, so that nothing is generated at run time. A test compares them with the routes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler.openapi.merge import OpenAPIMerge
from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer

from darkroom import __version__
from functions.status import app as status
from functions.upload import app as upload
from tools.api_reference import reference

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "functions/status/openapi.json"
REFERENCE = ROOT / "docs/api.md"

DESCRIPTION = """\
Cut out product photos and portraits, in your own AWS account. Create a job, upload each file to
the presigned form it was granted, follow the job (over the WebSocket, or by polling), and fetch
the results one by one or as one ZIP.

Every error is a problem document (RFC 9457) with a stable `code`."""
# Powertools describes validation errors of its own, which `darkroom.rest` replaces by problems.
_POWERTOOLS_OWN = ("HTTPValidationError", "ValidationError", "ResponseValidationError")
_PROBLEM = {
    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
}


def build() -> dict[str, Any]:
    """The description of every route of every function, as an OpenAPI 3.1 document."""
    schemes = {
        "key": HTTPBearer(description="The deployment's key. It may do everything."),
        "token": HTTPBearer(description="A job's token. It opens that one job."),
    }
    merged = OpenAPIMerge(
        title="Darkroom API",
        version=__version__,
        description=DESCRIPTION,
        tags=["Jobs", "Files", "Service"],
    )
    for module in (upload, status):
        text = module.app.get_openapi_json_schema(security_schemes=schemes)
        merged.add_schema(json.loads(text))
    document: dict[str, Any] = json.loads(json.dumps(merged.get_openapi_schema()))
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"] = dict(sorted(_responses(operation["responses"])))
    for name in _POWERTOOLS_OWN:
        document["components"]["schemas"].pop(name, None)
    document["components"]["schemas"] = dict(sorted(document["components"]["schemas"].items()))
    document["paths"] = dict(sorted(document["paths"].items()))
    return document


def _responses(responses: dict[str, Any]) -> list[tuple[str, Any]]:
    """Without Powertools' own errors. A status that a route does not declare cannot come of it."""
    kept = []
    for status_code, response in responses.items():
        own = any(name in json.dumps(response) for name in _POWERTOOLS_OWN)
        if own and status_code != "500":
            continue
        problem = {"description": "An error of ours; try again", "content": _PROBLEM}
        kept.append((status_code, problem if own else response))
    return kept


def text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    document = build()
    DOCUMENT.write_text(text(document), encoding="utf-8")
    REFERENCE.write_text(reference(document), encoding="utf-8")
    for path in (DOCUMENT, REFERENCE):
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
