"""The API's description, held against the deployed API by a fuzzer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from local.stack import Stack
from tests.journey.api import CAT, Api

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

DOCUMENT = json.loads((Path(__file__).parents[2] / "functions/status/openapi.json").read_text())
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {
    f"{found.ok().method.upper()} {found.ok().path}": found.ok()
    for found in SCHEMA.get_all_operations()
}
EXAMPLES = 25


@pytest.fixture(scope="module")
def job(stack: Stack) -> dict[str, Any]:
    """A finished job: most ids that a fuzzer makes up belong to none."""
    api = Api(stack)
    made = api.send({"cat.jpg": CAT})
    api.wait(made)
    return made


def test_the_deployed_description_is_the_one_that_is_tested(stack: Stack) -> None:
    answer = httpx.get(f"{stack.api_url}/openapi.json", trust_env=False)
    assert answer.json() == DOCUMENT
    assert answer.headers["content-type"].startswith("application/vnd.oai.openapi+json")


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_is_one_that_is_described(
    name: str, stack: Stack, job: dict[str, Any]
) -> None:
    """No 5xx, no undescribed status, and no answer outside its schema, whatever is sent."""

    @given(case=OPERATIONS[name].as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def fuzz(case: schemathesis.Case) -> None:
        if "job_id" in (case.path_parameters or {}) and case.method != "DELETE":
            case.path_parameters["job_id"] = job["job_id"]
        case.call_and_validate(
            base_url=stack.api_url,
            headers={"Authorization": f"Bearer {stack.key}"},
            timeout=30,
            allow_redirects=False,
            # Some rules say more than a schema can: that a cursor is one of ours, that a host is
            # public, that an option excludes another. 422 is described for each.
            excluded_checks=[positive_data_acceptance],
        )

    fuzz()


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing/here", 404, "unknown_route"),
        ("DELETE", "/nothing", 404, "unknown_route"),
        ("PUT", "/jobs", 405, "method_not_allowed"),
        ("PATCH", "/jobs/x/retry", 405, "method_not_allowed"),
        ("POST", "/health", 405, "method_not_allowed"),
    ],
)
def test_unknown_routes_and_methods_are_problems(
    stack: Stack, method: str, path: str, status: int, code: str
) -> None:
    answer = httpx.request(method, f"{stack.api_url}{path}", trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert ("allow" in answer.headers) is (status == 405)


def test_the_interactive_docs_need_no_one_else(stack: Stack) -> None:
    page = httpx.get(f"{stack.api_url}/docs", trust_env=False).text
    assert "http" not in page.replace("http-equiv", "")
    for name, kind in (("swagger-ui.js", "text/javascript"), ("swagger-ui.css", "text/css")):
        asset = httpx.get(f"{stack.api_url}/docs/{name}", trust_env=False)
        assert asset.status_code == 200
        assert asset.headers["content-type"].startswith(kind)
        assert len(asset.content) > 100_000
