"""POST /jobs: granted uploads and refused requests."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from functions.upload import app
from tests.conftest import Cloud, FakeContext, http_event
from tests.upload.posting import PHOTO, post


def policy_of(upload: dict[str, Any]) -> list[Any]:
    return list(json.loads(base64.b64decode(upload["fields"]["policy"]))["conditions"])


def test_an_upload_goes_to_the_regional_endpoint(cloud: Cloud) -> None:
    """The global endpoint redirects for a new bucket, and a web page may not follow."""
    _, job = post({"files": [PHOTO]})
    url = job["files"][0]["upload"]["url"]
    assert url == "https://darkroom-photos.s3.eu-west-1.amazonaws.com/"


def test_a_job_grants_one_upload_for_each_file(cloud: Cloud) -> None:
    zipped = {"name": "b/c.zip", "size": 7, "content_type": "application/zip"}
    status, job = post({"files": [PHOTO, zipped]})
    assert status == 201
    assert job["status"] == "awaiting_upload"
    assert job["websocket_url"] == "wss://live.example/live"
    assert [file["file_id"] for file in job["files"]] == ["000000", "000001"]
    for file, size, name in zip(job["files"], (1000, 7), ("a.jpg", "c.zip"), strict=True):
        upload = file["upload"]
        key = f"uploads/{job['job_id']}/{file['file_id']}/{name}"
        assert upload["method"] == "POST"
        assert upload["fields"]["key"] == key
        conditions = policy_of(upload)
        assert ["content-length-range", size, size] in conditions
        assert {"key": key} in conditions


def test_a_job_is_stored_without_its_token(cloud: Cloud) -> None:
    _, job = post({"files": [PHOTO], "options": {"crop_face": True}})
    items = cloud.table.scan()["Items"]
    assert {item["sk"] for item in items} == {"JOB", "BLOCK"}
    assert job["token"].startswith(job["job_id"] + ".")
    assert job["token"] not in str(items)
    stored = cloud.services.jobs.require(job["job_id"])
    assert json.loads(stored.options)["crop_face"] is True
    assert json.loads(stored.options)["model"] == "u2netp"


@pytest.mark.parametrize(
    ("files", "job_type"),
    [([PHOTO], "single"), ([PHOTO, PHOTO], "batch"), ([{"name": "x.ZIP", "size": 1}], "zip")],
)
def test_the_type_of_a_job(cloud: Cloud, files: list[Any], job_type: str) -> None:
    _, job = post({"files": files})
    assert cloud.services.jobs.require(job["job_id"]).job_type == job_type


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ("{", "invalid_json", None),
        ([], "invalid_job", ""),
        ({}, "invalid_job", "files"),
        ({"files": []}, "invalid_job", "files"),
        ({"files": [PHOTO] * 101}, "invalid_job", "files"),
        ({"files": [{"name": "a.jpg"}]}, "invalid_job", "files.0.size"),
        ({"files": [PHOTO], "optoins": {}}, "invalid_job", "optoins"),
        ({"files": [PHOTO | {"size": 50_000_001}]}, "file_too_large", "files.0.size"),
        ({"files": [PHOTO], "options": {"x": 1}}, "invalid_options", "options.x"),
        ({"files": [PHOTO], "options": {"model": "gpt"}}, "unknown_model", "options.model"),
        ({"files": [PHOTO], "options": {"format": "jpeg"}}, "invalid_options", "options.format"),
    ],
)
def test_wrong_fields_are_named(cloud: Cloud, body: Any, code: str, field: str | None) -> None:
    status, problem = post(body)
    assert (status, problem["code"], problem["status"]) == (422, code, 422)
    assert problem["request_id"] == "request-1"
    assert problem["detail"].endswith(".")
    assert [error["field"] for error in problem["errors"]] == ([] if field is None else [field])
    assert cloud.table.scan()["Items"] == []


def test_an_unknown_model_is_answered_with_the_available_ones(cloud: Cloud) -> None:
    _, problem = post({"files": [PHOTO], "options": {"model": "gpt"}})
    assert "u2netp, silueta" in problem["detail"]


@pytest.mark.parametrize(
    ("credential", "code"), [(None, "no_credential"), ("guess", "wrong_key"), ("ключ", "wrong_key")]
)
def test_without_the_key_no_job_is_created(cloud: Cloud, credential: str, code: str) -> None:
    status, problem = post({"files": [PHOTO]}, credential)
    assert (status, problem["code"]) == (401, code)
    assert cloud.table.scan()["Items"] == []


def test_an_unknown_route_is_a_problem(cloud: Cloud) -> None:
    answer = app.handler(http_event("POST", "/nothing"), FakeContext())
    assert answer["statusCode"] == 404
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert json.loads(answer["body"])["code"] == "unknown_route"
