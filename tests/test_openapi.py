"""The committed description of the API is the routes' own, valid, and complete."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openapi_spec_validator import validate
from samtranslator.yaml_helper import yaml_parse

from darkroom.error_codes import REQUEST_CODES
from tools import openapi
from tools.api_reference import reference

ROOT = Path(__file__).parents[1]
DOCUMENT = json.loads(openapi.DOCUMENT.read_text(encoding="utf-8"))
OPERATIONS = [
    (method.upper(), path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]


def test_it_is_up_to_date() -> None:
    document = openapi.build()
    assert openapi.text(document) == openapi.DOCUMENT.read_text(encoding="utf-8"), "make openapi"
    assert reference(document) == openapi.REFERENCE.read_text(encoding="utf-8"), "make openapi"


def test_it_is_valid() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    validate(DOCUMENT)


def test_it_describes_every_route_of_the_template() -> None:
    template = yaml_parse((ROOT / "infra/template.yaml").read_text(encoding="utf-8"))
    deployed = {
        (event["Properties"]["Method"], event["Properties"]["Path"])
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
        for event in resource["Properties"].get("Events", {}).values()
        if event["Type"] == "HttpApi" and "Path" in event["Properties"]
    }
    pages = {("GET", path) for path in ("/", "/docs", "/docs/{file}", "/openapi.json")}
    assert {(method, path) for method, path, _ in OPERATIONS} == deployed - pages


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_every_operation_says_what_a_caller_needs(method: str, path: str, operation: dict) -> None:  # type: ignore[type-arg]
    assert operation["summary"]
    assert operation["operationId"]
    public = path in ("/models", "/presets", "/health")
    assert bool(operation.get("security")) is not public
    for status, response in operation["responses"].items():
        kinds = set(response.get("content", {}))
        if status[0] in "45":
            assert kinds == {"application/problem+json"}
    assert ("401" in operation["responses"]) is not public


def test_every_code_of_a_request_is_listed() -> None:
    codes = DOCUMENT["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
    assert set(codes) == set(REQUEST_CODES)
