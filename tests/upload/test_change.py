"""Cancel, retry and delete: the responses, and the effects on the job."""

from __future__ import annotations

import json
from typing import Any

import pytest

from darkroom.jobs import FileEvent
from darkroom.outcomes import Outcome
from darkroom.states import JobStatus
from functions.upload import app
from tests.conftest import KEY, Cloud, FakeContext, http_event
from tests.making import TOKEN, a_file, a_job


def call(
    method: str, path: str, body: Any = None, credential: str | None = TOKEN
) -> tuple[int, Any]:
    text = None if body is None else json.dumps(body)
    event = http_event(method, path, body=text, credential=credential)
    answer = app.handler(event, FakeContext())
    return answer["statusCode"], json.loads(answer["body"] or "null")


def failed_job(cloud: Cloud) -> None:
    error = {"code": "damaged_photo", "message": "It is."}
    event = FileEvent(0, 1, Outcome.FAILED, "a.jpg", error)
    cloud.services.jobs.create(a_job().image_listed(0).with_events([event]), [])


def status(cloud: Cloud) -> JobStatus:
    return cloud.services.jobs.require("j1").status


def test_a_cancel_is_idempotent(cloud: Cloud) -> None:
    cloud.services.jobs.create(a_job(uploads=2), [a_file(0), a_file(1)])
    for _ in range(2):
        code, document = call("POST", "/jobs/j1/cancel")
        assert (code, document["status"], document["progress"]["total"]) == (200, "cancelled", 2)
        assert document["sequence"] == 2


def test_cancelling_an_ended_job_changes_nothing(cloud: Cloud) -> None:
    failed_job(cloud)
    assert call("POST", "/jobs/j1/cancel")[1]["status"] == "failed"


def test_a_retry_can_change_the_options(cloud: Cloud) -> None:
    failed_job(cloud)
    code, document = call("POST", "/jobs/j1/retry", {"options": {"model": "silueta"}})
    assert (code, document["status"], document["summary"]["failed"]) == (202, "processing", 0)
    job = cloud.services.jobs.require("j1")
    assert json.loads(job.options)["model"] == "silueta"
    assert job.attempt == 2


def test_a_retry_without_options_keeps_them(cloud: Cloud) -> None:
    failed_job(cloud)
    before = cloud.services.jobs.require("j1").options
    assert call("POST", "/jobs/j1/retry")[0] == 202
    assert cloud.services.jobs.require("j1").options == before


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"options": {"model": "x"}}, "unknown_model"),
        ({"options": {"y": 1}}, "invalid_options"),
        ({"option": {}}, "invalid_retry"),
    ],
)
def test_an_invalid_retry_changes_nothing(cloud: Cloud, body: Any, code: str) -> None:
    failed_job(cloud)
    refused, problem = call("POST", "/jobs/j1/retry", body)
    assert (refused, problem["code"]) == (422, code)
    assert status(cloud) is JobStatus.FAILED


def test_a_retry_before_the_end_is_a_conflict(cloud: Cloud) -> None:
    cloud.services.jobs.create(a_job(), [a_file(0)])
    refused, problem = call("POST", "/jobs/j1/retry")
    assert (refused, problem["code"]) == (409, "not_ended")


def test_a_deleted_job_is_unknown_at_once(cloud: Cloud) -> None:
    failed_job(cloud)
    assert call("DELETE", "/jobs/j1") == (204, None)
    assert call("DELETE", "/jobs/j1", credential=KEY)[1]["code"] == "unknown_job"
    assert call("POST", "/jobs/j1/cancel", credential=TOKEN)[1]["code"] == "wrong_key"


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/jobs/j1/cancel"), ("POST", "/jobs/j1/retry"), ("DELETE", "/jobs/j1")],
)
def test_another_jobs_token_is_refused(cloud: Cloud, method: str, path: str) -> None:
    failed_job(cloud)
    refused, problem = call(method, path, credential="j2.secret")
    assert (refused, problem["code"]) == (401, "wrong_token")
    assert status(cloud) is JobStatus.FAILED
